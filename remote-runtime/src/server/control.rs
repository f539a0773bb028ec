//! What is done with a server as a whole: start, stop, restart, status.

use std::path::PathBuf;
use std::time::SystemTime;

use super::{Server, Way};
use crate::address::{Files, Piped};
use crate::bridge::{Ends, Manner, Wanted};
use crate::client::{self, Route, State, Succession};
use crate::daemon;
use crate::daemon::note::Note;
use crate::error::{Call, Error, Result};
use crate::link::PATIENCE;
use crate::registry;
use crate::serve::KeepAwake;
use crate::wire::hello::Hello;
use crate::wire::interface::Interface;
use crate::wire::report::{Holder, Report, RunningCall};

impl Server {
    /// Starts the server in the background, unless it runs. `main` must begin with [`init`](crate::init).
    ///
    /// # Errors
    /// If it cannot be started, for instance because `on_start` fails.
    pub fn start(&'static self) -> Result<()> {
        let call = Call::control(self.name);
        // Inside the server it runs, or is starting just now.
        if self.is_local() {
            return Ok(());
        }
        let way = Way::patient(self, call)?;
        if way.is_elsewhere(call)? {
            return match way.connect(call)? {
                Some(stream) => client::is_staying(call, &way, stream).map(drop),
                None => Err(way.nobody(call)),
            };
        }
        let Some(files) = way.files(call)? else {
            return Ok(());
        };
        loop {
            let stream = match daemon::connect(call, &files, PATIENCE)? {
                Some(stream) => stream,
                None => way.start(call, &files)?,
            };
            if client::is_staying(call, &way, stream)? {
                return Ok(());
            }
        }
    }

    /// Stops the server, and waits until it has ended. If none runs, all is well. Inside the
    /// server it does not wait: the call that asks is among those that come to their end first.
    ///
    /// # Errors
    /// If it does not end within 30 s, or cannot be asked; [`Error::Failed`] if it has ended, and its
    /// [`on_stop`](Server::on_stop) has failed, of which nothing is heard over HTTP.
    pub fn stop(&'static self) -> Result<()> {
        let call = Call::control(self.name);
        let way = Way::patient(self, call)?;
        match way.find(call)? {
            None => Ok(()),
            // Inside the server, to wait for its end would keep it from coming.
            Some(stream) if self.is_local() => client::ask_to_stop(call, &way, stream),
            Some(stream) => {
                let state = client::stop(call, &way, stream)?;
                let remark = state.remark(call, &way, "it has ended");
                remark.map_or(Ok(()), |remark| Err(Error::failed(remark)))
            }
        }
    }

    /// Stops the server as [`stop`](Server::stop) does, and starts the next one, of this program's
    /// build, in the background. Its socket listens all the while, so that callers wait instead of
    /// being refused. If none runs, one is started. What the statics hold ends with the old one.
    ///
    /// A server that a service manager listens for is stopped, and the manager starts the next one.
    /// One in the foreground returns from [`listen`](Server::listen), and the next one is in the
    /// background: under a manager that does not listen itself, restart it there.
    ///
    /// # Errors
    /// As of [`stop`](Server::stop) and [`start`](Server::start); also inside the server, which cannot
    /// wait for its own end. If only `on_stop` has failed, the next one has been started.
    pub fn restart(&'static self) -> Result<()> {
        let call = Call::control(self.name);
        let way = Way::patient(self, call)?;
        if way.is_elsewhere(call)? {
            return Err(Error::Unreachable(
                call.trouble("it is not on this machine; stop it, and start it there"),
            ));
        }
        let files = way.files(call)?;
        if self.is_local() && (files.is_some() || way.is_child()) {
            return Err(Error::Unreachable(call.trouble(
                "it cannot restart itself; call `stop`, and let the next call start it",
            )));
        }
        let Some(files) = files else {
            return Ok(());
        };
        way.may_start(call, &files, "it would be started at")?;
        // Nobody else is to start one meanwhile.
        let starting = daemon::begin(call, &files, way.start_by())?;
        let (succession, state) = match way.find(call)? {
            Some(stream) => {
                let program = self.package();
                client::restart(call, &way.holding_start(), stream, program)?
            }
            None => (Succession::Ended, State::default()),
        };
        let next = match way.take_over(call, way.which(), &files, starting, succession) {
            // Nothing is left of it; or a manager, which needs the start lock, starts the next one.
            Ok(false) => self.start(),
            taken => taken.map(drop),
        };
        let ended = match &next {
            Ok(()) => "it has ended, and the next one runs".to_owned(),
            Err(e) => format!("it has ended, and the next one does not run ({e})"),
        };
        match state.remark(call, &way, &ended) {
            Some(remark) => Err(Error::failed(remark)),
            None => next,
        }
    }

    /// What the server offers: its functions, with their docs, arguments and types. Here, what this
    /// program would, if its address is `local:`, or it serves.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if it does not run.
    pub fn interface(&'static self) -> Result<Interface> {
        let call = Call::control(self.name);
        if self.is_local() {
            let table = registry::table_of(self).map_err(|e| Error::Mismatch(call.trouble(e)))?;
            return Ok(table.interface(self.name, self.key()));
        }
        let way = Way::patient(self, call)?;
        let found = match way.bridge(call)? {
            Some(Piped::Stdio(_)) => way.connect(call)?,
            _ => way.find(call)?,
        };
        let interface = match found {
            Some(stream) => client::interface(call, &way, stream)?,
            None => None,
        };
        interface.ok_or_else(|| self.not_running(call))
    }

