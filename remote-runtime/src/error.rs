//! What a call can end with instead of its answer.

mod details;
mod failure;
mod in_call;
pub(crate) mod portable;
mod trouble;

use std::fmt;

pub use details::Details;
pub use failure::Failure;
pub use in_call::InCall;
pub use trouble::Trouble;

pub(crate) use details::{Record, Recorded};
pub(crate) use in_call::Call;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call has no answer.
///
/// It displays as one plain sentence that names the server and the function and, where that is
/// known, says what to do. Its `Debug` is the sentence and below it the causes, each on a line of its
/// own, which is what a `main` that returns it prints; `{:#?}` is `Variant("the sentence")`.
///
/// Before trying again, ask [`may_have_run`](Error::may_have_run).
///
/// # In an error type of one's own
/// It implements serde's `Serialize` and `Deserialize`, so that an error type that holds one can
/// travel as a value. The crate `thiserror` writes the three `impl`s below, with `#[error("…")]` and
/// `Server(#[from] remotex::Error)`.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// use std::fmt;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// pub enum NoteError {
///     Full(usize),
///     Server(remotex::Error),
/// }
///
/// impl fmt::Display for NoteError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         match self {
///             Self::Full(n) => write!(f, "there are {n} notes already"),
///             Self::Server(e) => e.fmt(f),
///         }
///     }
/// }
///
/// impl std::error::Error for NoteError {}
///
/// impl From<remotex::Error> for NoteError {
///     fn from(e: remotex::Error) -> Self {
///         Self::Server(e)
///     }
/// }
/// ```
///
/// # Example
/// ```
/// # extern crate remote_runtime as remotex;
/// use remotex::Error;
///
/// let error = Error::failed("the board is full");
/// assert_eq!(error.to_string(), "the board is full");
/// assert_eq!(format!("{error:?}"), "the board is full");
/// assert_eq!(format!("{error:#?}"), r#"Failed("the board is full")"#);
/// ```
#[non_exhaustive]
pub enum Error {
    /// Nobody listens at the server's address.
    Unreachable(Trouble),
    /// The connection ended after the call was sent: it may have run.
    Lost(Trouble),
    /// A limit of time was over before the answer came.
    TimedOut(Trouble),
    /// Not let in, or the other side is not who it must be.
    Denied(Trouble),
    /// The server has no function of that name.
    UnknownFunction(Trouble),
    /// The two programs disagree on the function or its types, or another program has the name.
    Mismatch(Trouble),
    /// The function panicked; the server goes on.
    Panicked {
        /// What the panic said.
        message: String,
        /// The line of source that panicked, as `file:line:column`.
        location: InCall<String>,
        /// Where it came from, if the caller has asked for it with `REMOTEX_DEBUG=1`.
        backtrace: Option<Box<str>>,
    },
    /// The function ran and returned an error.
    #[non_exhaustive]
    Failed {
        /// The error's own message, unchanged.
        message: String,
        /// The messages of its `source()`s, outermost first.
        causes: Vec<String>,
        /// What else has come with it.
        #[doc(hidden)]
        failure: Box<Failure>,
    },
    /// The arguments or the answer are larger than `max_message` allows.
    TooLarge {
        /// How large the message would have been, in bytes.
        size: usize,
        /// How large it may be, in bytes.
        limit: InCall<usize>,
    },
    /// A value that cannot be encoded: a skipped field, a path that is not UTF-8 inside a struct.
    Unsendable {
        /// Which value it is.
        what: String,
        /// What is wrong with it.
        why: InCall<String>,
    },
    /// A reference to what is no longer there.
    Gone(Trouble),
    /// The server has as many connections as it takes.
    Busy(Trouble),
    /// The bytes that came are no message.
    Malformed(Trouble),
    /// The system refused something that the call needs.
    Io(Trouble),
}

impl Error {
    /// A failure of a remote function: `e`'s message, and that of every `source()` below it.
    ///
    /// ```
    /// # extern crate remote_runtime as remotex;
    /// use remotex::{Error, Result};
    ///
    /// fn seats(text: &str) -> Result<u32> {
    ///     text.parse().map_err(Error::failed)
    /// }
    /// assert_eq!(seats("x").unwrap_err().to_string(), "invalid digit found in string");
    /// ```
    pub fn failed(e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Failure::of(e.into().as_ref()).into()
    }

