//! Until when a call may take.

use std::fmt;
use std::time::{Duration, Instant};

/// A limit of time that the user has set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Option<Self> {
        let at = Instant::now().checked_add(timeout)?;
        Some(Self { at, timeout })
    }

    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, its limit of time", self.timeout)
    }
}
