//! Which call an error belongs to.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;

use super::{Error, Record, Trouble};

/// The call that something went wrong with: the one place where the words of its errors begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) server: &'a str,
    /// `None` for what is done with the server as a whole: start, stop, status; or with all of them, which
    /// have no name.
    pub(crate) function: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(crate) const fn of(server: &'a str, function: &'a str) -> Self {
        Self {
            server,
            function: Some(function),
        }
    }

    pub(crate) const fn control(server: &'a str) -> Self {
        Self {
            server,
            function: None,
        }
    }

    /// A sentence about this call: its names, then `words`.
    #[inline]
    pub(crate) fn trouble(self, words: impl fmt::Display) -> Trouble {
        self.sentence(&words)
    }

    #[inline]
    pub(crate) fn io(self, step: impl fmt::Display, e: std::io::Error) -> Error {
        self.refused(&step, e)
    }

    // What is generic above is only that: what is said rarely is not worth a copy for each type.

    #[cold]
    fn sentence(self, words: &dyn fmt::Display) -> Trouble {
        Trouble::new(format!("{self}: {words}"))
    }

    #[cold]
    fn refused(self, step: &dyn fmt::Display, e: std::io::Error) -> Error {
        Error::Io(self.trouble(format_args!("{step}: {e}")).caused_by(e))
    }

    #[cold]
    fn subject(self) -> String {
        format!("{self}")
    }

    /// `value`, as a detail of an error of this call.
    pub(crate) fn with<T>(self, value: T, may_have_run: bool) -> InCall<T> {
        InCall::from_parts(value, self.subject(), may_have_run)
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.function {
            Some(function) => write!(f, "`{function}` on server `{}`", self.server),
            None if self.server.is_empty() => f.write_str("remotex"),
            None => write!(f, "server `{}`", self.server),
        }
    }
}

/// A detail of an [`Error`] that also knows to which call it belongs.
///
/// It stands for the value itself: it derefs to it, displays as it and compares with it.
#[derive(Clone)]
pub struct InCall<T>(Box<Inner<T>>);

#[derive(Clone)]
struct Inner<T> {
    value: T,
    subject: String,
    may_have_run: bool,
    record: Record,
}

impl<T> InCall<T> {
    /// The call, in the words of a sentence: `` `post` on server `bboard` ``.
    #[must_use]
    pub fn call(&self) -> &str {
        &self.0.subject
    }

    pub(super) fn from_parts(value: T, subject: String, may_have_run: bool) -> Self {
        Self(Box::new(Inner {
            value,
            subject,
            may_have_run,
            record: Record::default(),
        }))
    }

    pub(super) fn record(&self) -> &Record {
        &self.0.record
    }

    pub(super) fn set_record(&mut self, record: Record) {
        self.0.record = record;
    }

    pub(super) fn may_have_run(&self) -> bool {
        self.0.may_have_run
    }
}

impl<T> Deref for InCall<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Display> fmt::Display for InCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for InCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq<U>, U> PartialEq<U> for InCall<T> {
    fn eq(&self, other: &U) -> bool {
        **self == *other
    }
}

impl<T: PartialOrd<U>, U> PartialOrd<U> for InCall<T> {
    fn partial_cmp(&self, other: &U) -> Option<Ordering> {
        (**self).partial_cmp(other)
    }
}
