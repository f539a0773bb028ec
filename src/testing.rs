//! For tests of programs that use remotex: the feature `testing`, which belongs among the
//! `[dev-dependencies]`.
//!
//! In a test crate, write [`daemon!`](daemon) once, and remote functions work in its tests as they do
//! in a program: in a server of their own. With [`local!`](local) they run in the test itself, and
//! statics of the server are the test's. For tests that run a program there is [`Home`].

use crate::Server;

#[doc(inline)]
pub use crate::{__daemon as daemon, __local as local};
pub use remote_runtime::testing::{Home, Key, STEPS, Stampede, kill_at, state_folder};

/// Lets the calls of this thread mean the server of that key, as long as what this returns lives,
/// instead of asking the server's [`one_per`](Server::one_per): so each test can have a server, or a
/// folder that its key names, of its own.
///
/// ```
/// use remotex::{Result, Server, remote, testing};
///
/// fn here() -> String {
///     std::env::current_dir().unwrap_or_default().display().to_string()
/// }
/// static INDEX: Server = Server::new("index").at("local:").one_per(here);
///
/// #[remote(INDEX)]
/// fn folder() -> Result<String> {
///     Ok(INDEX.key())
/// }
///
/// let own = testing::state_folder()?.join("first");
/// let key = testing::key(&INDEX, own.display().to_string());
/// assert_eq!(folder()?, own.display().to_string());
/// drop(key);
/// assert_eq!(folder()?, here());
/// # Ok::<(), remotex::Error>(())
/// ```
pub fn key(server: &'static Server, key: impl Into<String>) -> Key {
    Key::of(server.name(), key.into())
}

/// Makes remote functions work in a test crate, which has no `main` to begin with
/// [`init`](crate::init): one of its tests, `remotex_daemon`, becomes the server when a call starts
/// one.
///
/// Servers without an address of their own are then in a folder that belongs to the test process, so
/// that no real one is met, and end with it. There, `XDG_STATE_HOME`, `XDG_DATA_HOME` and
/// `XDG_CACHE_HOME` name the [`state_folder`].
///
/// ```
/// remotex::testing::daemon!();
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __daemon {
    () => {
        #[test]
        fn remotex_daemon() {
            $crate::init();
        }

        #[cfg(test)]
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::DAEMONS)]
            #[linkme(crate = $crate::__private::linkme)]
            static DAEMON: &str = ::core::concat!(
                ::core::module_path!(),
                "::",
                ::core::stringify!(remotex_daemon)
            );
        };
    };
}

/// Makes all remote functions of a test crate run in the test that calls them, as with the address
/// `local:`, whatever the address of their server is.
///
/// It takes one line in the unit tests of a program: nothing is started, a debugger sees all, and the
/// statics of the server can be looked at. All tests of a process share them; `.on_start` runs before
/// the first call, and `.on_stop` at the end of the process. What they save belongs into the
/// [`state_folder`].
///
/// ```
/// remotex::testing::local!();
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __local {
    () => {
        #[cfg(test)]
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::LOCALS)]
            #[linkme(crate = $crate::__private::linkme)]
            static LOCAL: &str = ::core::module_path!();
        };
    };
}
