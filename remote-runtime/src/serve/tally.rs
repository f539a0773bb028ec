//! What a server counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// The calls of one connection.
///
/// Each has its own, in a cache line of its own: threads that count in one place would pass its line
/// from processor to processor, twice for each call.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Tally {
    calls: AtomicU64,
    is_running: AtomicBool,
    /// When the latest call ended, in milliseconds since the server began, if somebody wants to know.
    last_use: AtomicU64,
}

/// The same of many.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Total {
    pub(super) calls: u64,
    pub(super) running: u64,
    pub(super) last_use: u64,
}

impl Total {
    /// What it is with one more connection.
    pub(super) fn with(self, tally: &Tally) -> Self {
        Self {
            calls: self.calls + tally.calls.load(Ordering::Relaxed),
            running: self.running + u64::from(tally.is_running.load(Ordering::Acquire)),
            last_use: self.last_use.max(tally.last_use.load(Ordering::Acquire)),
        }
    }
}

/// A call that runs, and is counted as such while this lives.
pub(super) struct Running<'t> {
    tally: &'t Tally,
    began: Option<Instant>,
}

impl Tally {
    /// Counts a call, and notes when it ends if the server began at `began`.
    pub(super) fn count(&self, began: Option<Instant>) -> Running<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.is_running.store(true, Ordering::Release);
        let tally = self;
        Running { tally, began }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(began) = self.began {
            let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.tally.last_use.store(now, Ordering::Release);
        }
        self.tally.is_running.store(false, Ordering::Release);
    }
}
