//! The way to a server: where it is, and how it comes to be there.

mod route;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Found, INITIALISED, Server};
use crate::address::{self, Address, Files, LONGEST_KEY, Network, Piped};
use crate::bridge::{self, Manner};
use crate::client::{self, Deadline, Route, Succession};
use crate::daemon::lock::Lock;
use crate::daemon::{self, Given, Which};
use crate::error::{Call, Error, Result};
use crate::link::{FAREWELL, PATIENCE, START};
use crate::program::Scope;
use crate::transport::{Bound, Stream};
use crate::{network, testing};

/// How often a server is started that has ended before it was met.
const STARTS: u32 = 8;

/// The way to a server, for one call.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(super) server: &'static Server,
    key: String,
    deadline: Option<Deadline>,
    /// `true` if this process holds the start lock.
    is_ours_to_start: bool,
    /// `true` if the call starts no server.
    starts_none: bool,
}

impl Way {
    pub(super) fn to(server: &'static Server, call: Call<'_>) -> Result<Self> {
        let deadline = server.timeout.and_then(Deadline::after);
        Ok(Self {
            deadline,
            ..Self::patient(server, call)?
        })
    }

    /// The way for a call on what is in the server of that key.
    pub(super) fn of_key(server: &'static Server, key: &str) -> Self {
        Self {
            deadline: server.timeout.and_then(Deadline::after),
            ..Self::with_key(server, key.to_owned())
        }
    }

