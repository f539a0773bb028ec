//! What a way in needs of the server behind it.

use std::io;
use std::sync::Arc;
#[cfg(feature = "tcp")]
use std::thread::{Builder, JoinHandle};

use crate::transport::Stream;

#[cfg(feature = "http")]
use crate::{figures::Figures, function::Table, wire::report::Report};

/// A server, seen from where its clients come in.
pub(crate) trait Site: Send + Sync {
    /// Serves a connection, of which it is known who is at its other end.
    fn admit(&self, stream: Stream);

    /// Its name, and which one it is of several.
    #[cfg(feature = "http")]
    fn name(&self) -> (&'static str, &str);

    /// The largest message that it takes, in bytes.
    #[cfg(feature = "http")]
    fn limit(&self) -> usize;

    /// What it is doing.
    #[cfg(feature = "http")]
    fn report(&self) -> Report;

    /// Whether it takes no more calls.
    #[cfg(feature = "http")]
    fn is_stopping(&self) -> bool;

    /// Its functions.
    #[cfg(feature = "http")]
    fn table(&self) -> &Table;

    /// What its calls are like.
    #[cfg(feature = "http")]
    fn figures(&self) -> Option<&Figures>;
}

/// The thread that keeps a door, until this is dropped: then `quit` is, which it sees, and it ends.
#[cfg(feature = "tcp")]
pub(crate) struct Keeper<Q> {
    quit: Option<Q>,
    thread: Option<JoinHandle<()>>,
}

#[cfg(feature = "tcp")]
impl<Q> Keeper<Q> {
    pub(crate) fn start(
        name: &str,
        quit: Q,
        keep: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let thread = Builder::new().name(name.into()).spawn(keep)?;
        Ok(Self {
            quit: Some(quit),
            thread: Some(thread),
        })
    }
}

#[cfg(feature = "tcp")]
impl<Q> Drop for Keeper<Q> {
    fn drop(&mut self) {
        drop(self.quit.take());
        if let Some(thread) = self.thread.take() {
            // When it has ended, the address is free. Its panic is its end too.
            let _ = thread.join();
        }
    }
}

/// Where clients come in over a network, until it is dropped; then the address is free again.
pub(crate) trait Door {
    /// Whether those who come in can ask for figures of the functions.
    fn shows_figures(&self) -> bool;

    /// Lets in those who are known; until then, who comes waits.
    fn open(&mut self, site: Arc<dyn Site>) -> io::Result<()>;
}