    /// Whether the function may have run, wholly or in part, although there is no answer.
    ///
    /// `false` is a promise: the same call can be made again without doing anything twice.
    #[must_use]
    pub fn may_have_run(&self) -> bool {
        match self {
            Self::Panicked { .. } | Self::Failed { .. } => true,
            Self::TooLarge { limit, .. } => limit.may_have_run(),
            Self::Unsendable { why, .. } => why.may_have_run(),
            _ => self.trouble().is_some_and(Trouble::may_have_run),
        }
    }

    /// What the server knows of the call: the failure or panic with all its causes, where it came from,
    /// and with which arguments. It is fetched from there, where it is kept for as long as this
    /// process is connected, unless sixteen more calls of it have failed since.
    ///
    /// With `REMOTEX_DEBUG=1` it is printed to stderr at once. An error that travels as its own type is no
    /// [`Error`], and has no details.
    ///
    /// # Errors
    /// If the function has neither failed nor panicked in a server; [`Error::Gone`] if the server does
    /// not have it any more.
    pub fn details(&self) -> Result<Details> {
        match self {
            Self::Failed { failure, .. } => failure.record().fetch(),
            Self::Panicked { location, .. } => location.record().fetch(),
            _ => Record::default().fetch(),
        }
    }

    /// Says where its details are, if it is one of which there are any.
    pub(crate) fn recorded(mut self, record: Record) -> Self {
        match &mut self {
            Self::Failed { failure, .. } => failure.set_record(record),
            Self::Panicked { location, .. } => location.set_record(record),
            _ => {}
        }
        self
    }

    /// Whether nothing has run because there is no server that would run it: not running, not this
    /// one, not let in, or too busy.
    pub(crate) fn has_no_server(&self) -> bool {
        self.trouble()
            .is_some_and(|trouble| !trouble.may_have_run())
    }

