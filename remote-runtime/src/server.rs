//! `Server`: the user's `static`, which says what a server is, and is how it is controlled.

use std::fmt;
use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::address::Address;
use crate::client::Client;
use crate::error::{Call, Result};
use crate::function;
use crate::hook::{self, Outcome};
use crate::serve::Awake;
use crate::wire::interface::Function;
use crate::{network, testing};

// First, since its methods are those that users read first.
mod settings;

mod activation;
mod alone;
mod control;
#[cfg_attr(feature = "discovery", path = "server/found/enabled.rs")]
#[cfg_attr(not(feature = "discovery"), path = "server/found/disabled.rs")]
mod found;
mod ground;
mod hooks;
mod host;
mod init;
mod local;
mod role;
mod sharing;
mod way;

pub use control::Status;
use found::Found;
#[cfg(feature = "discovery")]
pub(crate) use found::{check_name, typed};
pub use init::init;
use local::LocalStart;
pub(crate) use way::Way;

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
    before: Option<fn(&hook::Call) -> Result<()>>,
    after: Option<fn(&hook::Call, &Outcome)>,
    expose: Option<fn(&Function) -> bool>,
    one_per: Option<fn() -> String>,
    idle_timeout: Option<Duration>,
    timeout: Option<Duration>,
    max_message: usize,
    max_connections: usize,
    grace: Duration,
    max_references: usize,
    keep_env: &'static [&'static str],
    /// The address in use, once it is known.
    resolved: OnceLock<Address>,
    /// In the server, which one it is of those that there are for each key.
    key: Mutex<Option<String>>,
    /// Where functions run, as far as that is known: one of the constants below.
    role: AtomicU8,
    /// Its start in this process, if its functions run where they are called.
    local_start: LocalStart,
    client: Client,
    /// Where it takes connections from within this process, if it is the child of a client.
    inside: alone::Inside,
    /// What keeps it from ending when it is idle.
    awake: Awake,
    /// What was found of it, if it is no server of this program.
    found: Option<Found>,
}

const UNKNOWN: u8 = 0;
const AWAY: u8 = 1;
const LOCAL: u8 = 2;

/// Whether this process has called [`init`].
static INITIALISED: AtomicBool = AtomicBool::new(false);

impl Server {
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
            // Its first call is yet to load what there is.
            Ok(Address::Local) if self.has_hooks() => return true,
            Ok(Address::Local) => LOCAL,
            Ok(_) => AWAY,
            // The call goes away, and fails with the words of this.
            Err(_) => return false,
        };
        // Meanwhile this process may have begun to serve, which is the better answer.
        let role = self
            .role
            .compare_exchange(UNKNOWN, found, Ordering::AcqRel, Ordering::Acquire);
        role.err().unwrap_or(found) == LOCAL
    }

    /// Which one it is of those that there are for each key (see [`one_per`](Server::one_per)): in the
    /// server, the one that it was started for; elsewhere, the one that a call made now would go to.
    /// Empty without `one_per`.
    #[inline]
    #[must_use]
    pub fn key(&'static self) -> String {
        let Some(ask) = self.one_per else {
            return match &self.found {
                None => String::new(),
                Some(found) => found.key().to_owned(),
            };
        };
        let served = self.key.lock().clone();
        served
            .or_else(|| testing::key(self.name))
            .or_else(|| self.addressed_key())
            .unwrap_or_else(ask)
    }

    /// The key that its address names: one of another machine, perhaps.
    fn addressed_key(&self) -> Option<String> {
        match self.resolve(Call::control(self.name)).ok()? {
            Address::Network(network) => network::key(network),
            _ => None,
        }
    }

    /// Where it was declared.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.place
    }

    /// Whether clients may call a function.
    pub(crate) fn exposes(&self, function: &function::Function) -> bool {
        self.expose.is_none_or(|choose| choose(&function.outline()))
    }

    pub(crate) fn client(&'static self) -> &'static Client {
        &self.client
    }

    /// The way to the server of that key, for a call that is made now on what is there.
    pub(crate) fn way_with(&'static self, key: &str) -> Way {
        Way::of_key(self, key)
    }

    /// The way to the server, for a call that is made now.
    pub(crate) fn way(&'static self, call: Call<'_>) -> Result<Way> {
        Way::to(self, call)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
