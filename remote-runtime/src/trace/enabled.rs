//! What there is with the feature.

use std::fmt;

use tracing::field::{Empty, display};
use tracing::{Span, info_span};

use crate::caller::Caller;
use crate::session::random;

/// Makes a call within its span. The id that it is given is to be sent along.
pub(crate) fn called<T, E: fmt::Display>(
    server: &str,
    function: &str,
    call: impl FnOnce(Option<u64>) -> Result<T, E>,
) -> Result<T, E> {
    let span = info_span!(target: "remotex", "call", server, function, id = Empty, error = Empty);
    if span.is_disabled() {
        return call(None);
    }
    // Without one the two spans are only not joined.
    let id = random().map(u64::from_le_bytes).ok();
    if let Some(id) = id {
        span.record("id", display(format_args!("{id:016x}")));
    }
    let ended = span.in_scope(|| call(id));
    note_error(&span, ended.as_ref().err());
    ended
}

/// Runs a call within its span.
pub(crate) fn serve<T, E>(
    server: &str,
    function: &str,
    id: Option<u64>,
    caller: &Caller,
    run: impl FnOnce() -> Result<T, E>,
    words: impl for<'e> Fn(&'e E) -> &'e dyn fmt::Display,
) -> Result<T, E> {
    let span = info_span!(
        target: "remotex", "serve", server, function, caller = caller.pid(), id = Empty, error = Empty
    );
    if let Some(id) = id {
        span.record("id", display(format_args!("{id:016x}")));
    }
    let ended = span.in_scope(run);
    note_error(&span, ended.as_ref().err().map(words));
    ended
}

fn note_error(span: &Span, error: Option<impl fmt::Display>) {
    if let Some(e) = error {
        span.record("error", display(e));
    }
}
