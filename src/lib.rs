//! One attribute turns a program into its own background daemon.

pub use parking_lot::{Mutex, RwLock};
pub use remote_macro::remote;
pub use remote_runtime::{Caller, Error, InCall, Result, Server, Status, Trouble, caller, init};

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
