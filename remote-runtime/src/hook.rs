//! What the hooks of a server are shown: `.before` and `.after` of a [`Server`](crate::Server).

use std::fmt;
use std::time::Duration;

use crate::caller::{Caller, caller};
use crate::function::Function;

/// A call that has come to a server: what the hooks [`before`](crate::Server::before) and
/// [`after`](crate::Server::after) it are shown.
#[derive(Debug)]
pub struct Call {
    server: &'static str,
    function: &'static Function,
    argument_bytes: usize,
}

impl Call {
    pub(crate) fn new(
        server: &'static str,
        function: &'static Function,
        argument_bytes: usize,
    ) -> Self {
        Self {
            server,
            function,
            argument_bytes,
        }
    }

    /// The name of the server.
    #[must_use]
    pub fn server(&self) -> &'static str {
        self.server
    }

    /// The name of the function on the wire: `post`, `BBoard::post`.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.function.name
    }

    /// How large its arguments are, encoded, in bytes.
    #[must_use]
    pub fn argument_bytes(&self) -> usize {
        self.argument_bytes
    }

    /// Who is calling.
    #[must_use]
    pub fn caller(&self) -> Caller {
        caller()
    }
}

/// How a call has ended: what the hook [`after`](crate::Server::after) it is shown.
#[derive(Debug)]
pub struct Outcome {
    pub(crate) duration: Duration,
    pub(crate) answer_bytes: usize,
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// How long it ran, the hook before it and decoding and encoding included.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// How large the answer is, or an error that travels as its own type, encoded, in bytes; 0 if it has
    /// ended otherwise.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        self.answer_bytes
    }

    /// Whether the function has returned `Ok`, and that can be sent.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// What it has failed with, in words. Of an error that travels as its own type it is only said that
    /// there was one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// `ok`, or the words of the error.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error().unwrap_or("ok"))
    }
}