    /// What the server is doing.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if it does not run, or its address is `local:`.
    pub fn status(&'static self) -> Result<Status> {
        let (hello, report) = self.report()?;
        Ok(Status {
            pid: hello.pid,
            key: hello.key,
            program: report.program,
            started: report.started,
            connections: report.connections,
            running: report.running,
            calls: report.calls,
            holders: report.holders,
            running_calls: report.running_calls,
            scope: report.scope,
        })
    }
}

impl Server {
    /// Keeps the server from ending because it is [idle](Server::idle_timeout), until the guard is dropped:
    /// for work that goes on between calls, such as an index that a thread builds, or an unlocked key. The
    /// idle time then begins anew. It is for the server's own process, and does nothing in others.
    ///
    /// ```no_run
    /// # extern crate remote_runtime as remotex;
    /// # static SERVER: remotex::Server = remotex::Server::new("agent");
    /// # fn build_index() {}
    /// let awake = SERVER.keep_awake();
    /// std::thread::spawn(move || {
    ///     build_index();
    ///     drop(awake);
    /// });
    /// ```
    pub fn keep_awake(&'static self) -> KeepAwake {
        self.awake.hold()
    }
}

impl Server {
    /// Carries the bytes of a client on another machine to the server; `false` if it does not run.
    pub(super) fn relay(&'static self, wanted: &Wanted) -> Result<bool> {
        let call = Call::control(self.name);
        let ends = Ends::take().map_err(|e| call.io("it cannot be relayed", e))?;
        let way = Way::with_key(self, wanted.key.clone());
        if way.files(call)?.is_none() {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "there its address is `{}`",
                self.resolve(call)?
            ))));
        }
        let stream = match wanted.manner {
            Manner::Find => way.find(call)?,
            Manner::Start | Manner::Serve | Manner::Listen => {
                Some(way.connect(call)?.ok_or_else(|| way.nobody(call))?)
            }
        };
        let Some(stream) = stream else {
            return Ok(false);
        };
        ends.relay(stream)
            .map_err(|e| call.io("it cannot be relayed", e))?;
        Ok(true)
    }

    /// Who serves, and what it is doing.
    pub(crate) fn report(&'static self) -> Result<(Hello, Report)> {
        let call = Call::control(self.name);
        let way = Way::patient(self, call)?;
        match self.ask()? {
            Some(status) => Ok(status),
            None if way.files(call)?.is_some() || way.bridge(call)?.is_some() => {
                Err(self.not_running(call))
            }
            None => Err(Error::Unreachable(call.trouble(
                "its address is `local:`, so that its functions run where they are called, and there is none",
            ))),
        }
    }

    /// The same; `None` if it does not run.
    pub(crate) fn ask(&'static self) -> Result<Option<(Hello, Report)>> {
        let call = Call::control(self.name);
        let way = Way::patient(self, call)?;
        match way.find(call)? {
            Some(stream) => client::status(call, &way, stream),
            None => Ok(None),
        }
    }

    /// The crate that declares its functions; empty if there are none.
    fn package(&'static self) -> &'static str {
        match &self.found {
            Some(found) => found.package(),
            None => registry::program_of(self),
        }
    }

    pub(super) fn not_running(&self, call: Call<'_>) -> Error {
        Error::Unreachable(match &self.found {
            None => call.trouble("it does not run"),
            Some(found) => match found.may_start(call) {
                Ok(()) => call.trouble(format_args!(
                    "it does not run; start it with {}",
                    found.command(self.name, "start")
                )),
                Err(_) => call.trouble("it does not run; run its program"),
            },
        })
    }
}

impl Server {
    /// The file that the output of the server goes to, or went to when it ran last. Before the last
    /// 4 MiB, it went to the file of that name with `.old` at its end.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if there is none, as of a server that was started by hand.
    pub fn log(&'static self) -> Result<PathBuf> {
        let call = Call::control(self.name);
        let Some(files) = self.files()? else {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "it has no log here, since its address is `{}`",
                self.resolve(call)?
            ))));
        };
        let log = match Note::at(&files.lock()) {
            Some(note) => Some(note.log).filter(|log| !log.as_os_str().is_empty()),
            None => files.logs().into_iter().find(|log| log.exists()),
        };
        log.ok_or_else(|| {
            let why = "it has no log: it was started by hand, and its output is there";
            Error::Unreachable(call.trouble(why))
        })
    }

    /// Where it is, as [`at`](Server::at) has it.
    ///
    /// # Errors
    /// If its address is none, as its variable may be.
    pub fn address(&'static self) -> Result<String> {
        let call = Call::control(self.name);
        let way = Way::patient(self, call)?;
        self.resolve(call)?;
        Ok(way.address())
    }

    /// Its files; `None` if its address is `local:`.
    pub(crate) fn files(&'static self) -> Result<Option<Files>> {
        let call = Call::control(self.name);
        Way::patient(self, call)?.files(call)
    }
}

/// What a server is doing: see [`Server::status`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Which one it is of those that there are for each key: see [`Server::one_per`].
    pub key: String,
    /// The program that it runs.
    pub program: PathBuf,
    /// When it began to serve.
    pub started: SystemTime,
    /// How many clients are connected, the asking one among them.
    pub connections: u64,
    /// How many calls are running.
    pub running: u64,
    /// How many calls it has taken since it began.
    pub calls: u64,
    /// The clients that hold references to objects of the server ([`Remote`](crate::Remote)), up to a
    /// thousand of them.
    pub holders: Vec<Holder>,
    /// The calls that run, the oldest first, up to a hundred of them.
    pub running_calls: Vec<RunningCall>,
    /// The programs that it is for, in words; empty if it is for all. A development build has
    /// servers for the programs of its folder alone, and a test for itself.
    pub scope: String,
}
