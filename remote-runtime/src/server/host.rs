//! Serving: in the foreground, or as the process that was started for it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{LOCAL, Server, UNKNOWN};
use crate::address::Files;
use crate::client;
use crate::daemon::handover::Handover;
use crate::daemon::lock::Lock;
use crate::daemon::{self, START};
use crate::error::{Call, Error, Result};
use crate::registry;
use crate::serve::{Host, Service};

impl Server {
    /// Serves here, in the foreground, until stopped: by [`stop`](Server::stop), by a signal, or
    /// because it was idle for longer than [`idle_timeout`](Server::idle_timeout).
    ///
    /// SIGTERM and SIGINT let the calls that run come to their end; they are handled only while
    /// this runs.
    ///
    /// # Errors
    /// If the name is taken by a server that runs, which is then named and left alone; if the
    /// socket cannot be made; if `on_start` or `on_stop` fails.
    pub fn listen(&'static self) -> Result<()> {
        let call = Call::control(self.name);
        let Some(files) = self.files(call)? else {
            return Err(Error::Unreachable(
                call.trouble("its address is `local:`, where nobody can listen"),
            ));
        };
        let deadline = Instant::now() + START;
        daemon::make_folder(call, &files.socket)?;
        let starting = daemon::lock(call, &files.start, deadline)?;
        self.refuse_second(call, &files)?;
        let lock = daemon::lock(call, &files.lock, deadline)?;
        let listener = daemon::listen(call, &files)?;
        drop(starting);
        self.serve(call, &files, listener, lock, || ())
    }

    /// Becomes the server that this process was started for.
    pub(super) fn serve_as_daemon(&'static self, handover: Handover) -> process::ExitCode {
        let call = Call::control(self.name);
        let Handover {
            lock,
            listener,
            starter,
            ..
        } = handover;
        let mut starter = Some(starter);
        let ended = self.files(call).and_then(|files| {
            let files = files.ok_or_else(|| {
                Error::Unreachable(call.trouble("its address is `local:` by now"))
            })?;
            self.serve(call, &files, listener, lock, || {
                if let Some(starter) = starter.take() {
                    starter.ready();
                }
            })
        });
        match (ended, starter) {
            (Ok(()), _) => process::ExitCode::SUCCESS,
            (Err(e), starter) => {
                eprintln!("{e}");
                if let Some(starter) = starter {
                    starter.failed(&e.to_string());
                }
                process::ExitCode::FAILURE
            }
        }
    }

    fn refuse_second(&'static self, call: Call<'_>, files: &Files) -> Result<()> {
        let Some(stream) = daemon::connect(call, files)? else {
            return Ok(());
        };
        match client::status(call, &self.route(), stream) {
            Ok((hello, _)) => {
                let taken = io::Error::from(io::ErrorKind::AddrInUse);
                Err(call.io(
                    format_args!(
                        "process {} serves it already; stop that one first",
                        hello.pid
                    ),
                    taken,
                ))
            }
            // It is ending, and its lock says when it has.
            Err(Error::Unreachable(_)) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Serves from start to end, holding `lock`.
    fn serve(
        &'static self,
        call: Call<'_>,
        files: &Files,
        listener: UnixListener,
        lock: Lock,
        ready: impl FnOnce(),
    ) -> Result<()> {
        let socket = Socket::of(&files.socket);
        let _role = Role::take(self);
        let service = Service {
            name: self.name,
            table: registry::table_of(self).map_err(|e| Error::Mismatch(call.trouble(e)))?,
            limit: self.max_message,
            max_connections: self.max_connections,
            idle_timeout: self.idle_timeout,
        };
        let host = Host::begin(service, listener).map_err(|e| call.io("it cannot serve", e))?;
        let mut ended = self.on_start.map_or(Ok(()), |load| load());
        if ended.is_ok() {
            host.open();
            ready();
            ended = host
                .wait()
                .map_err(|e| call.io("it cannot wait for requests to stop", e));
            host.drain();
            ended = ended.and(self.on_stop.map_or(Ok(()), |save| save()));
        } else {
            host.drain();
        }
        // Who has come since is kept waiting by `host`: first there must be room for a successor.
        socket.remove_if_ours(&files.socket);
        drop(lock);
        drop(host);
        ended
    }
}

/// Functions run here while it lives.
struct Role(&'static Server);

impl Role {
    fn take(server: &'static Server) -> Self {
        server.role.store(LOCAL, Ordering::Release);
        Self(server)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.0.role.store(UNKNOWN, Ordering::Release);
    }
}

/// Which file our socket is.
struct Socket(Option<(u64, u64)>);

impl Socket {
    fn of(path: &Path) -> Self {
        Self(
            fs::symlink_metadata(path)
                .ok()
                .map(|metadata| (metadata.dev(), metadata.ino())),
        )
    }

    /// Removes the socket, unless another one lies at its path by now.
    fn remove_if_ours(&self, path: &Path) {
        if self.0.is_some() && Self::of(path).0 == self.0 {
            // If it stays, the next server removes it.
            let _ = fs::remove_file(path);
        }
    }
}
