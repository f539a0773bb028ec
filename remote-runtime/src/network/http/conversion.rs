//! Conversions between JSON and frames, of which large ones run beside the thread that all requests share.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::spawn_blocking;

/// Up to how many bytes are converted at once, which takes less than to hand them to another thread.
const SMALL: usize = 16 * 1024;

/// How many threads there are for larger ones. As many are converted at once, so that this bounds the
/// memory that they need, which is many times that of the bytes.
pub(super) const THREADS: usize = 2;

/// From how many bytes on the memory is given back that a conversion needed.
const LARGE: usize = 1024 * 1024;

/// How many large conversions run in this process.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Converts `size` bytes; `None` if that has panicked.
pub(super) async fn convert<T: Send + 'static>(
    size: usize,
    conversion: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if size <= SMALL {
        return Some(conversion());
    }
    let convert = move || {
        let _running = (size >= LARGE).then(Running::begin);
        conversion()
    };
    spawn_blocking(convert).await.ok()
}

/// A large conversion; the last one to end gives back what they all needed.
struct Running;

impl Running {
    fn begin() -> Self {
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if RUNNING.fetch_sub(1, Ordering::Relaxed) == 1 {
            give_back();
        }
    }
}

/// Gives back the memory that is free to the system. The values in JSON are many and small, and of such
/// ones glibc keeps all: hundreds of MiB, of a body of 33 MiB.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: it may be called at any time in any thread, and takes nothing that is in use.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn only_large_conversions_leave_the_thread_of_the_requests() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let here = thread::current().id();
        let convert = |size| runtime.block_on(convert(size, || thread::current().id()));
        assert_eq!(convert(SMALL), Some(here));
        for size in [SMALL + 1, LARGE] {
            assert!(convert(size).is_some_and(|there| there != here));
        }
    }
}
