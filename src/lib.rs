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
//! - [`existing_program`](https://docs.rs/remotex/latest/remotex/existing_program/): how a program that exists becomes a daemon, step by step.
//! - [`Error`]: what a call can end with instead of its answer, and whether it may have run.
//! - [`Remote`]: values that stay in the server, and have methods there. [`Variable`]: a static that
//!   clients get and set. [`Guarded`]: one that they must not touch.
//! - [`Call`] and [`Outcome`]: what the hooks [`Server::before`] and [`Server::after`] are shown.
//! - [`Server::interface`]: what a server offers, with docs and types ([`interface`]).
//! - `discovery`, with the feature of that name: which servers there are, of any program, and what is wrong with one.
//! - `Control`, with the feature `clap`: `stop`, `status`, `logs` and `restart` for a program's own command line.
//! - [`caller`]: who is calling.
//! - `tcp`, `tls` and `http` are features that let a server be met over a network: see [`Server::at`].
//! - `testing`, with the feature of that name: for tests of programs that use this.
//! - [`Mutex`] and [`RwLock`]: for the state. They are those of parking_lot: they can be made in a
//!   `static`, and a panic does not poison them.
//!
//! # How fast
//! A call costs about a tenth more than the same bytes on a bare socket. What a whole process costs
//! depends more on how it is built: see [`fastest_client`](https://docs.rs/remotex/latest/remotex/fastest_client/).
//!
//! # Under an async runtime
//! `#[tokio::main]` starts its runtime before the first line of `main`. Let `main` call [`init`], and then
//! the function that the attribute stands on, which need not be called `main`. A call blocks its thread:
//! make it in `spawn_blocking`.
//!
//! # Cargo features
#![doc = include_str!("../docs/FEATURES.md")]
//!
//! # Without a server
//! In the environment, `REMOTEX_<NAME>=off` makes all functions of a server run where they are
//! called, and `REMOTEX_<NAME>=unix:/path` moves its socket; `<NAME>` is the server's name in
//! capitals, with `_` for all but letters and digits. `REMOTEX_DEBUG=1` makes a client print all
//! that the server knows of a call that fails or panics ([`Error::details`]), and `REMOTEX_EXPLAIN=1` what it decided on its way to the server.
//!
//! # When a program is built anew
//! A build that lies at the path of the daemon's program takes its place, as does a greater version of
//! its package: the calls that run come to their end, and the caller starts the next daemon. What the
//! statics held ends with the old one. Any other build is served if its function and types are the
//! same, and else its call is an [`Error::Mismatch`].

#[cfg(doc)]
#[doc = include_str!("../docs/FASTEST_CLIENT.md")]
pub mod fastest_client {}

#[cfg(doc)]
#[doc = include_str!("../docs/EXISTING_PROGRAM.md")]
pub mod existing_program {}

#[cfg(feature = "clap")]
mod control;
#[cfg(feature = "clap")]
#[doc(hidden)]
pub use remote_runtime::terminal;

#[cfg(feature = "clap")]
pub use control::{Control, Format, Logs};
pub use parking_lot::{Mutex, RwLock};
#[cfg(feature = "discovery")]
pub use remote_runtime::discovery;
pub use remote_runtime::{
    Caller, Error, Function, Holder, InCall, Interface, KeepAwake, Result, RunningCall, Server,
    Status, Trouble, caller, init,
};

/// What a client has of a value that stays in the server.
///
/// # Example
/// ```
/// use remotex::{Remote, Result, Server, remote};
///
/// static SERVER: Server = Server::new("lists").at("local:");
///
/// pub struct List(Vec<String>);
///
/// #[remote(SERVER)]
/// impl List {
///     pub fn new() -> Result<Remote<List>> {
///         Ok(Remote::new(List(Vec::new())))
///     }
///
///     pub fn push(&mut self, word: &str) -> Result<usize> {
///         self.0.push(word.into());
///         Ok(self.0.len())
///     }
/// }
///
/// /// The server's function has the list itself.
/// #[remote(SERVER)]
/// fn longest(list: &Remote<List>) -> Result<Option<String>> {
///     let list = Remote::read(list)?;
///     Ok(list.0.iter().max_by_key(|word| word.len()).cloned())
/// }
///
/// let list = List::new()?;
/// list.push("one")?;
/// assert_eq!(list.push("three")?, 2);
/// assert_eq!(longest(&list)?.as_deref(), Some("three"));
/// assert_ne!(list, List::new()?);
/// # Ok::<(), remotex::Error>(())
/// ```
pub use remote_runtime::Remote;

