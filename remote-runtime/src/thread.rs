//! Threads beside those that serve.

use std::any::Any;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::Builder;

/// Drops what a panic was about. That may panic when it is dropped, and what it then panics with may
/// again: that is left.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(another);
    }
}

/// Runs what may panic, of which the hook has said all that there is to say.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    let ran = catch_unwind(AssertUnwindSafe(run));
    ran.map_err(drop_payload).ok()
}

/// Starts a thread of that name, which nobody waits for.
///
/// What it runs is behind a pointer, so that all that the standard library compiles anew for each
/// kind of thread is there once.
///
/// # Errors
/// If the system has no room for it.
pub(crate) fn start(name: &str, run: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    Builder::new().name(name.to_owned()).spawn(run).map(drop)
}
