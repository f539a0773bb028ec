//! All of remotex that runs.

pub mod error;
pub mod codec;
pub mod wire;

pub use error::{Error, Result};
