//! `Server`: the user's `static`, which says what a server is, and is how it is controlled.

use std::fmt;
use std::os::unix::net::UnixStream;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use crate::address::{self, Address, Files};
use crate::client::{self, Client, Route};
use crate::daemon;
use crate::error::{Call, Error, Result};
use crate::wire::frame::LARGEST;

mod host;
mod init;

pub use init::init;

/// A server: its name, where it is, and how it behaves.
///
/// It is a `static` of the program, and `#[remote(SERVER)]` makes functions its own. The settings
/// are `const`, so that a mistake in them is an error of the compiler.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// use std::time::Duration;
/// use remotex::Server;
///
/// static SERVER: Server = Server::new("bboard").autostart().idle_timeout(Duration::from_secs(3600));
/// assert_eq!(SERVER.name(), "bboard");
/// ```
///
/// ```compile_fail
/// # extern crate remote_runtime as remotex;
/// static SERVER: remotex::Server = remotex::Server::new("no such/name");
/// ```
pub struct Server {
    name: &'static str,
    place: &'static Location<'static>,
    address: Option<&'static str>,
    autostart: bool,
    on_start: Option<fn() -> Result<()>>,
    on_stop: Option<fn() -> Result<()>>,
    idle_timeout: Option<Duration>,
    max_message: usize,
    max_connections: usize,
    /// The address in use, once it is known.
    resolved: OnceLock<Address>,
    /// Where functions run, as far as that is known: one of the constants below.
    role: AtomicU8,
    client: Client,
}

const UNKNOWN: u8 = 0;
const AWAY: u8 = 1;
const LOCAL: u8 = 2;

/// Whether this process has called [`init`].
static INITIALISED: AtomicBool = AtomicBool::new(false);

