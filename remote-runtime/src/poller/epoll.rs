//! With epoll(7), which takes no longer however many sources there are.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// A set of sources, which tells when one of them is ready.
#[derive(Debug)]
pub(crate) struct Poller(OwnedFd);

/// Once a source has been named, it is not named again until somebody asks for that: so it is one
/// thread's alone.
const ONCE: EventFlags = EventFlags::IN.union(EventFlags::ONESHOT);

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(CreateFlags::CLOEXEC)?))
    }

    /// Lets [`wait`](Self::wait) name `id` once `source` can be read from or accepted from, or has
    /// ended.
    pub(crate) fn add(&self, source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        Ok(epoll::add(&self.0, source, EventData::new_u64(id), ONCE)?)
    }

    /// The same again, for one that was added.
    pub(crate) fn again(&self, source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        let data = EventData::new_u64(id);
        Ok(epoll::modify(&self.0, source, data, ONCE)?)
    }

    /// Names it no more. To close it is not enough while another process has it open.
    pub(crate) fn forget(&self, source: BorrowedFd<'_>) {
        // It is there, since it was added.
        let _ = epoll::delete(&self.0, source);
    }

    /// Waits for a source that is ready; `None` if none was in time. Any number of threads may wait:
    /// each source is named to one of them.
    pub(crate) fn wait(&self, patience: Option<Duration>) -> io::Result<Option<u64>> {
        let mut space = [MaybeUninit::uninit()];
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        match epoll::wait(&self.0, &mut space, patience.as_ref()) {
            Ok((ready, _)) => Ok(ready.first().map(|event| event.data.u64())),
            Err(Errno::INTR) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// Returns true if a write would fail, because the other end is closed.
pub(crate) fn is_unread(output: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(output, PollFlags::OUT)];
    let broken = PollFlags::ERR | PollFlags::HUP;
    let at_once = Timespec::default();
    poll(&mut polled, Some(&at_once)).is_ok() && polled[0].revents().intersects(broken)
}
