//! What a way in needs of the server behind it.

use crate::transport::Stream;

#[cfg(feature = "http")]
use crate::{figures::Figures, function::Table, wire::report::Report};

/// A server, seen from where its clients come in.
pub(crate) trait Site: Send + Sync {
    /// Serves a connection, of which it is known who is at its other end.
    #[cfg_attr(not(feature = "tcp"), expect(dead_code, reason = "nobody comes in"))]
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

/// Where clients come in over a network, until it is dropped; then the address is free again.
pub(crate) trait Door {
    /// Whether those who come in can ask for figures of the functions.
    fn shows_figures(&self) -> bool;

    /// Lets in those who are known; until then, who comes waits.
    fn open(&mut self, site: std::sync::Arc<dyn Site>) -> std::io::Result<()>;
}
