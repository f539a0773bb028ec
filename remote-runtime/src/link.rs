//! A socket that carries frames: the one place where wire and transport meet, for both sides.

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::transport::{self, Stream};
use crate::wire::Kind;
use crate::wire::frame::{Block, Inbox, Refused};

/// How long a peer may take to greet, and how long it may pause within a message.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a server that is ending may take.
pub(crate) const FAREWELL: Duration = Duration::from_secs(30);

/// How long a server may take to start.
pub(crate) const START: Duration = Duration::from_secs(30);

/// How long a thread of a server stays with one frame in any case while that arrives, and how many
/// bytes of it must arrive in each further second: a peer that sends byte by byte holds no thread.
const HELD: Duration = Duration::from_millis(100);
const SLOWEST: usize = 1024 * 1024;

/// A connection, seen from one of its ends.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Arc<Stream>,
    inbox: Inbox,
    /// The descriptors that have come, where they are wanted.
    descriptors: Option<Vec<OwnedFd>>,
    /// The timeout that the socket has, so that it is set only when it changes.
    timeout: Option<Duration>,
}

/// Why a link carries no more frames.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The peer has been silent for longer than it may.
    Silent,
    /// The peer closed, or died, in the middle of a message.
    Cut,
    /// The peer closed, or died, before it had read all that was sent to it.
    Unread,
    /// What comes is no message, or one that is larger than allowed.
    Refused(Refused),
    /// What was sent has not even begun to go out: nobody listens any more.
    Unsent,
    /// What carries it knows what is wrong.
    Error(Box<Error>),
    Io(io::Error),
}

/// Whether a connection over a network has ended so, which is no matter of ours. A reset of one that the
/// peer has closed before is a broken pipe, and one of which no packet arrives any more is timed out; how
/// long we are willing to wait is told as [`ErrorKind::WouldBlock`].
fn is_cut(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

impl Link {
    pub(crate) fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            inbox: Inbox::default(),
            descriptors: None,
            timeout: None,
        }
    }

    /// One over which descriptors come, which are then [taken](Self::take_descriptors).
    pub(crate) fn taking_descriptors(stream: Arc<Stream>) -> Self {
        Self {
            descriptors: Some(Vec::new()),
            ..Self::new(stream)
        }
    }

    pub(crate) fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        self.descriptors.take().unwrap_or_default()
    }

    pub(crate) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Sends bytes, which are whole frames.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.stream.send(bytes)
    }

    /// Sends parts, which together are whole frames.
    pub(crate) fn send_parts(&self, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.stream.send_parts(parts)
    }

    /// Waits for the next frame, whose [`body`](Self::body) is at most `limit` bytes; `None` at a
    /// clean end.
    ///
    /// All of it must come within `patience`; with `None` its first byte may take for ever, and then
    /// each pause has a limit.
    pub(crate) fn receive(
        &mut self,
        limit: usize,
        patience: Option<Duration>,
    ) -> Result<Option<Kind>, Broken> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        while !self.has_frame(limit)? {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Broken::Silent);
            }
            let patience = left.or(self.inbox.is_partial().then_some(PATIENCE));
            if self.fill(patience)?.is_none() {
                return Ok(None);
            }
        }
        Ok(self.inbox.take())
    }

    /// Returns the next frame, if no pause before and within it is longer than `linger`, and all of
    /// it comes about as fast as [`SLOWEST`]. If `linger` is zero, nothing is waited for. `None` at a
    /// clean end.
    ///
    /// The part of a frame that has come before [`Broken::Silent`] stays, and may be completed later.
    pub(crate) fn next(&mut self, limit: usize, linger: Duration) -> Result<Option<Kind>, Broken> {
        let mut frame = None;
        while !self.has_frame(limit)? {
            if self.inbox.is_partial() && !linger.is_zero() {
                let (began, arrived) = *frame.get_or_insert_with(|| (Instant::now(), 0));
                if began.elapsed() > HELD + Duration::from_secs((arrived / SLOWEST) as u64) {
                    return Err(Broken::Silent);
                }
            }
            let Some(n) = self.fill(Some(linger))? else {
                return Ok(None);
            };
            frame = frame.map(|(began, arrived)| (began, arrived + n));
        }
        Ok(self.inbox.take())
    }

    /// Whether the peer has begun to send a frame, as far as something of it has come here.
    pub(crate) fn is_within_frame(&self) -> bool {
        self.inbox.is_partial() || self.stream.has_more()
    }

    fn has_frame(&mut self, limit: usize) -> Result<bool, Broken> {
        self.inbox.has_frame(limit).map_err(Broken::Refused)
    }

    /// Waits for more bytes, for ever if there is no `patience`, and not at all if it is zero; returns
    /// how many have come, and `None` at a clean end.
    fn fill(&mut self, patience: Option<Duration>) -> Result<Option<usize>, Broken> {
        let waits = patience != Some(Duration::ZERO);
        if waits && self.timeout != patience {
            self.stream.set_read_timeout(patience).map_err(Broken::Io)?;
            self.timeout = patience;
        }
        let was_partial = self.inbox.is_partial();
        let space = self.inbox.space();
        let received = match &mut self.descriptors {
            None => self.stream.receive(space, waits),
            Some(descriptors) => {
                let near = self.stream.near();
                near.and_then(|near| transport::receive_with(near, space, descriptors))
            }
        };
        match received {
            Ok(0) if was_partial => Err(Broken::Cut),
            Ok(n) => Ok((n > 0).then_some(n)),
            Err(e) => match e.kind() {
                ErrorKind::Interrupted => Ok(Some(0)),
                // Over a network anything may have cut it.
                kind if self.stream.is_far() && is_cut(kind) => Err(Broken::Cut),
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(Broken::Silent),
                ErrorKind::ConnectionReset => Err(Broken::Unread),
                ErrorKind::ConnectionRefused => Err(Broken::Unsent),
                ErrorKind::Other => Err(match e.downcast() {
                    Ok(e) => Broken::Error(Box::new(e)),
                    Err(e) => Broken::Io(e),
                }),
                _ => Err(Broken::Io(e)),
            },
        }
    }

    /// The body of the frame that was received last.
    pub(crate) fn body(&self) -> &[u8] {
        self.inbox.body()
    }

    /// Gives back all memory but `most` bytes, once the latest body is of no use any more.
    pub(crate) fn trim(&mut self, most: usize) {
        self.inbox.trim(most);
    }

    /// Whether the answer that comes next is a block: see [`Inbox::want_block`].
    pub(crate) fn want_block(&mut self, wants: bool) {
        self.inbox.want_block(wants);
    }

    /// The body of the answer that was received last, if it was a block and a large one.
    pub(crate) fn take_block(&mut self) -> Option<Block> {
        self.inbox.take_block()
    }
}
