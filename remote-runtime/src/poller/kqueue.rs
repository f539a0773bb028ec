//! With kqueue(2) of macOS and the BSDs, which takes no longer however many sources there are.
//!
//! The poll(2) of macOS is no substitute: it loses hang-ups.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, kevent_timespec, kqueue};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

/// A set of sources, which tells when one of them is ready.
#[derive(Debug)]
pub(crate) struct Poller(OwnedFd);

/// Once a source has been named, the queue has lost it until it is added again: so it is one
/// thread's alone.
const ONCE: EventFlags = EventFlags::ADD.union(EventFlags::ONESHOT);

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let queue = kqueue()?;
        fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
        Ok(Self(queue))
    }

    /// Lets [`wait`](Self::wait) name `id` once `source` can be read from or accepted from, or has
    /// ended.
    pub(crate) fn add(&self, source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        self.change(source, ONCE, to_pointer(id)?)
    }

    /// The same again, for one that was added.
    pub(crate) fn again(&self, source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        self.add(source, id)
    }

    /// Names it no more.
    pub(crate) fn forget(&self, source: BorrowedFd<'_>) {
        // The queue has lost it already if it was named.
        let _ = self.change(source, EventFlags::DELETE, ptr::null_mut());
    }

    fn change(&self, source: BorrowedFd<'_>, flags: EventFlags, id: *mut c_void) -> io::Result<()> {
        let change = Event::new(EventFilter::Read(source.as_raw_fd()), flags, id);
        // Without room for an event, the error of a change is the error of the call.
        exchange(&self.0, &[change], &mut [], Some(Duration::ZERO))?;
        Ok(())
    }

    /// Waits for a source that is ready; `None` if none was in time. Any number of threads may wait:
    /// each source is named to one of them.
    pub(crate) fn wait(&self, patience: Option<Duration>) -> io::Result<Option<u64>> {
        let mut space = [MaybeUninit::uninit()];
        match exchange(&self.0, &[], &mut space, patience) {
            Ok(ready) => Ok(ready.map(|event| to_id(event.udata()))),
            Err(Errno::INTR) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// Returns true if a write would fail, because the other end is closed.
pub(crate) fn is_unread(output: BorrowedFd<'_>) -> bool {
    let ready = || {
        let queue = kqueue().ok()?;
        let write = EventFilter::Write(output.as_raw_fd());
        let change = Event::new(write, ONCE, ptr::null_mut());
        let mut space = [MaybeUninit::uninit()];
        let at_once = Some(Duration::ZERO);
        let flags = exchange(&queue, &[change], &mut space, at_once)
            .ok()??
            .flags();
        Some(flags.contains(EventFlags::EOF) && !flags.contains(EventFlags::ERROR))
    };
    ready().unwrap_or(false)
}

/// Carries out `changes`, and waits for an event if there is `space` for one.
fn exchange(
    queue: &OwnedFd,
    changes: &[Event],
    space: &mut [MaybeUninit<Event>],
    patience: Option<Duration>,
) -> Result<Option<Event>, Errno> {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    // SAFETY: the descriptors in `changes` are borrowed from open ones while this runs, and of those
    // that are closed later the kernel takes the events out of the queue. No event is followed
    // anywhere: what it carries is a number.
    let (ready, _) = unsafe { kevent_timespec(queue, changes, space, patience.as_ref()) }?;
    Ok(ready.first().copied())
}

/// Returns `id` in the form in which an event carries it.
fn to_pointer(id: u64) -> io::Result<*mut c_void> {
    let pointer = ptr::without_provenance_mut(id as usize);
    match to_id(pointer) == id {
        true => Ok(pointer),
        false => Err(io::ErrorKind::OutOfMemory.into()),
    }
}

/// Returns what [`to_pointer`] was given. Where a pointer is shorter than an id, the highest ids, which
/// are names, and the lower half of the others fit in.
fn to_id(pointer: *mut c_void) -> u64 {
    (pointer.addr().cast_signed() as i64).cast_unsigned()
}
