//! What a server counts.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::function::{Function, Table};

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
    /// The process of the client.
    process: AtomicU32,
    /// The function that runs.
    function: AtomicPtr<Function>,
    /// The time at which that began, in nanoseconds since the server did.
    since: AtomicU64,
}

/// A function that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunningFunction {
    pub(super) function: &'static str,
    pub(super) process: u32,
    /// The time since the server began.
    pub(super) since: Duration,
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

    /// Notes the process of the client.
    pub(super) fn set_process(&self, process: u32) {
        self.process.store(process, Ordering::Relaxed);
    }

    /// Notes the function of the call that is counted, in a server that began at `began`.
    #[inline] // Each call takes it.
    pub(super) fn begin(&self, function: &'static Function, began: Instant) {
        // It takes five hundred years until these are too many.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        let since = began.elapsed().as_nanos() as u64;
        self.since.store(since, Ordering::Relaxed);
        let function = ptr::from_ref(function).cast_mut();
        self.function.store(function, Ordering::Release);
    }

    /// Returns the function that runs, if it is one of `table`.
    pub(super) fn running(&self, table: &Table) -> Option<RunningFunction> {
        let function = self.function.load(Ordering::Acquire);
        Some(RunningFunction {
            function: table.at(function)?.name,
            process: self.process.load(Ordering::Relaxed),
            since: Duration::from_nanos(self.since.load(Ordering::Relaxed)),
        })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(began) = self.began {
            let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.tally.last_use.store(now, Ordering::Release);
        }
        self.tally
            .function
            .store(ptr::null_mut(), Ordering::Relaxed);
        self.tally.is_running.store(false, Ordering::Release);
    }
}
