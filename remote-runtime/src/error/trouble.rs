//! What went wrong with a call on its way, told in one sentence.

use std::error::Error;
use std::{fmt, io};

use super::Failure;

/// One plain sentence that names the server and the function and says what to do.
pub struct Trouble(Box<Inner>);

struct Inner {
    sentence: String,
    may_have_run: bool,
    /// Set if the same may go well a moment later.
    may_pass: bool,
    cause: Option<io::Error>,
}

impl Trouble {
    pub(crate) fn new(sentence: String) -> Self {
        Self(Box::new(Inner {
            sentence,
            may_have_run: false,
            may_pass: false,
            cause: None,
        }))
    }

    /// One that was told elsewhere, with the messages of its sources.
    pub(super) fn from_parts(sentence: String, causes: Vec<String>, may_have_run: bool) -> Self {
        let below = Failure::from_parts(String::new(), causes, None);
        let has_causes = below.causes().next().is_some();
        Self(Box::new(Inner {
            sentence,
            may_have_run,
            may_pass: false,
            cause: has_causes.then(|| io::Error::other(super::Error::from(below))),
        }))
    }

    /// The same, of a call that may have run.
    pub(crate) fn after_sending(mut self) -> Self {
        self.0.may_have_run = true;
        self
    }

    /// The same, of what may go well a moment later, as where a machine is out of reach.
    pub(crate) fn passing(mut self) -> Self {
        self.0.may_pass = true;
        self
    }

    pub(crate) fn may_pass(&self) -> bool {
        self.0.may_pass
    }

    pub(crate) fn caused_by(mut self, e: io::Error) -> Self {
        self.0.cause = Some(e);
        self
    }

    pub(super) fn may_have_run(&self) -> bool {
        self.0.may_have_run
    }

    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        self.0.cause.as_ref().map(io::Error::kind)
    }

    /// What is below the system's error; that one's own words are in the sentence already.
    pub(super) fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().and_then(Error::source)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.sentence)
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.sentence.fmt(f)
    }
}
