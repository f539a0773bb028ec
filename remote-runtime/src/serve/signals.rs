//! SIGTERM and SIGINT ask a server to stop, for as long as one runs.
//!
//! A handler cannot be taken back safely, so that it stays, and does what the system would have
//! done while no server runs.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

const STOPPING: [i32; 2] = [SIGTERM, SIGINT];

/// Whether no server runs, so that signals mean what they always mean, and how many run.
static UNWATCHED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
static WATCHES: Mutex<Watches> = Mutex::new(Watches {
    count: 0,
    installed: false,
});

struct Watches {
    count: usize,
    installed: bool,
}

/// A server that is told of signals.
#[derive(Debug)]
pub(super) struct Watch(Vec<SigId>);

impl Watch {
    /// Makes signals write to `ask`.
    pub(super) fn begin(ask: &UnixStream) -> io::Result<Self> {
        let mut watches = WATCHES.lock();
        if !watches.installed {
            for signal in STOPPING {
                if has_default_action(signal)? {
                    flag::register_conditional_default(signal, UNWATCHED.clone())?;
                }
            }
            watches.installed = true;
        }
        let mut ids = Vec::new();
        for signal in STOPPING {
            match ask
                .try_clone()
                .and_then(|ask| low_level::pipe::register(signal, ask))
            {
                Ok(id) => ids.push(id),
                Err(e) => {
                    unregister(ids);
                    return Err(e);
                }
            }
        }
        watches.count += 1;
        UNWATCHED.store(false, Ordering::SeqCst);
        Ok(Self(ids))
    }
}

fn unregister(ids: Vec<SigId>) {
    for id in ids {
        low_level::unregister(id);
    }
}

/// Whether nobody else has said what is to happen. Who ignores a signal, or handles it, goes on doing so.
fn has_default_action(signal: i32) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action, sigaction(2) only writes the present one to where it is told,
    // which is a live variable of its type.
    let asked = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    if asked != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it has succeeded, and has written.
    let action = unsafe { action.assume_init() };
    Ok(action.sa_sigaction == libc::SIG_DFL)
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watches = WATCHES.lock();
        watches.count -= 1;
        UNWATCHED.store(watches.count == 0, Ordering::SeqCst);
        unregister(std::mem::take(&mut self.0));
    }
}
