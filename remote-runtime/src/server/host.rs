//! Serving: in the foreground, or as the process that was started for it.

use std::env;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use super::activation::refuse_wrong_unit;
use super::ground::Ground;
use super::hooks::{self, Failure};
use super::local;
use super::role::Role;
use super::{INITIALISED, Server, Way};
use crate::address::{self, Address, Files, Network};
use crate::bridge::{self, Manner, Wanted};
use crate::client::{self, Route};
use crate::daemon::handover::Handover;
use crate::daemon::log::Keeper;
use crate::daemon::note::{Note, Origin};
use crate::daemon::place::{self, Place};
use crate::daemon::trial::Trial;
use crate::daemon::{self, ByHand, Given, manager};
use crate::error::{Call, Error, Result};
use crate::figures::Figures;
use crate::function::{Function, Table};
use crate::program::{self, Scope};
use crate::registry;
use crate::serve::{Footing, Host, Service};
use crate::wire::ending::Ending;
use crate::{logline, network, output, testing, thread};

impl Server {
    /// Serves here, in the foreground, until stopped: by [`stop`](Server::stop), by a signal, or
    /// because it was idle for longer than [`idle_timeout`](Server::idle_timeout).
    ///
    /// Where systemd listens at its address (`LISTEN_FDS`), it serves on that socket; it says when it
    /// is ready and when it stops (`sd_notify`).
    ///
    /// SIGTERM, SIGINT and SIGHUP let the calls that run come to their end, for up to 10 s; a second
    /// SIGTERM or SIGINT ends the process at once. They are handled only while this runs, and those
    /// that the process ignores stay ignored.
    ///
    /// # Errors
    /// If the name is taken by a server that runs, which is then named and left alone; if the
    /// socket cannot be made; if `on_start` or `on_stop` fails.
    pub fn listen(&'static self) -> Result<()> {
        match bridge::wanted().filter(|wanted| wanted.server == self.name) {
            Some(wanted) if wanted.manner == Manner::Listen => self.listen_for_manager(&wanted),
            Some(wanted) => self.serve_alone(&wanted),
            None => self.listen_here(),
        }
    }

    /// Serves in the foreground the key that the unit of a service manager names.
    pub(super) fn listen_for_manager(&'static self, wanted: &Wanted) -> Result<()> {
        *self.key.lock() = Some(wanted.key.clone());
        self.listen_here()
    }

    fn listen_here(&'static self) -> Result<()> {
        self.share();
        self.listen_then(&mut || manager::notify("READY=1"))
    }

