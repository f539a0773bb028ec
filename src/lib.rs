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
/// - `#[remote(SERVER, types = "…")]`: vouches for types that serde does not show wholly; see below. In a
///   block it holds for all functions that do not say it themselves.
/// - `#[remote(SERVER, json)]`: the values of its calls travel in a form that says itself what it is, so
///   that types can be had that need one; see below.
/// - `#[remote(SERVER, timeout = "5s")]`: how long a call waits for its answer, instead of
///   [`Server::timeout`]: so many `ms`, `s`, `min` or `h`.
/// - `#[remote(SERVER, no_start)]`: a call of it starts no server, and is [`Error::Unreachable`] if none
///   runs: for what makes no sense in a new one, as to ask what is unlocked.
/// - `#[remote(SERVER, crate = path)]`: where this crate is, if it has another name.
/// - `#[remote(skip)]`, in a block or a trait: leaves a function out.
/// - `#[remote(SERVER, read_only)]`, on a [`Variable`]: only the server sets it.
///
/// # Types that serde does not show
/// Two builds of a program compare the types of a function as serde sees them. A `Deserialize` written
/// by hand that reads one thing or another by an earlier value does not show them, and neither does one
/// that takes none of the values that it is tried with. Then only the file that the server runs may
/// call the function, and the error of another build names the type. `types` lets the author vouch for
/// such types instead: builds with the same text may call each other, builds with different ones may
/// not. Change it whenever such a type changes what it writes or reads.
///
/// ```
/// use remotex::{Server, remote};
/// # mod licence {
/// #     #[derive(serde::Serialize, serde::Deserialize)]
/// #     pub struct Key(pub String);
/// # }
///
/// static SERVER: Server = Server::new("licences").at("local:");
///
/// /// A `licence::Key` reads nothing but keys that are signed.
/// #[remote(SERVER, types = "1")]
/// pub fn seats(key: &licence::Key) -> remotex::Result<usize> {
///     Ok(key.0.len())
/// }
/// ```
///
/// # Types that need a format that describes itself
/// What one reads of a type with `#[serde(untagged)]`, `tag`, `flatten` or `skip_serializing_if`, or of a
/// `serde_json::Value`, the bytes of an ordinary call do not say. With `json` the values of a function
/// travel as CBOR, which does, and in which a type means what it means in JSON: larger and slower, and
/// of two builds that differ in a type, one reads of the other's values what it finds in them.
///
/// ```
/// use remotex::{Server, remote};
/// use serde::{Deserialize, Serialize};
///
/// static SERVER: Server = Server::new("settings").at("local:");
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// #[serde(untagged)]
/// pub enum Setting {
///     Number(i64),
///     Text(String),
/// }
///
/// #[remote(SERVER, json)]
/// pub fn double(setting: Setting) -> remotex::Result<Setting> {
///     Ok(match setting {
///         Setting::Number(n) => Setting::Number(2 * n),
///         Setting::Text(text) => Setting::Text(text.repeat(2)),
///     })
/// }
///
/// assert_eq!(double(Setting::Number(4))?, Setting::Number(8));
/// # Ok::<(), remotex::Error>(())
/// ```
///
/// # Arguments
/// Whatever implements serde's `Serialize` and `Deserialize`, owned or borrowed. `&str`, `&[u8]`,
/// `&Path`, and structs with `#[serde(borrow)]` are lent from the message itself; for `&T`, `&[T]`
/// and options of them the server holds the value for as long as the function runs. A `Path` or
/// `OsStr` need not be UTF-8, unless it is inside another value.
///
/// There are no type parameters, `&mut`, `impl Trait` or `dyn Trait`; each is an error of the
/// compiler that says what to write instead. Without `json`, types with `#[serde(untagged)]`, `tag`,
/// `flatten` or `skip_serializing_if` cannot travel; that is an error of the call.
///
/// Values nest at most 128 deep, in arguments and answers alike: a tree whose nodes hold a `Vec` of
/// nodes has 63 levels. A deeper one is [`Error::Unsendable`].
///
/// # The return type
/// A `Result<T, E>`, by any name, since a call can fail on its way: `E` must be `From<`[`Error`]`>`.
///
/// - An `E` with `Serialize` and `Deserialize` arrives as the very value.
/// - Any other error arrives as [`Error::Failed`], with its message and those of its sources, put
///   into `E` by that `From`; the kind of an `io::Error` is kept.
///
/// [`Error`] itself can be part of a value, so that an error type of one's own holds those of calls; its
/// docs show one.
///
/// # Objects
/// A `pub` function of a block that takes `&self` or `&mut self` is a method of an object that stays in
/// the server: it is called on a [`Remote`], with its name, docs and arguments as written, wherever that
/// is. All methods of a type stand in one block, and those of a `trait` are called on a
/// `Remote<dyn Trait>`; whatever implements the trait can be one. Objects are `Send`, `Sync` and
/// `'static`. What is not `pub` (`pub(crate)` is not) or takes no `self` is no method of a `Remote`: if the
/// compiler finds `no method named …` on a `Remote<…>`, the method lacks its `pub`.
///
/// ```
/// use remotex::{Remote, Result, Server, remote};
///
/// static SERVER: Server = Server::new("counters").at("local:");
///
/// pub struct Counter(u64);
///
/// #[remote(SERVER)]
/// impl Counter {
///     pub fn starting_at(n: u64) -> Result<Remote<Counter>> {
///         Ok(Remote::new(Counter(n)))
///     }
///
///     pub fn get(&self) -> Result<u64> {
///         Ok(self.0)
///     }
///
///     pub fn add(&mut self, n: u64) -> Result<u64> {
///         self.0 += n;
///         Ok(self.0)
///     }
/// }
///
/// #[remote(SERVER)]
/// trait Words {
///     fn count(&self) -> Result<usize>;
/// }
///
/// impl Words for String {
///     fn count(&self) -> Result<usize> {
///         Ok(self.split_whitespace().count())
///     }
/// }
///
/// #[remote(SERVER)]
/// fn words_of(text: String) -> Result<Remote<dyn Words>> {
///     Ok(Remote::new(text))
/// }
///
/// let counter = Counter::starting_at(5)?;
/// counter.add(2)?;
/// assert_eq!(counter.get()?, 7);
/// assert_eq!(words_of("to be or not".into())?.count()?, 4);
/// # Ok::<(), remotex::Error>(())
/// ```
///
/// # Statics
/// On a `static` that is a [`Variable`], it makes that one that clients get and set. On any other, it
/// guards it: to touch it in a process that does not serve is a panic that says so ([`Guarded`]).
///
/// ```
/// use remotex::{Mutex, Server, Variable, remote};
///
/// static SERVER: Server = Server::new("board").at("local:");
///
/// /// What stands above the news.
/// #[remote(SERVER)]
/// static MOTD: Variable<String> = Variable::new(|| "hello".into());
///
/// #[remote(SERVER)]
/// static NEWS: Mutex<Vec<String>> = Mutex::new(Vec::new());
///
/// MOTD.set("closed on Sunday".into())?;
/// assert_eq!(MOTD.get()?, "closed on Sunday");
/// NEWS.lock().push("This runs here, since the address is `local:`.".into());
/// # Ok::<(), remotex::Error>(())
/// ```
///
/// # Where it runs
/// Here, if this process serves the server, or its address is `local:`; else in the server. A method
/// runs where its object is. Calls between remote functions of one server are plain calls there.
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
