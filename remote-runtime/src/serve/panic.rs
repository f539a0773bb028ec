//! Panics as answers.
//!
//! The hook is where a panic can still be asked where it happened, so that it notes that for the
//! call that runs on its thread. In a program that aborts on panic the hook is also the last place
//! that can answer, and does.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Arc, Once};

use crate::wire::fault::Fault;
use crate::wire::{Kind, frame};

thread_local! {
    static WATCHED: RefCell<Option<Watched>> = const { RefCell::new(None) };
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

/// The connection that this thread serves.
struct Watched {
    stream: Arc<UnixStream>,
    wants_backtrace: bool,
}

/// Where the latest panic of this thread happened.
#[derive(Default)]
struct Noted {
    location: String,
    backtrace: Option<String>,
}

/// Sets the hook, which calls the one before it. Once per process is enough.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if IN_CALL.get() {
                note(info);
            }
            before(info);
            if cfg!(panic = "abort") && IN_CALL.get() {
                answer_at_once(info);
            }
        }));
    });
}

/// This thread serves `stream`, for as long as what this returns lives.
pub(super) fn watch(stream: Arc<UnixStream>, wants_backtrace: bool) -> Watching {
    WATCHED.set(Some(Watched {
        stream,
        wants_backtrace,
    }));
    Watching
}

/// See [`watch`].
pub(super) struct Watching;

impl Drop for Watching {
    fn drop(&mut self) {
        WATCHED.set(None);
    }
}

/// Runs `call`, whose panics the hook takes for those of a remote function.
pub(super) fn in_call<T>(call: impl FnOnce() -> T) -> T {
    // A panic that the function caught is not that of a later call.
    if NOTED.with_borrow(Option::is_some) {
        NOTED.set(None);
    }
    IN_CALL.set(true);
    let ended = call();
    IN_CALL.set(false);
    ended
}

/// The fault of a panic that was caught.
pub(super) fn fault(payload: Box<dyn Any + Send>) -> Fault {
    let message = message(&*payload);
    // A payload may panic when it is dropped, and what it then panics with may again: that is left.
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
    let Noted {
        location,
        backtrace,
    } = NOTED.take().unwrap_or_default();
    Fault::Panicked {
        message,
        location,
        backtrace,
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".into())
}

fn note(info: &PanicHookInfo<'_>) {
    let wanted = WATCHED.with_borrow(|watched| {
        watched
            .as_ref()
            .is_some_and(|watched| watched.wants_backtrace)
    });
    NOTED.set(Some(Noted {
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        backtrace: wanted.then(|| Backtrace::force_capture().to_string()),
    }));
}

fn answer_at_once(info: &PanicHookInfo<'_>) {
    let Noted {
        location,
        backtrace,
    } = NOTED.take().unwrap_or_default();
    let fault = Fault::Panicked {
        message: message(info.payload()),
        location,
        backtrace,
    };
    let reply = frame::of(Kind::Fault, |out| fault.put(out));
    WATCHED.with_borrow(|watched| {
        if let Some(watched) = watched {
            // The process is about to abort: there is nobody left to tell of an error.
            let _ = (&*watched.stream).write_all(&reply);
        }
    });
}