    /// One without a limit of time, for questions to the server as a whole, which have their own.
    #[inline] // Each call takes it.
    pub(super) fn patient(server: &'static Server, call: Call<'_>) -> Result<Self> {
        let key = server.key();
        if key.len() > LONGEST_KEY || key.contains('\0') {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "its key, which `.one_per` says, has a zero in it or more than {LONGEST_KEY} bytes: `{key}`"
            ))));
        }
        Ok(Self::with_key(server, key))
    }

    #[inline]
    pub(super) fn with_key(server: &'static Server, key: String) -> Self {
        Self {
            server,
            key,
            deadline: None,
            is_ours_to_start: false,
            starts_none: false,
        }
    }

    /// Applies a function's own limits: its timeout, and whether its calls may start the server.
    #[inline] // Each call takes it.
    pub(crate) fn apply(&mut self, timeout: Option<Duration>, starts_none: bool) {
        if let Some(timeout) = timeout {
            self.deadline = Deadline::after(timeout);
        }
        self.starts_none = starts_none;
    }

    /// The same, for who holds the start lock: nobody else is starting the server then.
    pub(super) fn holding_start(&self) -> Self {
        Self {
            is_ours_to_start: true,
            ..self.clone()
        }
    }

    /// The files of the server, should it run here; `None` if it cannot, being `local:` or behind a process.
    pub(super) fn files(&self, call: Call<'_>) -> Result<Option<Files>> {
        Ok(self.files_at(self.server.resolve(call)?))
    }

    /// Whether this process serves the server for the single client that has started it.
    pub(super) fn is_child(&self) -> bool {
        matches!(self.server.resolved.get(), Some(Address::Child))
    }

    fn files_at(&self, address: &Address) -> Option<Files> {
        let name = self.server.name;
        let socket = address.socket(name)?;
        Some(Files::of(name, &socket, &self.key))
    }

    /// Whether it cannot be started from here, but by who is at the other end of a connection.
    pub(super) fn is_elsewhere(&self, call: Call<'_>) -> Result<bool> {
        let network = self.network(call)?;
        Ok(self.bridge(call)?.is_some() || network.is_some_and(|network| !network.is_here()))
    }

    /// Where it is met, if that is over a network.
    pub(super) fn network(&self, call: Call<'_>) -> Result<Option<&'static Network>> {
        Ok(match self.server.resolve(call)? {
            Address::Network(network) => Some(network),
            _ => None,
        })
    }

    /// What it is spoken to through, if that is no socket of its own.
    pub(super) fn bridge(&self, call: Call<'_>) -> Result<Option<&'static Piped>> {
        Ok(match self.server.resolve(call)? {
            Address::Piped(piped) => Some(piped),
            _ => None,
        })
    }

    /// A connection to the server, if it runs.
    pub(super) fn find(&self, call: Call<'_>) -> Result<Option<Stream>> {
        match self.bridge(call)? {
            // Each client has its own, which ends with it.
            Some(Piped::Stdio(_)) => return Ok(None),
            Some(ssh) => {
                let patience = self.within(bridge::patience(ssh));
                return bridge::connect(call, ssh, &self.key, Manner::Find, patience);
            }
            None if self.is_child() => return self.server.join_inside(call),
            None => {}
        }
        match (self.files(call)?, self.network(call)?) {
            (Some(files), _) if Lock::is_held(&files.lock()) => {
                daemon::connect(call, &files, PATIENCE)
            }
            (_, Some(network)) => network::connect(call, network, &self.key, self.patience()),
            // Where a service manager listens, to connect would start one.
            _ => Ok(None),
        }
    }

    pub(crate) fn which(&self) -> Which<'_> {
        Which {
            name: self.server.name,
            key: &self.key,
            env: self.server.keep_env,
            program: self.server.found.as_ref().map(Found::program),
            moved: self.server.found.as_ref().and_then(Found::moved),
            scope: match &self.server.found {
                None => Scope::ours(),
                Some(found) => found.scope(),
            },
            is_for_test: testing::has_daemon()
                || self.server.is_scoped() && self.server.scope().is_test(),
        }
    }

    /// Until when a server must have started: others may be waiting for one to end first, so that
    /// they can start the next.
    pub(super) fn start_by(&self) -> Instant {
        let ours = Instant::now() + FAREWELL + START;
        self.deadline.map_or(ours, |deadline| deadline.at.min(ours))
    }

    /// Starts the successor of a server that has made room for it; `false` if there was nothing to go
    /// on with.
    pub(super) fn take_over(
        &self,
        call: Call<'_>,
        which: Which<'_>,
        files: &Files,
        starting: Lock,
        succession: Succession,
    ) -> Result<bool> {
        let Succession::Handed([lock, socket]) = succession else {
            return Ok(matches!(succession, Succession::Stays));
        };
        let lock = Lock::handed_over(lock);
        if !lock.is_at(&files.lock()).unwrap_or(false) {
            // Its files were removed meanwhile, and perhaps another one has them by now.
            return Ok(false);
        }
        let given = Given {
            starting,
            lock,
            socket: Bound::handed_over(socket),
        };
        daemon::succeed(call, which, files, given, self.start_by()).map(|()| true)
    }

    /// How long connecting, or a send, may pause.
    fn patience(&self) -> Duration {
        self.within(PATIENCE).max(Duration::from_millis(1))
    }

    pub(super) fn start(&self, call: Call<'_>, files: &Files) -> Result<Stream> {
        self.may_start(call, files, "nobody listens at")?;
        daemon::start(call, self.which(), files, self.start_by())
    }

    pub(super) fn may_start(&self, call: Call<'_>, files: &Files, because: &str) -> Result<()> {
        if let Some(found) = &self.server.found {
            return found.may_start(call);
        }
        if is_initialised() {
            return Ok(());
        }
        Err(Error::Unreachable(call.trouble(format_args!(
            "{because} `unix:{}`, and a process that has not called `remotex::init()` starts nothing; \
             call it at the top of `main`, or, in a test, write `remotex::testing::daemon!();` once, or set {}=local:",
            files.socket.display(),
            address::variable(self.server.name)
        ))))
    }

    /// Whether the program can do the work of the server by itself.
    #[cfg(feature = "json")]
    pub(crate) fn may_run_alone(&self, call: Call<'_>) -> Result<()> {
        match self.files(call)? {
            Some(files) => self.may_start(call, &files, "it would be at"),
            None => Ok(()),
        }
    }

    /// Returns `true` if calls start the server here.
    fn starts(&self) -> bool {
        self.server.autostart && is_initialised() && !self.is_far()
    }

    /// Whether it is spoken to through a process or over a network, and perhaps on another machine.
    fn is_far(&self) -> bool {
        let address = self.server.resolved.get();
        matches!(address, Some(Address::Piped(_) | Address::Network(_)))
    }

    /// Connects over a network, and starts the server first if that is to be here.
    fn connect_over(&self, call: Call<'_>, network: &Network) -> Result<Option<Stream>> {
        let found = self.meet(call, network)?;
        if found.is_some() || !self.server.autostart || !network.is_here() {
            return Ok(found);
        }
        let Some(files) = self.files(call)? else {
            return Ok(None);
        };
        for _ in 0..STARTS {
            let stream = self.start(call, &files)?;
            // One that is ending listens at its socket for longer than there; another one comes then.
            client::is_staying(call, self, stream)?;
            let found = network::connect(call, network, &self.key, self.patience())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Err(Error::Unreachable(call.trouble(format_args!(
            "its server has started {STARTS} times, and nobody listens at `{network}`; see {}",
            self.log()
        ))))
    }

    /// Connects over a network. Who listens on this machine, and does not greet, may only be starting.
    fn meet(&self, call: Call<'_>, network: &Network) -> Result<Option<Stream>> {
        let began = Instant::now();
        if let Some(files) = self.files(call)? {
            daemon::refuse_circle(call, &files)?;
        }
        loop {
            // It may become ready just before the time for its greeting is over.
            let was_starting = self.is_starting();
            match network::connect(call, network, &self.key, self.patience()) {
                Err(Error::TimedOut(_))
                    if began.elapsed() < START
                        && !self.deadline.is_some_and(|deadline| deadline.is_over())
                        && (was_starting || self.is_starting()) => {}
                met => return met,
            }
        }
    }

    /// Connects to the server, without a bridge, if it runs.
    fn join(&self, call: Call<'_>) -> Result<Option<Stream>> {
        if let Some(network) = self.network(call)? {
            return network::connect(call, network, &self.key, self.patience());
        }
        let Some(files) = self.files(call)? else {
            return Ok(None);
        };
        // Where there is a lock that nobody holds, to connect might start one, as a manager does. What only
        // passes on has no lock.
        let lock = files.lock();
        if lock.exists() && !Lock::is_held(&lock) {
            return Ok(None);
        }
        daemon::connect(call, &files, self.patience())
    }

    /// Connects to the server only if it already runs. As far as its lock tells, this makes no service
    /// manager start it.
    fn meet_only(&self, call: Call<'_>) -> Result<Option<Stream>> {
        if self.bridge(call)?.is_some() {
            return self.find(call);
        }
        // A manager listens at the port of a server that has run here, and now holds no lock.
        let may_sleep = |network: &Network| network.is_here();
        if self.network(call)?.is_some_and(may_sleep)
            && let Some(files) = self.files(call)?
            && files.lock().exists()
            && !Lock::is_held(&files.lock())
        {
            return Ok(None);
        }
        match self.network(call)? {
            Some(network) => self.meet(call, network),
            None => self.join(call),
        }
    }

    /// Its socket, as far as that is known.
    fn socket(&self) -> Option<Files> {
        self.files_at(self.server.resolved.get()?)
    }
}

/// Whether this program run again becomes a server.
fn is_initialised() -> bool {
    INITIALISED.load(Ordering::Acquire) || testing::has_daemon()
}
