//! What is served, and what it stands on.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::Awake;
use crate::error::Error;
use crate::figures::Figures;
use crate::function::Table;
use crate::hook::{Call, Outcome};
use crate::program::Build;
use crate::wire::hello::Hello;

/// Refuses a call, or lets it run.
pub(crate) type Before = fn(&Call) -> Result<(), Error>;

/// Looks at how a call has ended.
pub(crate) type After = fn(&Call, &Outcome);

/// What is served, and within which bounds.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// Which one it is of those that there are for each key.
    pub(crate) key: String,
    pub(crate) table: Table,
    /// The largest body of a message, in bytes.
    pub(crate) limit: usize,
    pub(crate) max_connections: usize,
    pub(crate) idle_timeout: Option<Duration>,
    /// What keeps it from ending when it is idle.
    pub(crate) awake: &'static Awake,
    /// What looks at a call before and after it.
    pub(crate) before: Option<Before>,
    pub(crate) after: Option<After>,
    /// What is counted and measured of its functions, if somebody can ask for that.
    pub(crate) figures: Option<Figures>,
    /// How long a client that was cut off is waited for.
    pub(crate) grace: Duration,
    /// How many references a client may hold.
    pub(crate) max_references: usize,
    /// Set if it has an `.on_stop`, so that a client that asks for the end is told how that went.
    pub(crate) saves: bool,
    /// The path of its program, if it makes room for another build of that: it was not started by
    /// hand.
    pub(crate) program: Option<PathBuf>,
    /// The programs that it is for, in words; empty if it is for all.
    pub(crate) scope: String,
    /// What tells its program from others that are run from the same file.
    pub(crate) image: u64,
}

impl Service {
    /// What a connection begins with; `instance` is said where it may be cut.
    pub(super) fn hello(&self, instance: Option<u64>) -> Vec<u8> {
        let mut out = Vec::new();
        let hello = Hello {
            build: Build::ours(),
            image: self.image,
            key: self.key.clone(),
            instance,
            ..Hello::here(self.name, self.limit)
        };
        hello.put(&mut out);
        out
    }
}

/// What a service stands on, seen from here.
pub(crate) trait Footing {
    /// Readable when it may have changed, where the system tells.
    fn changes(&self) -> Option<BorrowedFd<'_>>;

    /// Why nobody needs the service any more, if that is so: clients cannot find it, for instance.
    fn is_lost(&self) -> Option<&'static str>;

    /// Does what is to be done from time to time, and returns after how long it is to be done again at the
    /// latest.
    fn tend(&self) -> Option<Duration>;

    /// Readable when the service has printed something, where that is to be tended.
    fn printed(&self) -> Option<BorrowedFd<'_>>;

    /// True while it is to be tended more often.
    fn is_pressed(&self) -> bool;
}