impl Server {
    /// The server of that name.
    ///
    /// # Panics
    /// If the name is not 1 to 64 of `A-Z a-z 0-9 . _ -`, or is `debug` or `explain`. In a `static`
    /// that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str) -> Self {
        assert!(
            address::is_name(name),
            "the name of a server is 1 to 64 letters, digits, `.`, `_` or `-`, and not `debug` or `explain`"
        );
        Self {
            name,
            place: Location::caller(),
            address: None,
            autostart: false,
            on_start: None,
            on_stop: None,
            idle_timeout: None,
            max_message: 64 * 1024 * 1024,
            max_connections: 512,
            resolved: OnceLock::new(),
            role: AtomicU8::new(UNKNOWN),
            client: Client::new(),
        }
    }

    /// Puts the server at an address: `unix:/path` for a socket, or `local:` to run functions where
    /// they are called. The default is `unix:` at `$XDG_RUNTIME_DIR/remotex/NAME.sock`.
    ///
    /// The variable `REMOTEX_<NAME>` overrides it in clients and in the server; `off` there means `local:`.
    ///
    /// # Panics
    /// If it is no address. In a `static` that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn at(mut self, address: &'static str) -> Self {
        assert!(
            address::is_address(address),
            "the address of a server is `unix:/path` or `local:`"
        );
        self.address = Some(address);
        self
    }

    /// Lets the first call start the server: this same program, in the background.
    ///
    /// `main` must begin with [`init`].
    #[must_use]
    pub const fn autostart(mut self) -> Self {
        self.autostart = true;
        self
    }

    /// Runs `load` in the server before its first call: the place to load and to open.
    ///
    /// If it fails, so does the start, and whoever started the server gets its words.
    #[must_use]
    pub const fn on_start(mut self, load: fn() -> Result<()>) -> Self {
        self.on_start = Some(load);
        self
    }

    /// Runs `save` in the server after its last call and before its process ends: the place to save.
    #[must_use]
    pub const fn on_stop(mut self, save: fn() -> Result<()>) -> Self {
        self.on_stop = Some(save);
        self
    }

    /// Ends the server when no call has run for so long. An open connection alone is no use.
    ///
    /// # Panics
    /// If it is zero. In a `static` that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn idle_timeout(mut self, idle: Duration) -> Self {
        assert!(
            !idle.is_zero(),
            "an idle timeout of zero would end the server before its first call"
        );
        self.idle_timeout = Some(idle);
        self
    }

    /// The largest message in either direction, in bytes: 64 MiB if it is not set, at most 4 GiB.
    ///
    /// What is larger is [`Error::TooLarge`] at the side that would send it.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = if bytes < LARGEST { bytes } else { LARGEST };
        self
    }

    /// How many connections the server serves at once: 512 if it is not set. Beyond that, a call is
    /// [`Error::Busy`].
    #[must_use]
    pub const fn max_connections(mut self, n: usize) -> Self {
        self.max_connections = n;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether a remote function that is called now runs in this process: because it serves this
    /// server, or because the address is `local:`.
    #[inline]
    #[must_use]
    pub fn is_local(&'static self) -> bool {
        match self.role.load(Ordering::Acquire) {
            AWAY => false,
            LOCAL => true,
            _ => self.find_role(),
        }
    }

    #[cold]
    fn find_role(&self) -> bool {
        let found = match self.resolve(Call::control(self.name)) {
            Ok(Address::Local) => LOCAL,
            Ok(Address::Unix(_)) => AWAY,
            // The call goes away, and fails with the words of this.
            Err(_) => return false,
        };
        // Meanwhile this process may have begun to serve, which is the better answer.
        let role = self
            .role
            .compare_exchange(UNKNOWN, found, Ordering::AcqRel, Ordering::Acquire);
        role.err().unwrap_or(found) == LOCAL
    }

    /// Starts the server in the background, unless it runs. `main` must begin with [`init`].
    ///
    /// # Errors
    /// If it cannot be started, for instance because `on_start` fails.
    pub fn start(&'static self) -> Result<()> {
        let call = Call::control(self.name);
        let Some(files) = self.files(call)? else {
            return Ok(());
        };
        loop {
            let stream = match daemon::connect(call, &files)? {
                Some(stream) => stream,
                None => {
                    self.may_start(call, &files)?;
                    daemon::start(call, &files)?
                }
            };
            if client::is_staying(call, &self.route(), stream)? {
                return Ok(());
            }
        }
    }

    /// Stops the server, and waits until it has ended. If none runs, all is well. Inside the
    /// server it does not wait: the call that asks is among those that come to their end first.
    ///
    /// # Errors
    /// If it does not end within 30 s, or cannot be asked.
    pub fn stop(&'static self) -> Result<()> {
        let call = Call::control(self.name);
        match self.find(call)? {
            None => Ok(()),
            // Inside the server, to wait for its end would keep it from coming.
            Some((route, stream)) if self.is_local() => client::ask_to_stop(call, &route, stream),
            Some((route, stream)) => client::stop(call, &route, stream),
        }
    }

    /// What the server is doing.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if it does not run.
    pub fn status(&'static self) -> Result<Status> {
        let call = Call::control(self.name);
        let Some((route, stream)) = self.find(call)? else {
            return Err(Error::Unreachable(call.trouble("it does not run")));
        };
        let (hello, report) = client::status(call, &route, stream)?;
        Ok(Status {
            pid: hello.pid,
            program: report.program,
            started: report.started,
            connections: report.connections,
            running: report.running,
            calls: report.calls,
        })
    }

    /// A connection to the server, if it runs.
    fn find(&'static self, call: Call<'_>) -> Result<Option<(Way, UnixStream)>> {
        let Some(files) = self.files(call)? else {
            return Ok(None);
        };
        Ok(daemon::connect(call, &files)?.map(|stream| (self.route(), stream)))
    }

    fn resolve(&self, call: Call<'_>) -> Result<&Address> {
        if let Some(address) = self.resolved.get() {
            return Ok(address);
        }
        let address = address::resolve(self.name, self.address)
            .map_err(|e| Error::Unreachable(call.trouble(e)))?;
        Ok(self.resolved.get_or_init(|| address))
    }

    /// The files of its socket; `None` if it has none, being `local:`.
    fn files(&self, call: Call<'_>) -> Result<Option<Files>> {
        match self.resolve(call)? {
            Address::Unix(socket) => Ok(Some(Files::of(socket))),
            Address::Local => Ok(None),
        }
    }

    fn may_start(&self, call: Call<'_>, files: &Files) -> Result<()> {
        if INITIALISED.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Error::Unreachable(call.trouble(format_args!(
            "nobody listens at `unix:{}`, and a process that has not called `remotex::init()` starts nothing; \
             call it at the top of `main`, or, in a test, set {}=local:",
            files.socket.display(),
            address::variable(self.name)
        ))))
    }

    /// Where it was declared.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.place
    }

    pub(crate) fn client(&'static self) -> &'static Client {
        &self.client
    }

    pub(crate) fn route(&'static self) -> Way {
        Way(self)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The way to a server: its address, and how it comes to be there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way(&'static Server);

impl Route for Way {
    fn connect(&self, call: Call<'_>) -> Result<UnixStream> {
        let Self(server) = self;
        let Some(files) = server.files(call)? else {
            return Err(Error::Unreachable(
                call.trouble("its address is `local:`, where nobody listens"),
            ));
        };
        if let Some(stream) = daemon::connect(call, &files)? {
            return Ok(stream);
        }
        if !server.autostart {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "nobody listens at `unix:{}`; start the server, or add `.autostart()` to its `Server`",
                files.socket.display()
            ))));
        }
        server.may_start(call, &files)?;
        daemon::start(call, &files)
    }

    fn limit(&self) -> usize {
        self.0.max_message
    }

    fn address(&self) -> &dyn fmt::Display {
        match self.0.resolved.get() {
            Some(address) => address,
            None => &"an unknown address",
        }
    }
}

/// What a server is doing: see [`Server::status`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// Its process.
    pub pid: u32,
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
}