/// What does not keep an object of the server alive.
///
/// # Example
/// ```
/// use remotex::{Remote, Result, Server, WeakRemote, remote};
///
/// static SERVER: Server = Server::new("tree").at("local:");
///
/// /// A node holds those below it, and knows the one above.
/// #[derive(Default)]
/// pub struct Node {
///     below: Vec<Remote<Node>>,
///     above: Option<WeakRemote<Node>>,
/// }
///
/// #[remote(SERVER)]
/// impl Node {
///     pub fn below(&self) -> Result<usize> {
///         Ok(self.below.len())
///     }
/// }
///
/// let root: Remote<Node> = Remote::new(Node::default());
/// let above = Remote::downgrade(&root);
/// let leaf: Remote<Node> = Remote::new(Node { above, ..Node::default() });
/// Remote::write(&root)?.below.push(leaf.clone());
/// assert_eq!(root.below()?, 1);
///
/// drop(root);
/// assert!(Remote::read(&leaf)?.above.as_ref().and_then(WeakRemote::upgrade).is_none());
/// # Ok::<(), remotex::Error>(())
/// ```
pub use remote_runtime::WeakRemote;

/// A static of the server that its clients get and set.
///
/// # Example
/// ```
/// use remotex::{Server, Variable, remote};
///
/// static SERVER: Server = Server::new("counts").at("local:");
///
/// /// How many were here.
/// #[remote(SERVER)]
/// static VISITORS: Variable<u64> = Variable::new(|| 0);
///
/// // However many do this at once, none is forgotten.
/// loop {
///     let before = VISITORS.get()?;
///     if VISITORS.replace(&before, before + 1)? {
///         break;
///     }
/// }
/// assert_eq!(VISITORS.get()?, 1);
/// # Ok::<(), remotex::Error>(())
/// ```
pub use remote_runtime::Variable;

/// A static that only the server may touch.
///
/// # Example
/// ```should_panic
/// use remotex::{Mutex, Server, remote};
///
/// static SERVER: Server = Server::new("board");
///
/// #[remote(SERVER)]
/// static NEWS: Mutex<Vec<String>> = Mutex::new(Vec::new());
///
/// // This process does not serve the board.
/// NEWS.lock().push("hello".into());
/// ```
pub use remote_runtime::Guarded;

/// What hooks see of a call.
///
/// # Example
/// ```
/// use remotex::{Call, Error, Outcome, Server};
///
/// fn only_small(call: &Call) -> Result<(), Error> {
///     match call.argument_bytes() {
///         0..=1024 => Ok(()),
///         bytes => Err(format!("{bytes} bytes are too much for `{}`", call.function()).into()),
///     }
/// }
///
/// fn log(call: &Call, outcome: &Outcome) {
///     let who = call.caller().pid();
///     eprintln!("{who} {} {:?}: {outcome}", call.function(), outcome.duration());
/// }
///
/// static SERVER: Server = Server::new("watched").before(only_small).after(log);
/// ```
pub use remote_runtime::Call;
pub use remote_runtime::Outcome;

/// What a server tells of a call that failed.
///
/// # Example
/// ```
/// use remotex::{Error, Result};
///
/// fn report(e: &Error) {
///     match e.details() {
///         Ok(details) => eprintln!("{details}"),
///         Err(_) => eprintln!("{e}"),
///     }
/// }
///
/// // What has not failed in a server has no details there.
/// assert!(Error::failed("no such track").details().is_err());
/// ```
pub use remote_runtime::Details;

#[doc = include_str!("remote.md")]
pub use remote_macro::remote;

/// What a server offers, as [`Server::interface`] says it: [`Interface`], its [`Function`]s, and their
/// types as serde sees them.
pub mod interface {
    pub use remote_runtime::shape::{Definition, Structure, Type};
    #[cfg(feature = "json")]
    pub use remote_runtime::{Described, InWords, Raised};
    #[doc(no_inline)]
    pub use remote_runtime::{Function, Interface};
}

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(feature = "testing")]
pub mod testing;
