//! Faults, which know no names, into errors, which do.

use super::Fault;
use crate::error::{Call, Error, Trouble};

/// The error that the body of a fault is, of that call.
pub(crate) fn error(call: Call<'_>, body: &[u8]) -> Error {
    let fault = match Fault::read(body) {
        Ok(fault) => fault,
        Err(e) => {
            return Error::Malformed(
                call.trouble(format_args!("the reply cannot be read: {e}"))
                    .after_sending(),
            );
        }
    };
    match fault {
        Fault::Failed(failure) => failure.into(),
        Fault::Panicked {
            message,
            location,
            backtrace,
        } => {
            let backtrace = backtrace.map(String::into_boxed_str);
            Error::Panicked {
                message,
                location: call.with(location, true),
                backtrace,
            }
        }
        Fault::UnknownFunction => {
            Error::UnknownFunction(call.trouble(
                "the server does not have it, or does not expose it; if it is new, stop the server, and call again",
            ))
        }
        Fault::Mismatch(why) => Error::Mismatch(call.trouble(why)),
        Fault::TooLarge {
            size,
            limit,
            answer,
        } => Error::TooLarge {
            size: usize::try_from(size).unwrap_or(usize::MAX),
            limit: call.with(usize::try_from(limit).unwrap_or(usize::MAX), answer),
        },
        Fault::Unsendable { argument, why } => Error::Unsendable {
            why: call.with(why, argument.is_none()),
            what: argument.map_or("the answer".into(), |name| format!("the argument `{name}`")),
        },
        Fault::Refused(words) => Error::Denied(Trouble::new(words)),
        fault @ Fault::Exited(_) => Error::Lost(
            call.trouble(format_args!(
                "{fault}, instead of returning; let it return an error"
            ))
            .after_sending(),
        ),
        Fault::Gone(why) => Error::Gone(call.trouble(why)),
        Fault::Busy(why) => Error::Busy(call.trouble(format_args!("the server is busy: {why}"))),
        Fault::Malformed(why) => Error::Malformed(
            call.trouble(format_args!("the server could not read the call: {why}")),
        ),
    }
}
