//! The feature `tracing`: a span for each call at the client, and one at the server, which are joined
//! by an id that travels with the call. Without the feature there is nothing of it.

#[cfg_attr(feature = "tracing", path = "trace/enabled.rs")]
#[cfg_attr(not(feature = "tracing"), path = "trace/disabled.rs")]
mod spans;

pub(crate) use spans::{called, serve};
