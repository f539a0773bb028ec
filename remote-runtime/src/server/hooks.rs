//! The user's `.on_start` and `.on_stop`, and how their failures are told.

use std::fmt;

use crate::error::{Call, Error, Result};
use crate::serve::caught;

/// The reason for which a server did not serve, or did not end well.
pub(super) struct Failure {
    /// The name of the hook that failed, if one did.
    hook: Option<&'static str>,
    pub(super) error: Error,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { hook: None, error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hook {
            Some(hook) => write!(f, "`.{hook}` failed: {}", self.error),
            None => write!(f, "{}", self.error),
        }
    }
}

/// Runs `.on_start` or `.on_stop`, whose panic is an error too.
pub(super) fn run(
    call: Call<'_>,
    name: &'static str,
    hook: Option<fn() -> Result<()>>,
) -> Result<(), Failure> {
    let Some(hook) = hook else {
        return Ok(());
    };
    let ended = caught(hook).unwrap_or_else(|panic| {
        let server = call.server;
        Err(Error::failed(format!(
            "the `.{name}` of server `{server}` panicked {panic}"
        )))
    });
    ended.map_err(|error| Failure {
        hook: Some(name),
        error,
    })
}
