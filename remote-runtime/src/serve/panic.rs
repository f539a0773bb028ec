//! Panics, and calls of exit(3), as answers.
//!
//! The hook is where a panic can still be asked where it happened, so that it notes that for the
//! call that runs on its thread. In a program that aborts on panic the hook is also the last place
//! that can answer, and does.
//!
//! A function that calls exit(3) ends the values of its thread first, and then runs what was registered
//! for the end of the process: the former knows the connection, the latter the exit code.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Arc, Once};

use parking_lot::Mutex;

use crate::session::scope::{self, Scope};
use crate::thread::drop_payload;
use crate::transport::Stream;
use crate::wire::fault::Fault;
use crate::wire::{Kind, frame};
use crate::{at_exit, logline};

thread_local! {
    static WATCHED: RefCell<Option<Watched>> = const { RefCell::new(None) };
    /// The function that runs on this thread; empty for other code of the user's.
    static IN_CALL: Cell<Option<&'static str>> = const { Cell::new(None) };
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

/// The connection that this thread serves.
struct Watched {
    caller: Caller,
    wants_backtrace: bool,
}

/// The caller that waits at the other end of a connection, and the server that it waits for.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) server: &'static str,
    /// Set if the server has an `.on_stop`.
    pub(super) saves: bool,
    pub(super) stream: Arc<Stream>,
}

impl Caller {
    /// Answers the call. The process is about to end, and nothing is left that could hear of an error.
    fn answer(&self, fault: &Fault) {
        let reply = frame::of(Kind::Fault, |out| fault.put(out));
        let _ = self.stream.send(&reply);
    }
}

/// Where the latest panic of this thread happened.
#[derive(Default)]
struct Noted {
    location: String,
    backtrace: Option<Box<Backtrace>>,
}

/// Sets the hook for calls, which calls the one before it. Once per process is enough.
pub(super) fn install_hook() {
    static ONCE: Once = Once::new();
    install_once(&ONCE);
}

fn install_once(once: &Once) {
    once.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A type that panics at a sample says nothing of the call.
            if matches!(scope::current(), Scope::Tracing) && !cfg!(panic = "abort") {
                return;
            }
            if IN_CALL.get().is_some() {
                note(info);
            }
            before(info);
            if cfg!(panic = "abort") && IN_CALL.get().is_some() {
                answer_at_once(info);
                IN_CALL.set(None);
            }
        }));
    });
}

/// Notes that this thread serves `caller`, for as long as the returned value lives.
pub(super) fn watch(caller: Caller, wants_backtrace: bool) -> Watching {
    WATCHED.set(Some(Watched {
        caller,
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

/// Runs `call`, whose panics the hook takes for those of that remote function.
#[inline] // Each call takes it.
pub(super) fn in_call<T>(function: &'static str, call: impl FnOnce() -> T) -> T {
    // A panic that the function caught is not that of a later call.
    if NOTED.with_borrow(Option::is_some) {
        NOTED.set(None);
    }
    // A function may be the first to call another server whose functions run here, and whose
    // `.on_start` runs then.
    let outer = IN_CALL.replace(Some(function));
    let ended = call();
    IN_CALL.set(outer);
    ended
}

/// Runs code of the user's outside of calls, and returns the place and the message of its panic.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    // An `.on_start` may set a hook of its own, around which that for calls is set later.
    static EARLY: Once = Once::new();
    install_once(&EARLY);
    let function = IN_CALL.get().unwrap_or_default();
    in_call(function, || catch_unwind(AssertUnwindSafe(run))).map_err(|payload| {
        let message = message(&*payload);
        drop_payload(payload);
        let Noted { location, .. } = NOTED.take().unwrap_or_default();
        format!("at {location}: {message}")
    })
}

/// The fault of a panic that was caught, and where that came from.
pub(super) fn fault(payload: Box<dyn Any + Send>) -> (Fault, Option<Box<Backtrace>>) {
    let message = message(&*payload);
    drop_payload(payload);
    let noted = NOTED.take().unwrap_or_default();
    let fault = noted.fault(message);
    (fault, noted.backtrace)
}

impl Noted {
    /// With the backtrace in words, if the client wants it.
    fn fault(&self, message: String) -> Fault {
        let wanted = WATCHED.with_borrow(|watched| {
            let watched = watched.as_ref();
            watched.is_some_and(|watched| watched.wants_backtrace)
        });
        let backtrace = self.backtrace.as_ref().filter(|_| wanted);
        Fault::Panicked {
            message,
            location: self.location.clone(),
            backtrace: backtrace.map(ToString::to_string),
        }
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
    NOTED.set(Some(Noted {
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        // It takes long only when it is put into words.
        backtrace: Some(Box::new(Backtrace::force_capture())),
    }));
}

fn answer_at_once(info: &PanicHookInfo<'_>) {
    let noted = NOTED.take().unwrap_or_default();
    let fault = noted.fault(message(info.payload()));
    WATCHED.with_borrow(|watched| {
        if let Some(watched) = watched {
            watched.caller.answer(&fault);
        }
    });
}

/// A function that has ended its process, and its caller.
struct Exited {
    function: &'static str,
    caller: Caller,
}

static EXITED: Mutex<Option<Exited>> = Mutex::new(None);

impl Drop for Watched {
    fn drop(&mut self) {
        // Within a call, only the end of the thread drops it.
        if let Some(function) = IN_CALL.get().filter(|function| !function.is_empty()) {
            *EXITED.lock() = Some(Exited {
                function,
                caller: self.caller.clone(),
            });
        }
    }
}

/// Lets the caller of a function that ends this process have an answer.
///
/// # Errors
/// If the system has no room for what that takes.
pub(super) fn answer_exits() -> io::Result<()> {
    static IS_SET: Mutex<bool> = Mutex::new(false);
    let mut is_set = IS_SET.lock();
    if !*is_set {
        at_exit::run(Box::new(|code| {
            if let Some(exited) = EXITED.lock().take() {
                exited.answer(code);
            }
            Ok(())
        }))?;
        *is_set = true;
    }
    Ok(())
}

impl Exited {
    fn answer(self, code: Option<i32>) {
        let fault = Fault::Exited(code);
        let Self { function, caller } = self;
        let unsaved = match caller.saves {
            true => "; `.on_stop` has not run",
            false => "",
        };
        logline::write(format_args!(
            "server `{}`: `{function}` was called, and {fault}{unsaved}",
            caller.server
        ));
        caller.answer(&fault);
    }
}
