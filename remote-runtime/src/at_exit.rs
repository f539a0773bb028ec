//! Work that runs when this process ends in an ordinary way: `main` returns, or something calls exit(3).

use std::io::{self, Write};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::thread;

/// The last work of something in this process, which says why it could not be done. It is told the exit
/// code, where the C library tells it.
pub(crate) type Last = Box<dyn FnOnce(Option<i32>) -> Result<(), String> + Send>;

/// The time that all of it may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The code of a process whose last work has failed.
const FAILED: i32 = 1;

struct List {
    /// The process that registered the work, and not a child of fork(2); zero until one has.
    process: u32,
    work: Vec<Last>,
}

static LIST: Mutex<List> = Mutex::new(List {
    process: 0,
    work: Vec::new(),
});

/// Lets `last` run at the end of this process, before what was registered before it. If it fails, that
/// is printed, and the process ends with code 1.
///
/// # Errors
/// If the system has no room for it.
pub(crate) fn run(last: Last) -> io::Result<()> {
    register()?.work.push(last);
    Ok(())
}

/// Lets `last` run at the end of this process, after all other work.
///
/// # Errors
/// If the system has no room for it.
#[cfg(feature = "testing")]
pub(crate) fn run_last(last: Last) -> io::Result<()> {
    let mut list = register()?;
    list.work.insert(0, last);
    Ok(())
}

fn register() -> io::Result<MutexGuard<'static, List>> {
    let mut list = LIST.lock();
    if list.process == 0 {
        register_with_libc()?;
    }
    if list.process != process::id() {
        // A child of fork(2) does not do the work of its parent.
        list.work.clear();
        list.process = process::id();
    }
    Ok(list)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register_with_libc() -> io::Result<()> {
    use std::ffi::{c_int, c_void};
    use std::ptr;

    unsafe extern "C" {
        // on_exit(3): as atexit, with the exit code.
        fn on_exit(finish: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }
    extern "C" fn with_code(code: c_int, _: *mut c_void) {
        finish(Some(code));
    }
    // SAFETY: a function of the right signature, which does not unwind and does not use its argument.
    match unsafe { on_exit(with_code, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::other(FULL)),
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register_with_libc() -> io::Result<()> {
    extern "C" fn without_code() {
        finish(None);
    }
    // SAFETY: a function of the right signature, which does not unwind.
    match unsafe { libc::atexit(without_code) } {
        0 => Ok(()),
        _ => Err(io::Error::other(FULL)),
    }
}

const FULL: &str = "the C library registers nothing more for the end of the process";

/// Runs all that there is, and ends the process if that fails.
fn finish(code: Option<i32>) {
    if LIST.lock().process != process::id() {
        return;
    }
    // A parent of this process hears these bits alone.
    let code = code.map(|code| code & 0xff);
    // This thread has ended its thread-local values already; the work may need some. The standard
    // library may need them too, to start a thread, and panics then.
    let (done, is_done) = mpsc::channel();
    let run = Box::new(move || {
        // The thread that waits may have given up.
        let _ = done.send(work_off(code));
    });
    let started = thread::quietly(|| thread::start("remotex exit", run));
    let has_failed = match started {
        Some(Ok(())) => is_done.recv_timeout(PATIENCE).unwrap_or_else(|e| {
            say(&match e {
                RecvTimeoutError::Timeout => format!(
                    "what this process does at its end has not returned within {} s, and is given up",
                    PATIENCE.as_secs()
                ),
                RecvTimeoutError::Disconnected => {
                    "what this process does at its end has panicked".into()
                }
            });
            true
        }),
        _ => thread::quietly(|| work_off(code)).unwrap_or(true),
    };
    if has_failed {
        // SAFETY: with a null pointer, it writes the buffers of all files of C libraries.
        unsafe { libc::fflush(std::ptr::null_mut()) };
        // SAFETY: it ends the process, and uses no memory of it. exit(3) must not be called in here.
        unsafe { libc::_exit(FAILED) };
    }
}

/// Runs all that there is, the latest first; returns `true` if something of it has failed.
fn work_off(code: Option<i32>) -> bool {
    let mut has_failed = false;
    loop {
        // It may register more.
        let Some(last) = LIST.lock().work.pop() else {
            return has_failed;
        };
        if let Err(why) = last(code) {
            say(&why);
            has_failed = true;
        }
    }
}

fn say(why: &str) {
    // If standard error is closed, the exit code still says that it has failed.
    let _ = writeln!(io::stderr(), "{why}");
}
