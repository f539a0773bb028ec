//! Threads beside those that serve.

use std::io;
use std::thread::Builder;

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