    pub(super) fn listen_then(&'static self, ready: &mut dyn FnMut()) -> Result<()> {
        let call = Call::control(self.name);
        let way = Way::patient(self, call)?;
        let Some(files) = way.files(call)? else {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "its address is `{}`, where nobody can listen",
                self.resolve(call)?
            ))));
        };
        let deadline = way.start_by();
        let starting = daemon::begin(call, &files, deadline)?;
        let mut by_hand = Some(ByHand::begin(&starting));
        let ready = &mut || {
            drop(by_hand.take());
            ready();
        };
        let activated = manager::activated(&files.socket);
        if activated.is_none() {
            refuse_wrong_unit(call, &way, &files)?;
            let port = way.network(call)?.map(Network::port);
            // Where the manager listens, to connect would be to wait for ourselves.
            if port.and_then(manager::activated_at).is_none() {
                refuse_second(call, &way.holding_start())?;
            }
        }
        let lock = daemon::lock(call, &files.lock(), deadline)?;
        let owned = activated.is_none();
        let given = Given {
            starting,
            lock,
            socket: activated.map_or_else(|| daemon::bind(call, &files), Ok)?,
        };
        let standing = Standing {
            given,
            owned,
            files,
        };
        self.serve(way.key(), None, Some(standing), ready)
            .map_err(|failure| failure.error)
    }

    /// Becomes the server that this process was started for. A failure is logged, and told to the
    /// starter, if that still waits.
    pub(super) fn serve_as_daemon(&'static self, handover: Handover) -> Result<()> {
        let call = Call::control(self.name);
        let Handover {
            given,
            starter,
            key,
            ..
        } = handover;
        // Its starter may have called one that was started by hand, and goes on in its place.
        if given.socket.path() == Some(address::usual(self.name, &Scope::Installed)) {
            self.share();
        }
        let mut starter = Some(starter);
        let ready = &mut || {
            if let Some(starter) = starter.take() {
                self.end_with(starter.ready());
            }
        };
        let files = Way::with_key(self, key.clone())
            .files(call)
            .and_then(|files| {
                files.ok_or_else(|| {
                    Error::Unreachable(call.trouble("its address is `local:` by now"))
                })
            });
        let ended = files.map_err(Failure::from).and_then(|files| {
            let program =
                program::path().map_err(|e| call.io("the path of its program is not known", e))?;
            let standing = Standing {
                given,
                owned: true,
                files,
            };
            self.serve(&key, Some(program), Some(standing), ready)
        });
        ended.map_err(|failure| {
            logline::write(format_args!("server `{}`: {failure}", self.name));
            if let Some(starter) = starter {
                starter.failed(&failure.error.to_string());
            }
            failure.error
        })
    }

    /// Runs a function as if this process served, and nobody could call: what `on_start` loads is there,
    /// and nothing is saved.
    pub(super) fn attempt(&'static self, trial: &Trial) {
        let _role = Role::take(self, &trial.request.key);
        let request = &trial.request;
        let found = registry::table_of(self).map_err(|e| e.to_string());
        let found = found.and_then(|table| {
            let function = table.get(&request.function);
            let is_it =
                |function: &&Function| Some(function.plain_fingerprint()) == request.fingerprint;
            function.filter(is_it).ok_or_else(|| {
                "its program is another build by now than the one that serves".to_owned()
            })
        });
        let ready = found.and_then(|function| {
            let loaded = hooks::run(Call::control(self.name), "on_start", self.on_start);
            loaded.map(|()| function).map_err(|e| e.error.to_string())
        });
        match ready {
            Ok(function) => trial.run(|| {
                let run = || {
                    function
                        .run(&request.arguments)
                        .map_err(|fault| fault.to_string())
                };
                thread::quietly(run)
                    .unwrap_or_else(|| Err("it panicked".into()))
                    .map(drop)
            }),
            Err(why) => trial.failed(&why),
        }
    }

    /// The file without which the programs are gone that a daemon is for.
    fn root(&self, is_daemon: bool) -> Option<PathBuf> {
        let is_apart = is_daemon && self.is_scoped();
        is_apart.then(|| self.scope().root()).flatten()
    }

    /// Ends with the starter, if that is a test.
    fn end_with(&'static self, mut starter: UnixStream) {
        if testing::has_daemon() {
            return testing::end_with(starter);
        }
        if !self.is_scoped() || !self.scope().is_test() {
            return;
        }
        let wait = move || {
            // Nothing is said any more; the end is what is waited for, however it comes.
            let _ = starter.read(&mut [0]);
            place::leave();
            let _ = self.stop();
        };
        // Without a thread it stays until it is idle.
        let _ = thread::start("remotex test", Box::new(wait));
    }

    /// Serves from start to end. No client can connect before all is ready: one that tries waits for the
    /// start lock, or is told that nobody listens. Without a `standing`, a single client is served, which
    /// `ready` connects.
    pub(super) fn serve(
        &'static self,
        key: &str,
        program: Option<PathBuf>,
        standing: Option<Standing>,
        ready: &mut dyn FnMut(),
    ) -> Result<(), Failure> {
        let call = Call::control(self.name);
        let is_daemon = program.is_some();
        let table = registry::table_of(self).map_err(|e| Error::Mismatch(call.trouble(e)));
        let mut ground = Ground {
            log: None,
            place: None,
            watchdog: manager::watchdog(),
        };
        let (mut starting, mut socket) = (None, None);
        if let Some(Standing {
            given,
            owned,
            files,
        }) = standing
        {
            starting = Some(given.starting);
            socket = Some(given.socket);
            ground.log = is_daemon.then(|| Keeper::begin(files.logs()));
            let note = Note {
                log: ground.log.as_ref().map(Keeper::path).unwrap_or_default(),
                is_by_hand: !is_daemon,
                ..self.note(key, table.as_ref().map_or(&[], Table::programs), owned)
            };
            let root = self.root(is_daemon);
            ground.place = Some(Place::take(files, given.lock, owned, &note, root));
        }
        let _role = Role::take(self, key);
        let table = table?;
        let mut door = match self.resolve(call)? {
            Address::Network(network) => Some(network::listen(
                call,
                network,
                manager::activated_at(network.port()),
            )?),
            _ => None,
        };
        let is_measured = door.as_ref().is_some_and(|door| door.shows_figures());
        let service = Service {
            name: self.name,
            key: key.to_owned(),
            figures: is_measured.then(|| Figures::of(table.names())),
            table,
            limit: self.max_message,
            max_connections: self.max_connections,
            idle_timeout: self.idle_timeout,
            awake: &self.awake,
            before: self.before,
            after: self.after,
            grace: self.grace,
            max_references: self.max_references,
            saves: self.on_stop.is_some(),
            program,
            scope: match is_daemon && self.is_scoped() {
                true => self.scope().to_string(),
                false => String::new(),
            },
            image: registry::image(),
        };
        testing::step("server: before on_start");
        hooks::run(call, "on_start", self.on_start)?;
        testing::step("server: after on_start");
        let cannot = |e| call.io("it cannot serve", e);
        let mut host = Host::begin(service, socket).map_err(cannot)?;
        if let Some(door) = &mut door {
            door.open(host.site()).map_err(cannot)?;
        }
        self.open(&host);
        testing::step("server: listening");
        if let Some(starting) = starting {
            starting.release();
        }
        testing::step("server: start lock let go");
        ready();
        let ended = host
            .wait(&ground)
            .map_err(|e| call.io("it cannot wait for requests to stop", e));
        testing::step("end: asked");
        if let (Ok(why), true) = (&ended, is_daemon) {
            logline::write(format_args!("server `{}`: it ends: {why}", self.name));
        }
        manager::notify("STOPPING=1");
        ground.tend();
        host.drain();
        // Its successor listens there next.
        drop(door);
        testing::step("end: drained");
        if is_daemon && (host.is_held() || self.on_stop.is_some()) {
            insist(self.name, host.teller());
        }
        ground.tend();
        host.release();
        // A terminal may have gone, and with it the one that has asked for the end.
        output::discard_unread();
        let ended = ended
            .map(drop)
            .map_err(Failure::from)
            .and_then(|()| hooks::run(call, "on_stop", self.on_stop));
        if is_daemon && let Err(why) = local::save_all() {
            logline::write(format_args!("{why}"));
        }
        host.tell(&match &ended {
            Ok(()) => Ending::Saved,
            Err(failure) => Ending::Failed(failure.to_string()),
        });
        host.unwatch_signals();
        testing::step("end: on_stop done");
        match ground.place {
            Some(place) if place.is_owned() && !place.is_lost() && host.hand_over(place.lock()) => {
                place.hand_over();
            }
            // Clients that have come since are kept waiting by `host`: first there must be room for a
            // successor.
            place => drop(place),
        }
        testing::step("end: lock let go");
        if is_daemon {
            host.end_with_process();
        }
        ended
    }
}

