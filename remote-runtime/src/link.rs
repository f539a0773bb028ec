//! A socket that carries frames: the one place where wire and transport meet, for both sides.

use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::transport;
use crate::wire::Kind;
use crate::wire::frame::{Inbox, Refused};

/// How long a peer may take to greet, and how long it may pause within a message.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a server that is ending may take.
pub(crate) const FAREWELL: Duration = Duration::from_secs(30);

/// How long a server may take to start.
pub(crate) const START: Duration = Duration::from_secs(30);

/// A connection, seen from one of its ends.
#[derive(Debug)]
pub(crate) struct Link {
    stream: Arc<UnixStream>,
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
    Io(io::Error),
}

impl Link {
    pub(crate) fn new(stream: Arc<UnixStream>) -> Self {
        Self {
            stream,
            inbox: Inbox::default(),
            descriptors: None,
            timeout: None,
        }
    }

    /// One over which descriptors come, which are then [taken](Self::take_descriptors).
    pub(crate) fn taking_descriptors(stream: Arc<UnixStream>) -> Self {
        Self {
            descriptors: Some(Vec::new()),
            ..Self::new(stream)
        }
    }

    pub(crate) fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        self.descriptors.take().unwrap_or_default()
    }

    pub(crate) fn stream(&self) -> &Arc<UnixStream> {
        &self.stream
    }

    /// Sends bytes, which are whole frames.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        transport::send(&self.stream, bytes)
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
        while !self.inbox.has_frame(limit).map_err(Broken::Refused)? {
            let partial = self.inbox.is_partial();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(Broken::Silent);
            }
            let timeout = left.or(partial.then_some(PATIENCE));
            self.set_timeout(timeout).map_err(Broken::Io)?;
            match self.read() {
                Ok(0) if partial => return Err(Broken::Cut),
                Ok(0) => return Ok(None),
                Ok(n) => self.inbox.filled(n),
                Err(e) => match e.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err(Broken::Silent),
                    ErrorKind::ConnectionReset => return Err(Broken::Unread),
                    _ => return Err(Broken::Io(e)),
                },
            }
        }
        Ok(self.inbox.take())
    }

    fn read(&mut self) -> io::Result<usize> {
        let space = self.inbox.space();
        match &mut self.descriptors {
            None => (&*self.stream).read(space),
            Some(descriptors) => transport::receive_with(&self.stream, space, descriptors),
        }
    }

    /// The body of the frame that was received last.
    pub(crate) fn body(&self) -> &[u8] {
        self.inbox.body()
    }

    /// Gives the memory of a large message back, once it is of no use any more.
    pub(crate) fn trim(&mut self) {
        self.inbox.trim();
    }

    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if self.timeout != timeout {
            self.stream.set_read_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }
}
