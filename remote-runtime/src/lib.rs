//! All of remotex that runs. Its modules stand in the order in which a call meets them:
//!
//! 1. `tag`: how the code of the macro, which knows no types, does the right thing for each:
//!    `argument` for what is sent, `answer` for what comes back.
//! 2. `call`: the stub that the macro leaves in a remote function. Run here, or away?
//! 3. `server`: the user's `static`: settings, control, and what a server does from start to end.
//! 4. `daemon` starts the server, if it does not run; `address` and `paths` say where it is.
//! 5. `client` sends the call over a connection that it keeps.
//! 6. `codec` makes bytes of values, `wire` makes frames of bytes,
//! 7. `link` carries frames over what `transport` connects.
//! 8. `serve`: the other end: accepts, reads, runs, writes. What rests waits in the `poller`.
//! 9. `registry` and `function`: which functions there are, and how one is run; inside it,
//!    `caller` says for whom.
//!
//! The reply walks back from 8 to 5. Which module may use which is kept by a test.

#[doc(hidden)]
pub mod tag;
#[doc(hidden)]
pub mod argument;
#[doc(hidden)]
pub mod answer;
#[doc(hidden)]
pub mod remote;
#[doc(hidden)]
pub mod variable;
mod guarded;
#[doc(hidden)]
pub mod call;
mod server;
#[cfg(feature = "json")]
mod dynamic;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "discovery")]
pub mod discovery;
mod daemon;
mod address;
mod paths;
mod client;
mod backoff;
mod logline;
pub mod codec;
pub mod wire;
mod link;
mod bridge;
#[cfg_attr(feature = "tcp", path = "network/enabled.rs")]
#[cfg_attr(not(feature = "tcp"), path = "network/disabled.rs")]
mod network;
mod transport;
mod poller;
mod serve;
mod session;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod function;
#[cfg_attr(feature = "http", path = "figures/enabled.rs")]
#[cfg_attr(not(feature = "http"), path = "figures/disabled.rs")]
mod figures;
mod caller;
mod chain;
mod hook;
pub mod shape;
mod program;
mod explain;
mod thread;
mod at_exit;
mod output;
#[doc(hidden)]
pub mod terminal;
mod trace;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(not(feature = "testing"))]
mod testing;
mod error;

pub use caller::{Caller, caller};
pub use error::{Details, Error, Failure, InCall, Result, Trouble};
pub use guarded::Guarded;
pub use hook::{Call, Outcome};
#[cfg(feature = "json")]
pub use json::{Described, InWords, Raised};
#[doc(hidden)]
#[doc(hidden)]
pub use output::has_reader;
pub use program::Build;
pub use remote::{Remote, WeakRemote};
pub use serve::KeepAwake;
pub use server::{Server, Status, init};
pub use variable::Variable;
pub use wire::interface::{Function, Interface};
pub use wire::report::{Holder, RunningCall};

#[doc(hidden)]
pub use linkme;
