//! Serving: in the foreground, or as the process that was started for it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{LOCAL, Server, UNKNOWN};
use crate::address::Files;
use crate::client;
use crate::daemon::handover::Handover;
use crate::daemon::{self, Given, START};
use crate::error::{Call, Error, Result};
use crate::registry;
use crate::serve::{Host, Service};

impl Server {
    /// Serves here, in the foreground, until stopped: by [`stop`](Server::stop), by a signal, or
    /// because it was idle for longer than [`idle_timeout`](Server::idle_timeout).
    ///
    /// SIGTERM and SIGINT let the calls that run come to their end, for up to 10 s; a second one ends
    /// the process at once. They are handled only while this runs.
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
        let socket = daemon::bind(call, &files)?;
        self.serve(
            call,
            &files,
            Given {
                starting,
                lock,
                socket,
            },
            || (),
        )
    }

    /// Becomes the server that this process was started for. If that fails, the starter is told.
    pub(super) fn serve_as_daemon(&'static self, handover: Handover) -> Result<()> {
        let call = Call::control(self.name);
        let Handover { given, starter, .. } = handover;
        let mut starter = Some(starter);
        let ended = self.files(call).and_then(|files| {
            let files = files.ok_or_else(|| {
                Error::Unreachable(call.trouble("its address is `local:` by now"))
            })?;
            self.serve(call, &files, given, || {
                if let Some(starter) = starter.take() {
                    starter.ready();
                }
            })
        });
        if let (Err(e), Some(starter)) = (&ended, starter) {
            starter.failed(&e.to_string());
        }
        ended
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

    /// Serves from start to end. Nobody can connect before all is ready; who would, waits for the
    /// start lock, or is told that nobody listens.
    fn serve(
        &'static self,
        call: Call<'_>,
        files: &Files,
        given: Given,
        ready: impl FnOnce(),
    ) -> Result<()> {
        let Given {
            starting,
            lock,
            socket,
        } = given;
        let file = Socket::at(&files.socket);
        let _role = Role::take(self);
        let service = Service {
            name: self.name,
            table: registry::table_of(self).map_err(|e| Error::Mismatch(call.trouble(e)))?,
            limit: self.max_message,
            max_connections: self.max_connections,
            idle_timeout: self.idle_timeout,
        };
        self.on_start.map_or(Ok(()), |load| load())?;
        let mut host = Host::begin(service, socket).map_err(|e| call.io("it cannot serve", e))?;
        drop(starting);
        ready();
        let ended = host
            .wait()
            .map_err(|e| call.io("it cannot wait for requests to stop", e));
        host.drain();
        let ended = ended.and(self.on_stop.map_or(Ok(()), |save| save()));
        // Who has come since is kept waiting by `host`: first there must be room for a successor.
        drop(file);
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

/// The file of our socket, which is removed when this is dropped.
struct Socket<'p> {
    path: &'p Path,
    /// Which file it is, as device and number.
    file: Option<(u64, u64)>,
}

impl<'p> Socket<'p> {
    fn at(path: &'p Path) -> Self {
        Self {
            path,
            file: identity(path),
        }
    }
}

impl Drop for Socket<'_> {
    /// Another one that lies at the path by now stays.
    fn drop(&mut self) {
        if self.file.is_some() && identity(self.path) == self.file {
            // If it stays, the next server removes it.
            let _ = fs::remove_file(self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