/// What clients find a server by.
pub(super) struct Standing {
    given: Given,
    /// `true` if the server made its socket itself, and no service manager did.
    owned: bool,
    files: Files,
}

impl Server {
    /// What is left for those who look for servers.
    fn note(&self, key: &str, packages: &[&str], owned: bool) -> Note {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Note {
            server: self.name.to_owned(),
            key: key.to_owned(),
            program: program::path().unwrap_or_default(),
            origin: match INITIALISED.load(Ordering::Acquire) {
                _ if !owned => Origin::Manager,
                true => Origin::Program,
                false => Origin::Hand,
            },
            packages: texts(packages),
            keep: texts(self.keep_env),
            log: PathBuf::new(),
            is_by_hand: false,
            command: match INITIALISED.load(Ordering::Acquire) {
                true => Vec::new(),
                false => env::args_os().skip(1).collect(),
            },
            address: match self.resolved.get() {
                Some(Address::Network(network)) => network::below(network, key).to_string(),
                _ => String::new(),
            },
        }
    }
}

/// How long the end of what clients held and `on_stop` may take in a daemon. With the grace period of the calls before it, whoever has
/// asked it to stop still waits then.
const SAVING: Duration = Duration::from_secs(15);

/// Ends the process if it has not ended by itself in time: whatever the user's code waits for, perhaps a
/// lock that a call holds which was given up, nobody else could have the server's place.
fn insist(name: &'static str, tell: impl Fn(&Ending) + Send + 'static) {
    let wait = move || {
        std::thread::sleep(SAVING);
        let why = format!(
            "`.on_stop`, or the end of what clients held, has not returned within {} s, and is given up",
            SAVING.as_secs()
        );
        logline::write(format_args!("server `{name}`: {why}"));
        tell(&Ending::Failed(why));
        // No handler of an ordinary exit can keep this from coming.
        let _ = kill_process(getpid(), Signal::KILL);
    };
    // Without a thread it is left to who has asked to insist.
    let _ = thread::start("remotex end", Box::new(wait));
}

fn refuse_second(call: Call<'_>, way: &Way) -> Result<()> {
    let Some(stream) = way.find(call)? else {
        return Ok(());
    };
    match client::status(call, way, stream) {
        Ok(Some((hello, _))) => {
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
        Ok(None) | Err(Error::Unreachable(_)) => Ok(()),
        Err(e) => Err(e),
    }
}
