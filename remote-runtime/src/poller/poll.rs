//! With poll(2), which every system has, and which looks at each source each time.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// What tells when sources are ready.
///
/// One thread looks at a time; the others wait until it has found something.
#[derive(Debug)]
pub(crate) struct Poller {
    looking: Mutex<()>,
    /// Those that are to be named. They are duplicates, since a source may be closed while it is
    /// looked at.
    sources: Mutex<HashMap<u64, Arc<OwnedFd>>>,
    /// Written to when there is another one to look at.
    wake: UnixStream,
    woken: UnixStream,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        Ok(Self {
            looking: Mutex::new(()),
            sources: Mutex::default(),
            wake,
            woken,
        })
    }

    /// Lets [`wait`](Self::wait) name `id` once `source` can be read from or accepted from, or has
    /// ended.
    pub(crate) fn add(&self, source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        let source = Arc::new(source.try_clone_to_owned()?);
        self.sources.lock().insert(id, source);
        match (&self.wake).write(&[1]) {
            // If it is full, who looks is about to look again.
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(e),
            _ => Ok(()),
        }
    }

    /// The same again, for one that was added.
    pub(crate) fn again(&self, source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        self.add(source, id)
    }

    /// Names it no more.
    pub(crate) fn forget(&self, _source: BorrowedFd<'_>, id: u64) {
        self.sources.lock().remove(&id);
    }

    /// Waits for a source that is ready; `None` if none was in time. Any number of threads may wait:
    /// each source is named to one of them.
    pub(crate) fn wait(&self, patience: Option<Duration>) -> io::Result<Option<u64>> {
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        let _looking = match deadline {
            None => self.looking.lock(),
            Some(deadline) => match self.looking.try_lock_until(deadline) {
                Some(looking) => looking,
                None => return Ok(None),
            },
        };
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match self.look(left)? {
                Looked::Found(id) => return Ok(Some(id)),
                Looked::Nothing => return Ok(None),
                Looked::Woken => {}
            }
        }
    }

    /// Looks once at all that there are.
    fn look(&self, patience: Option<Duration>) -> io::Result<Looked> {
        let sources = self.sources.lock().clone();
        let mut polled = vec![PollFd::new(&self.woken, PollFlags::IN)];
        let on_source = |source| PollFd::new(source, PollFlags::IN);
        polled.extend(sources.values().map(on_source));
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        match poll(&mut polled, patience.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(Looked::Nothing),
            Ok(_) => {}
            Err(e) => return Err(e.into()),
        }
        let is_ready = |polled: &PollFd<'_>| !polled.revents().is_empty();
        if is_ready(&polled[0]) {
            // Whatever was written: all that there are by now are looked at next.
            let _ = (&self.woken).read(&mut [0; 64]);
        }
        let ready = sources.keys().zip(&polled[1..]);
        let mut ready = ready.filter(|(_, polled)| is_ready(polled));
        // Meanwhile it may have been forgotten.
        let named = ready.find(|(id, _)| self.sources.lock().remove(id).is_some());
        Ok(named.map_or(Looked::Woken, |(&id, _)| Looked::Found(id)))
    }
}

/// What a look has found.
enum Looked {
    Found(u64),
    /// There may be others to look at.
    Woken,
    Nothing,
}
