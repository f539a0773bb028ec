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
    sources: Mutex<HashMap<u64, Source>>,
    /// Written to when there is another one to look at.
    wake: UnixStream,
    woken: UnixStream,
}

#[derive(Debug)]
struct Source {
    /// A duplicate, since a source may be closed while it is looked at. It is kept, since there may be
    /// no descriptor left for another one.
    descriptor: Arc<OwnedFd>,
    /// Whether it is to be named.
    is_watched: bool,
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
        let source = Source {
            descriptor: Arc::new(source.try_clone_to_owned()?),
            is_watched: true,
        };
        self.sources.lock().insert(id, source);
        self.wake()
    }

    /// The same again, for one that was added.
    pub(crate) fn again(&self, _source: BorrowedFd<'_>, id: u64) -> io::Result<()> {
        if let Some(source) = self.sources.lock().get_mut(&id) {
            source.is_watched = true;
        }
        self.wake()
    }

    fn wake(&self) -> io::Result<()> {
        match (&self.wake).write(&[1]) {
            // If it is full, who looks is about to look again.
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(e),
            _ => Ok(()),
        }
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
        let sources: Vec<_> = {
            let sources = self.sources.lock();
            let watched = sources.iter().filter(|(_, source)| source.is_watched);
            watched
                .map(|(&id, source)| (id, source.descriptor.clone()))
                .collect()
        };
        let mut polled = vec![PollFd::new(&self.woken, PollFlags::IN)];
        for (_, descriptor) in &sources {
            polled.push(PollFd::new(descriptor, PollFlags::IN));
        }
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
        let ready = sources.iter().zip(&polled[1..]);
        let mut ready = ready.filter(|(_, polled)| is_ready(polled));
        let named = ready.find(|((id, _), _)| self.is_to_be_named(*id));
        Ok(named.map_or(Looked::Woken, |((id, _), _)| Looked::Found(*id)))
    }

    /// Whether it is still to be named; if so, it has been from here on.
    fn is_to_be_named(&self, id: u64) -> bool {
        let mut sources = self.sources.lock();
        let source = sources.get_mut(&id);
        source.is_some_and(|source| std::mem::take(&mut source.is_watched))
    }
}

/// What a look has found.
enum Looked {
    Found(u64),
    /// There may be others to look at.
    Woken,
    Nothing,
}
