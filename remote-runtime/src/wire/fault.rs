//! Every end of a call that is neither its answer nor an error value of its own.

mod error;

use std::{fmt, io};

use super::Malformed;
use super::fields::{self, number, put, text};
use super::reference::Id;
use crate::error::Failure;

pub(crate) use error::error;

/// How a call ended at the server, without the names, which the client knows better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The function returned an error that travels as text.
    Failed(Failure),
    /// The function panicked.
    Panicked {
        /// What the panic said.
        message: String,
        /// `file:line:column`.
        location: String,
        /// Taken only if the caller has asked for it.
        backtrace: Option<String>,
    },
    /// The server has no function of that name.
    UnknownFunction,
    /// The two sides disagree; nothing has run.
    Mismatch(String),
    /// A message would be too large: the answer, or (then nothing has run) the arguments.
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// What is allowed.
        limit: u64,
        /// Whether it is the answer, so that the function has run.
        answer: bool,
    },
    /// A value is of a kind that cannot travel.
    Unsendable {
        /// The argument that it is, in which case nothing has run; or it is the answer.
        argument: Option<String>,
        /// What is wrong with it.
        why: String,
    },
    /// The server has no room for another connection; nothing has run.
    Busy(String),
    /// What came was no message; nothing has run.
    Malformed(String),
    /// A reference among the arguments is one to nothing; nothing has run.
    Gone(String),
    /// The server's own check of calls has refused it, in these words; nothing has run.
    Refused(String),
    /// The function has ended the server's process, with this exit code, if that is known.
    Exited(Option<i32>),
}

const CODE: u8 = 1;
const MESSAGE: u8 = 2;
const LOCATION: u8 = 3;
const BACKTRACE: u8 = 4;
const CAUSE: u8 = 5;
const IO_KIND: u8 = 6;
const SIZE: u8 = 7;
const LIMIT: u8 = 8;
const ANSWER: u8 = 9;
const ARGUMENT: u8 = 10;
const RECORD: u8 = 11;
const STATUS: u8 = 12;
const OS_CODE: u8 = 13;

const FAILED: u8 = 1;
const PANICKED: u8 = 2;
const UNKNOWN_FUNCTION: u8 = 3;
const MISMATCH: u8 = 4;
const TOO_LARGE: u8 = 5;
const UNSENDABLE: u8 = 6;
const BUSY: u8 = 7;
const MALFORMED: u8 = 8;
const GONE: u8 = 9;
const REFUSED: u8 = 10;
const EXITED: u8 = 11;

/// The largest fault in bytes, whatever `max_message` is: its texts are cut to fit.
pub const LARGEST_FAULT: usize = 1024 * 1024;

/// What a fault needs besides its texts, all headers of its fields included.
pub(super) const OVERHEAD: usize = 1024;

