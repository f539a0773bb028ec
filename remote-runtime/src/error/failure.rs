//! An error that a remote function returned, as it crosses the wire: texts, and a kind.

use std::error::Error as StdError;
use std::{fmt, io};

use super::{Error, Record};

/// How many causes there are at the most: a chain that never ends must not become a message that
/// never ends, nor a long message a chain that no stack can drop.
pub(super) const MOST_CAUSES: usize = 64;

/// A returned error taken apart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    /// From the outermost to the innermost.
    causes: Option<Box<Cause>>,
    io_kind: Option<io::ErrorKind>,
    /// The system's code of an `io::Error`.
    os_code: Option<i32>,
    record: Record,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    message: String,
    next: Option<Box<Cause>>,
}

impl Failure {
    /// The messages of `e` and of all its sources.
    pub(crate) fn of(e: &(dyn StdError + 'static)) -> Self {
        let causes: Vec<_> = std::iter::successors(e.source(), |&e| e.source())
            .take(MOST_CAUSES)
            .map(|e| format!("{e}"))
            .collect();
        let (io_kind, os_code) = match (e.downcast_ref::<io::Error>(), e.downcast_ref::<Error>()) {
            (Some(e), _) => (Some(e.kind()), e.raw_os_error()),
            (_, Some(Error::Failed { failure, .. })) => (failure.io_kind, failure.os_code),
            _ => (None, None),
        };
        Self {
            os_code,
            ..Self::from_parts(format!("{e}"), causes, io_kind)
        }
    }

    pub(crate) fn from_parts(
        message: String,
        causes: Vec<String>,
        io_kind: Option<io::ErrorKind>,
    ) -> Self {
        let kept: Vec<_> = causes.into_iter().take(MOST_CAUSES).collect();
        let chain = |next, message| Some(Box::new(Cause { message, next }));
        let causes = kept.into_iter().rev().fold(None, chain);
        Self {
            message,
            causes,
            io_kind,
            os_code: None,
            record: Record::default(),
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn causes(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(self.causes.as_deref(), |&cause| cause.next.as_deref())
            .map(|cause| &*cause.message)
    }

    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io_kind
    }

    pub(crate) fn os_code(&self) -> Option<i32> {
        self.os_code
    }

    /// The same, with the system's code of an `io::Error`.
    pub(crate) fn with_os_code(self, os_code: Option<i32>) -> Self {
        Self { os_code, ..self }
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn set_record(&mut self, record: Record) {
        self.record = record;
    }

    pub(super) fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.causes.as_deref().map(|cause| cause as _)
    }
}

impl From<Failure> for Error {
    fn from(mut failure: Failure) -> Self {
        let message = std::mem::take(&mut failure.message);
        let causes = failure.causes().map(str::to_owned).collect();
        Self::Failed {
            message,
            causes,
            failure: Box::new(failure),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.next.as_deref().map(|cause| cause as _)
    }
}
