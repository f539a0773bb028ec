//! What the programs of all peers share: the work, and the client that measures it.

#[cfg(feature = "codec")]
pub mod codec;
#[cfg(any(feature = "bare", feature = "rawbin"))]
pub mod frames;
#[cfg(feature = "rawbin")]
pub mod framed;
#[cfg(feature = "axum")]
pub mod http;
pub mod measure;
#[cfg(feature = "tokio")]
pub mod runtime;
pub mod work;

/// Whatever goes wrong ends the program that it went wrong in, with its message.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
