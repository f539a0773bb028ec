//! SIGTERM and SIGINT ask a server to stop, for as long as one runs.
//!
//! A handler cannot be taken back safely, so that it stays, and does what the system would have
//! done while no server runs.

use std::io;
use std::os::unix::net::UnixStream;
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
                flag::register_conditional_default(signal, UNWATCHED.clone())?;
            }
            watches.installed = true;
        }
        let mut watch = Self(Vec::new());
        for signal in STOPPING {
            watch
                .0
                .push(low_level::pipe::register(signal, ask.try_clone()?)?);
        }
        watches.count += 1;
        UNWATCHED.store(false, Ordering::SeqCst);
        Ok(watch)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watches = WATCHES.lock();
        watches.count -= 1;
        UNWATCHED.store(watches.count == 0, Ordering::SeqCst);
        for id in self.0.drain(..) {
            low_level::unregister(id);
        }
    }
}
