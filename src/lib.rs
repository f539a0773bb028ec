//! One attribute turns a program into its own background daemon.
//!
//! `#[remote(SERVER)]` on a function makes its body run in the server's process only. Every other
//! process that calls it sends the call over a Unix socket, and returns the answer as if it had
//! been local. State lives in ordinary statics of the server; the first call starts it.
//!
//! ```no_run
#![doc = include_str!("../examples/bboard.rs")]
//! ```
//!
//! # Where to look
//! - [`remote`]: the attribute: which functions, arguments and return types there can be.
//! - [`Server`]: the `static` that says where a server is and how it behaves; its control.
//! - [`init`]: what `main` begins with, so that a server can be started.
//! - [`Error`]: what a call can end with instead of its answer, and whether it may have run.
//! - [`caller`]: who is calling.
//! - `testing`, with the feature of that name: for tests of programs that use this.
//! - [`Mutex`] and [`RwLock`]: for the state. They are those of parking_lot: they can be made in a
//!   `static`, and a panic does not poison them.
//!
//! # How fast
//! A call costs about a tenth more than the same bytes on a bare socket. What a whole process costs
//! depends more on how it is built: see [`fastest_client`](https://docs.rs/remotex/latest/remotex/fastest_client/).
//!
//! # Without a server
//! In the environment, `REMOTEX_<NAME>=off` makes all functions of a server run where they are
//! called, and `REMOTEX_<NAME>=unix:/path` moves its socket; `<NAME>` is the server's name in
//! capitals, with `_` for all but letters and digits. `REMOTEX_DEBUG=1` makes a client print the
//! server's backtrace of a panic, and `REMOTEX_EXPLAIN=1` what it decided on its way to the server.
//!
//! # When a program is built anew
//! Its next call finds that the server runs another file. If that was installed earlier, and was
//! started in the background, it ends once its calls have, and the caller starts the new one: what
//! the statics held ends with it. A later one is never ended: it takes the calls of earlier builds
//! whose functions and types are still the same, and refuses the others as [`Error::Mismatch`], as it
//! does all calls of other programs.

#[cfg(doc)]
#[doc = include_str!("../docs/FASTEST_CLIENT.md")]
pub mod fastest_client {}

pub use parking_lot::{Mutex, RwLock};
pub use remote_runtime::{
    Call, Caller, Details, Error, Guarded, Holder, InCall, Outcome, Remote, Result, Server, Status,
    Trouble, Variable, WeakRemote, caller, init,
};

/// Makes a function run in its server's process only.
///
/// ```
/// use std::path::Path;
/// use remotex::{Server, remote};
///
/// static SERVER: Server = Server::new("words").autostart();
///
/// /// How many words a file has.
/// #[remote(SERVER)]
/// pub fn count(file: &Path) -> std::io::Result<usize> {
///     Ok(std::fs::read_to_string(remotex::caller().path(file))?.split_whitespace().count())
/// }
///
/// pub struct Words;
///
/// #[remote(SERVER)]
/// impl Words {
///     /// On the wire it is `Words::longest`.
///     pub fn longest(words: Vec<&str>) -> remotex::Result<String> {
///         Ok(words.into_iter().max_by_key(|word| word.len()).unwrap_or_default().to_owned())
///     }
///
///     /// Runs where it is called, like all that is not `pub`.
///     #[remote(skip)]
///     pub fn here() -> u32 {
///         std::process::id()
///     }
/// }
/// ```
///
/// # Options
/// - `#[remote(SERVER)]`: the path of a `static` of type [`Server`], in any module of any crate.
/// - `#[remote(SERVER, name = "…")]`: another name on the wire than `count` or `Words::longest`. In a
///   block, write `#[remote(name = "…")]` on the function.
/// - `#[remote(SERVER, idempotent)]`: may run again where nobody knows how a call ended
///   ([`Error::Lost`]), and does.
/// - `#[remote(SERVER, or_local)]`: is right without the server's state, and runs where it is called
///   if no server can be had.
/// - `#[remote(SERVER, crate = path)]`: where this crate is, if it has another name.
/// - `#[remote(skip)]`, in a block: leaves a `pub` function out.
///
/// # Arguments
/// Whatever implements serde's `Serialize` and `Deserialize`, owned or borrowed. `&str`, `&[u8]`,
/// `&Path`, and structs with `#[serde(borrow)]` are lent from the message itself; for `&T`, `&[T]`
/// and options of them the server holds the value for as long as the function runs. A `Path` or
/// `OsStr` need not be UTF-8, unless it is inside another value.
///
/// There are no type parameters, `&mut`, `impl Trait`, `dyn Trait`, or `self`; each is an error of the
/// compiler that says what to write instead. The format does not describe itself, so that types with
/// `#[serde(untagged)]`, `tag`, `flatten` or `skip_serializing_if` cannot travel; that is an error of
/// the call.
///
/// # The return type
/// A `Result<T, E>`, by any name, since a call can fail on its way: `E` must be `From<`[`Error`]`>`.
///
/// - An `E` with `Serialize` and `Deserialize` arrives as the very value.
/// - Any other error arrives as [`Error::Failed`], with its message and those of its sources, put
///   into `E` by that `From`; the kind of an `io::Error` is kept.
///
/// # Where it runs
/// Here, if this process serves the server, or its address is `local:`; else in the server. Calls
/// between remote functions of one server are plain calls there.
pub use remote_macro::remote;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

/// For tests of programs that use remotex: the feature `testing`, which belongs among the
/// `[dev-dependencies]`.
///
/// In a test crate, write [`daemon!`](testing::daemon) once, and remote functions work in its tests.
/// For tests that run a program there is [`Home`](testing::Home).
#[cfg(feature = "testing")]
pub mod testing {
    #[doc(inline)]
    pub use crate::__daemon as daemon;
    pub use remote_runtime::testing::{Home, STEPS, Stampede, kill_at};
}

/// Makes remote functions work in a test crate, which has no `main` to begin with [`init`]: one of
/// its tests, `remotex_daemon`, becomes the server when a call starts one.
///
/// Servers without an address of their own are then in a folder that belongs to the test process, so
/// that no real one is met, and end with it.
///
/// ```
/// remotex::testing::daemon!();
/// ```
#[cfg(feature = "testing")]
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