impl Fault {
    /// Appends its fields to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        let mut room = LARGEST_FAULT - OVERHEAD;
        let mut put_text = |out: &mut Vec<u8>, tag, text| put_cut(out, tag, text, &mut room);
        put(out, CODE, &[self.code()]);
        match self {
            Self::Failed(failure) => {
                put_text(out, MESSAGE, failure.message());
                for cause in failure.causes() {
                    put_text(out, CAUSE, cause);
                }
                if let Some(code) = failure.io_kind().and_then(io_code) {
                    put(out, IO_KIND, &[code]);
                }
                if let Some(code) = failure.os_code() {
                    put(out, OS_CODE, &code.to_le_bytes());
                }
            }
            Self::Panicked {
                message,
                location,
                backtrace,
            } => {
                put_text(out, MESSAGE, message);
                put_text(out, LOCATION, location);
                if let Some(backtrace) = backtrace {
                    put_text(out, BACKTRACE, backtrace);
                }
            }
            Self::TooLarge {
                size,
                limit,
                answer,
            } => {
                put(out, SIZE, &size.to_le_bytes());
                put(out, LIMIT, &limit.to_le_bytes());
                put(out, ANSWER, &[(*answer).into()]);
            }
            Self::Mismatch(why)
            | Self::Malformed(why)
            | Self::Busy(why)
            | Self::Gone(why)
            | Self::Refused(why) => {
                put_text(out, MESSAGE, why);
            }
            Self::Unsendable { argument, why } => {
                put_text(out, MESSAGE, why);
                if let Some(argument) = argument {
                    put_text(out, ARGUMENT, argument);
                }
            }
            Self::Exited(status) => {
                put_text(out, MESSAGE, &self.to_string());
                if let Some(code) = status {
                    put(out, STATUS, &code.to_le_bytes());
                }
            }
            Self::UnknownFunction => {}
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => FAILED,
            Self::Panicked { .. } => PANICKED,
            Self::UnknownFunction => UNKNOWN_FUNCTION,
            Self::Mismatch(_) => MISMATCH,
            Self::TooLarge { .. } => TOO_LARGE,
            Self::Unsendable { .. } => UNSENDABLE,
            Self::Busy(_) => BUSY,
            Self::Malformed(_) => MALFORMED,
            Self::Gone(_) => GONE,
            Self::Refused(_) => REFUSED,
            Self::Exited(_) => EXITED,
        }
    }

    /// Reads a fault's fields.
    ///
    /// # Errors
    /// If they are no fault that this version knows.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let (mut code, mut message, mut location, mut backtrace) = (0, &[][..], &[][..], None);
        let (mut argument, mut causes, mut io_kind) = (None, Vec::new(), None);
        let (mut size, mut limit, mut answer) = (0, 0, false);
        let (mut status, mut os_code) = (None, None);
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                CODE => code = number(value)?,
                MESSAGE => message = value,
                LOCATION => location = value,
                BACKTRACE => backtrace = Some(value),
                CAUSE => causes.push(value),
                IO_KIND => io_kind = io_kind_of(number(value)?),
                SIZE => size = number(value)?,
                LIMIT => limit = number(value)?,
                ANSWER => answer = number(value)? != 0,
                ARGUMENT => argument = Some(value),
                STATUS | OS_CODE => {
                    let wrong = |_| Malformed("a code of the system has not 4 bytes");
                    let code = i32::from_le_bytes(value.try_into().map_err(wrong)?);
                    *if tag == STATUS {
                        &mut status
                    } else {
                        &mut os_code
                    } = Some(code);
                }
                _ => {}
            }
        }
        let message = text(message);
        Ok(match u8::try_from(code).unwrap_or(0) {
            FAILED => {
                let causes = causes.into_iter().map(text).collect();
                let failure = Failure::from_parts(message, causes, io_kind);
                Self::Failed(failure.with_os_code(os_code))
            }
            PANICKED => Self::Panicked {
                message,
                location: text(location),
                backtrace: backtrace.map(text),
            },
            UNKNOWN_FUNCTION => Self::UnknownFunction,
            MISMATCH => Self::Mismatch(message),
            TOO_LARGE => Self::TooLarge {
                size,
                limit,
                answer,
            },
            UNSENDABLE => Self::Unsendable {
                argument: argument.map(text),
                why: message,
            },
            BUSY => Self::Busy(message),
            MALFORMED => Self::Malformed(message),
            GONE => Self::Gone(message),
            REFUSED => Self::Refused(message),
            EXITED => Self::Exited(status),
            _ => {
                return Err(Malformed(
                    "it is a fault of a kind that this version does not know",
                ));
            }
        })
    }
}

/// Adds to a fault by which id the server knows more of it.
pub fn put_record(record: &Id, out: &mut Vec<u8>) {
    put(out, RECORD, record);
}

/// By which id the server knows more of a fault, if it does.
#[must_use]
pub fn record(body: &[u8]) -> Option<Id> {
    let mut fields = fields::read(body).map_while(Result::ok);
    let (_, record) = fields.find(|(tag, _)| *tag == RECORD)?;
    record.try_into().ok()
}

/// Returns `true` if the function has ended the server's process.
#[must_use]
pub fn is_exit(body: &[u8]) -> bool {
    let mut fields = fields::read(body).map_while(Result::ok);
    fields.any(|(tag, value)| tag == CODE && number(value) == Ok(EXITED.into()))
}

/// What has happened, in words, without the names of server and function.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => f.write_str(failure.message()),
            Self::Panicked {
                message, location, ..
            } => write!(f, "it panicked at {location}: {message}"),
            Self::UnknownFunction => f.write_str("there is no such function"),
            Self::Exited(None) => f.write_str("it ended the process of the server"),
            Self::Exited(Some(code)) => {
                write!(
                    f,
                    "it ended the process of the server with exit code {code}"
                )
            }
            Self::TooLarge { size, limit, .. } => {
                write!(f, "{size} bytes are too large where {limit} are allowed")
            }
            Self::Unsendable { why, .. } => write!(f, "a value cannot be sent: {why}"),
            Self::Mismatch(why)
            | Self::Busy(why)
            | Self::Malformed(why)
            | Self::Gone(why)
            | Self::Refused(why) => f.write_str(why),
        }
    }
}