    /// The sentence of those that are nothing but a sentence.
    fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Unreachable(trouble)
            | Self::Lost(trouble)
            | Self::TimedOut(trouble)
            | Self::Denied(trouble)
            | Self::UnknownFunction(trouble)
            | Self::Mismatch(trouble)
            | Self::Gone(trouble)
            | Self::Busy(trouble)
            | Self::Malformed(trouble)
            | Self::Io(trouble) => Some(trouble),
            Self::Panicked { .. }
            | Self::Failed { .. }
            | Self::TooLarge { .. }
            | Self::Unsendable { .. } => None,
        }
    }

    /// Which one it is, by name.
    pub(crate) fn variant(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Unreachable",
            Self::Lost(_) => "Lost",
            Self::TimedOut(_) => "TimedOut",
            Self::Denied(_) => "Denied",
            Self::UnknownFunction(_) => "UnknownFunction",
            Self::Mismatch(_) => "Mismatch",
            Self::Panicked { .. } => "Panicked",
            Self::Failed { .. } => "Failed",
            Self::TooLarge { .. } => "TooLarge",
            Self::Unsendable { .. } => "Unsendable",
            Self::Gone(_) => "Gone",
            Self::Busy(_) => "Busy",
            Self::Malformed(_) => "Malformed",
            Self::Io(_) => "Io",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked {
                message, location, ..
            } => {
                write!(f, "{} panicked at {location}: {message}", location.call())
            }
            Self::Failed { message, .. } => f.write_str(message),
            Self::TooLarge { size, limit } => write!(
                f,
                "{} of {} would need {size} bytes where {limit} are allowed; send less, or raise `.max_message` of its `Server`",
                if limit.may_have_run() {
                    "the answer"
                } else {
                    "the arguments"
                },
                limit.call(),
            ),
            Self::Unsendable { what, why } => {
                write!(f, "{what} of {} cannot be sent: {why}", why.call())
            }
            _ => self.trouble().map_or(Ok(()), |trouble| trouble.fmt(f)),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write!(f, "{}({:?})", self.variant(), format!("{self}"));
        }
        write!(f, "{self}")?;
        match &*portable::causes(self) {
            [] => Ok(()),
            causes => {
                f.write_str("\n\nCaused by:")?;
                causes
                    .iter()
                    .try_for_each(|cause| write!(f, "\n    {cause}"))
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { failure, .. } => failure.source(),
            _ => self.trouble().and_then(Trouble::source),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Failure::of(&e).into()
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    fn from(e: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self::failed(e)
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::failed(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::failed(message)
    }
}

/// So that `io::Result` can be the return type of a remote function. Of an `io::Error` that the function
/// itself returned the kind is kept; and if it was the system's, its code, instead of the [`Error`] inside.
impl From<Error> for std::io::Error {
    fn from(e: Error) -> Self {
        use std::io::ErrorKind;
        if let Error::Failed {
            message, failure, ..
        } = &e
            && let Some(code) = failure.os_code()
        {
            // Another system may mean something else by that code.
            let same = Self::from_raw_os_error(code);
            if same.to_string() == *message {
                return same;
            }
        }
        let kind = match &e {
            Error::Failed { failure, .. } => failure.io_kind().unwrap_or(ErrorKind::Other),
            Error::Unreachable(_) => ErrorKind::NotConnected,
            Error::Lost(_) => ErrorKind::ConnectionAborted,
            Error::TimedOut(_) => ErrorKind::TimedOut,
            Error::Denied(_) => ErrorKind::PermissionDenied,
            Error::TooLarge { .. } | Error::Unsendable { .. } => ErrorKind::InvalidInput,
            Error::Malformed(_) | Error::Mismatch(_) => ErrorKind::InvalidData,
            Error::UnknownFunction(_) => ErrorKind::Unsupported,
            Error::Gone(_) => ErrorKind::NotFound,
            Error::Busy(_) => ErrorKind::WouldBlock,
            Error::Io(trouble) => trouble.io_kind().unwrap_or(ErrorKind::Other),
            Error::Panicked { .. } => ErrorKind::Other,
        };
        Self::new(kind, e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;
    use std::io;

    #[test]
    fn it_is_small_and_goes_anywhere() {
        fn anywhere<T: Send + Sync + 'static>() {}
        anywhere::<Error>();
        assert!(size_of::<Error>() < 64, "{}", size_of::<Error>());
    }

    #[test]
    fn a_failure_keeps_its_chain_and_its_kind() {
        let inner = io::Error::new(io::ErrorKind::NotFound, Error::failed("no such track"));
        let error = Error::from(inner);
        let Error::Failed {
            message, causes, ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(message, "no such track");
        assert!(
            causes.is_empty(),
            "an io::Error displays what it wraps, it is not its cause: {causes:?}"
        );
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn sources_are_walked_in_order() {
        #[derive(Debug)]
        struct Layer(&'static str, Option<Box<Layer>>);
        impl fmt::Display for Layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl std::error::Error for Layer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.1.as_deref().map(|e| e as _)
            }
        }
        let layers = Layer(
            "outer",
            Some(Box::new(Layer(
                "middle",
                Some(Box::new(Layer("inner", None))),
            ))),
        );
        let error = Error::failed(layers);
        let mut walked = Vec::new();
        let mut next = error.source();
        while let Some(e) = next {
            walked.push(e.to_string());
            next = e.source();
        }
        assert_eq!(walked, ["middle", "inner"]);
        let Error::Failed { causes, .. } = error else {
            panic!()
        };
        assert_eq!(causes, ["middle", "inner"]);
    }

    #[test]
    fn what_main_prints_is_the_sentence_and_its_causes() {
        let causes = vec!["the disk is full".into(), "quota".into()];
        let error = Error::from(Failure::from_parts("cannot save".into(), causes, None));
        let printed = "cannot save\n\nCaused by:\n    the disk is full\n    quota";
        assert_eq!(format!("{error:?}"), printed);
        assert_eq!(format!("{error:#?}"), r#"Failed("cannot save")"#);
    }
}
