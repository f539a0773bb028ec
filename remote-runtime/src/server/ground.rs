//! The files and the log that a running server stands on.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::daemon::log::Keeper;
use crate::daemon::manager;
use crate::daemon::place::Place;
use crate::serve::Footing;

/// What a running server has: its files, unless it serves a single client, and its log if there is one.
pub(super) struct Ground {
    pub(super) place: Option<Place>,
    pub(super) log: Option<Keeper>,
    /// How often its service manager wants to hear of it.
    pub(super) watchdog: Option<Duration>,
}

impl Footing for Ground {
    fn changes(&self) -> Option<BorrowedFd<'_>> {
        self.place.as_ref()?.changes()
    }

    fn is_lost(&self) -> Option<&'static str> {
        let place = self.place.as_ref()?;
        if place.is_lost() {
            return Some("its socket or its lock was removed");
        }
        let is_orphaned = place.is_orphaned();
        is_orphaned.then_some("the programs that it is for are gone")
    }

    fn tend(&self) -> Option<Duration> {
        if let Some(log) = &self.log {
            log.tend();
        }
        self.watchdog.inspect(|_| manager::notify_well())
    }

    fn printed(&self) -> Option<BorrowedFd<'_>> {
        self.log.as_ref()?.changes()
    }

    fn is_pressed(&self) -> bool {
        // Where the system does not tell of changes, they are looked for.
        let is_untold = |place: &Place| place.changes().is_none();
        self.place.as_ref().is_some_and(is_untold) || self.log.as_ref().is_some_and(Keeper::is_full)
    }
}
