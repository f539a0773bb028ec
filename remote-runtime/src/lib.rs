//! All of remotex that runs. Its modules stand in the order in which a call meets them:
//!
//! 1. [`call`]: the stub that the macro leaves in a remote function. Run here, or away?
//! 2. [`argument`] and [`answer`]: how each kind of value travels, chosen by its type.
//! 3. [`server`]: the user's `static`: settings, address, and control of the server.
//! 4. [`daemon`]: starts the server, if it does not run.
//! 5. [`client`]: sends the call over a connection that it keeps.
//! 6. [`codec`] makes bytes of values, [`wire`] makes frames of bytes,
//! 7. [`link`] carries frames over a [`transport`], which carries bytes.
//! 8. [`serve`]: the other end: accepts, reads, runs, writes.
//! 9. [`registry`] and [`function`]: which functions there are, and how one is run.
//!
//! The reply walks back from 8 to 5. A module uses only those that come later, with one exception:
//! `registry` knows `Server`s, since that is what it tells apart.

#[doc(hidden)]
pub mod call;
#[doc(hidden)]
pub mod argument;
#[doc(hidden)]
pub mod answer;
mod server;
mod address;
mod paths;
mod daemon;
mod client;
pub mod codec;
pub mod wire;
mod link;
mod transport;
mod serve;
mod caller;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod function;
mod error;

pub use caller::{Caller, caller};
pub use error::{Error, Failure, InCall, Result, Trouble};
pub use server::{Server, Status, init};

#[doc(hidden)]
pub use linkme;