/// Appends as much of a text as there is room for.
#[inline(never)]
pub(super) fn put_cut(out: &mut Vec<u8>, tag: u8, text: &str, room: &mut usize) {
    let cut = text.floor_char_boundary(*room);
    *room -= cut;
    put(out, tag, &text.as_bytes()[..cut]);
}

/// The kinds of `io::Error` by number; only ever append.
const IO_KINDS: [io::ErrorKind; 38] = {
    use io::ErrorKind as K;
    [
        K::NotFound,
        K::PermissionDenied,
        K::ConnectionRefused,
        K::ConnectionReset,
        K::HostUnreachable,
        K::NetworkUnreachable,
        K::ConnectionAborted,
        K::NotConnected,
        K::AddrInUse,
        K::AddrNotAvailable,
        K::NetworkDown,
        K::BrokenPipe,
        K::AlreadyExists,
        K::WouldBlock,
        K::NotADirectory,
        K::IsADirectory,
        K::DirectoryNotEmpty,
        K::ReadOnlyFilesystem,
        K::StaleNetworkFileHandle,
        K::InvalidInput,
        K::InvalidData,
        K::TimedOut,
        K::WriteZero,
        K::StorageFull,
        K::NotSeekable,
        K::QuotaExceeded,
        K::FileTooLarge,
        K::ResourceBusy,
        K::ExecutableFileBusy,
        K::Deadlock,
        K::TooManyLinks,
        K::InvalidFilename,
        K::ArgumentListTooLong,
        K::Interrupted,
        K::Unsupported,
        K::UnexpectedEof,
        K::OutOfMemory,
        K::Other,
    ]
};

fn io_code(kind: io::ErrorKind) -> Option<u8> {
    IO_KINDS
        .iter()
        .position(|&known| known == kind)
        .and_then(|at| u8::try_from(at).ok())
}

fn io_kind_of(code: u64) -> Option<io::ErrorKind> {
    usize::try_from(code)
        .ok()
        .and_then(|code| IO_KINDS.get(code).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            (
                any::<String>(),
                proptest::collection::vec(any::<String>(), 0..64),
                proptest::option::of((0..IO_KINDS.len(), any::<Option<i32>>()))
            )
                .prop_map(|(message, causes, kind)| Fault::Failed(
                    Failure::from_parts(message, causes, kind.map(|(at, _)| IO_KINDS[at]))
                        .with_os_code(kind.and_then(|(_, code)| code))
                )),
            any::<(String, String, Option<String>)>().prop_map(|(message, location, backtrace)| {
                Fault::Panicked {
                    message,
                    location,
                    backtrace,
                }
            }),
            any::<(u64, u64, bool)>().prop_map(|(size, limit, answer)| Fault::TooLarge {
                size,
                limit,
                answer
            }),
            any::<String>().prop_map(Fault::Mismatch),
            any::<(Option<String>, String)>()
                .prop_map(|(argument, why)| Fault::Unsendable { argument, why }),
            any::<String>().prop_map(Fault::Malformed),
            any::<String>().prop_map(Fault::Gone),
            any::<String>().prop_map(Fault::Refused),
            any::<Option<i32>>().prop_map(Fault::Exited),
            Just(Fault::UnknownFunction),
            any::<String>().prop_map(Fault::Busy),
        ]
    }

    proptest! {
        #[test]
        fn every_fault_is_read_back(fault in fault()) {
            let mut body = Vec::new();
            fault.put(&mut body);
            prop_assert_eq!(Fault::read(&body), Ok(fault));
        }

        #[test]
        fn any_bytes_are_a_fault_or_malformed(body: Vec<u8>) {
            let _ = Fault::read(&body);
        }
    }

    #[test]
    fn causes_without_end_end() {
        let mut body = vec![CODE, 1, 0, 0, 0, FAILED];
        for _ in 0..200_000 {
            body.extend([CAUSE, 0, 0, 0, 0]);
        }
        let fault = Fault::read(&body).unwrap();
        let mut again = Vec::new();
        fault.put(&mut again);
        assert!(again.len() <= LARGEST_FAULT);
        assert!(matches!(fault, Fault::Failed(failure) if failure.causes().count() == 64));
    }

    #[test]
    fn an_endless_text_is_cut_at_a_character() {
        let mut body = Vec::new();
        Fault::Mismatch("ü".repeat(LARGEST_FAULT)).put(&mut body);
        assert!(body.len() <= LARGEST_FAULT);
        let Ok(Fault::Mismatch(why)) = Fault::read(&body) else {
            panic!()
        };
        assert_eq!(why, "ü".repeat((LARGEST_FAULT - OVERHEAD) / 2));
    }
}
