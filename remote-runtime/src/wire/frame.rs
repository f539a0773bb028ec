//! Frames out of bytes and into bytes; no I/O.

use std::fmt;
use std::ops::Range;

use super::{Kind, MAGIC, Malformed};

/// The bytes before a frame's body.
pub const HEADER: usize = 8;

/// The largest `max_message` that a frame's length can express.
pub const LARGEST: usize = u32::MAX as usize;

/// What a buffer starts with, and what it goes back to once a large frame has left it.
const ORDINARY: usize = 8 * 1024;

/// Begins a frame at the end of `out`; its body is appended next, then [`end`] is called with what
/// this returned.
pub fn begin(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; HEADER]);
    at
}

/// Ends the frame that [`begin`] began at `at`.
///
/// # Panics
/// If the body is larger than [`LARGEST`], which the limit on messages makes impossible.
pub fn end(out: &mut [u8], at: usize, kind: Kind) {
    let length =
        u32::try_from(out.len() - at - HEADER).expect("a limit of at most LARGEST was kept");
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    out[at + 4] = kind as u8;
}

/// A frame of its own.
#[must_use]
pub fn of(kind: Kind, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, kind, body);
    out
}

/// Appends a frame, whose body `body` appends.
pub fn put(out: &mut Vec<u8>, kind: Kind, body: impl FnOnce(&mut Vec<u8>)) {
    let at = begin(out);
    body(out);
    end(out, at, kind);
}

/// Why the next frame is refused. The connection cannot go on after either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The bytes are no frame.
    Malformed(Malformed),
    /// The frame's body would be larger than is allowed; nothing was set aside for it.
    TooLarge {
        /// The length that the frame announces.
        size: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::TooLarge { size } => write!(f, "it announces {size} bytes"),
        }
    }
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The bytes that have come from a peer, and the frames in them.
///
/// It never holds more than twice what has really arrived, whatever a header announces.
#[derive(Debug)]
pub struct Inbox {
    /// All of it is initialised; what has arrived is `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    greeted: bool,
    /// How many bytes the frame that is arriving takes, as far as that is known.
    awaited: usize,
    /// The frame that has arrived and was not taken.
    arrived: Option<Kind>,
    /// Where the body of the latest frame lies.
    body: Range<usize>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            greeted: false,
            awaited: MAGIC.len(),
            arrived: None,
            body: 0..0,
        }
    }
}

impl Inbox {
    /// Where the next bytes go; after reading into it, call [`filled`](Self::filled).
    pub fn space(&mut self) -> &mut [u8] {
        self.trim();
        if self.end == self.buffer.len() || self.start + self.awaited > self.buffer.len() {
            self.make_room();
        }
        &mut self.buffer[self.end..]
    }

    /// Lets go of the latest body, and of the memory of a large one.
    pub fn trim(&mut self) {
        self.body = 0..0;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > ORDINARY && self.awaited <= ORDINARY {
                self.buffer = Vec::new();
            }
        }
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let doubled = (2 * self.end).max(ORDINARY);
        let wanted = self.awaited.max(self.end + 1).min(doubled).max(ORDINARY);
        if wanted > self.buffer.len() {
            self.buffer.resize(wanted, 0);
        }
    }

    /// `n` bytes have been read into [`space`](Self::space).
    ///
    /// # Panics
    /// If that is more than the space had.
    pub fn filled(&mut self, n: usize) {
        assert!(
            n <= self.buffer.len() - self.end,
            "a read is not larger than its buffer"
        );
        self.end += n;
    }

    /// Whether a frame has begun to arrive and is not complete.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start != self.end
    }

    /// Whether all of the next frame has arrived; [`take`](Self::take) takes it.
    ///
    /// # Errors
    /// If the bytes are no frame, or its body is larger than `limit`.
    pub fn has_frame(&mut self, limit: usize) -> Result<bool, Refused> {
        if self.arrived.is_some() {
            return Ok(true);
        }
        if !self.greeted && !self.take_magic()? {
            return Ok(false);
        }
        let bytes = &self.buffer[self.start..self.end];
        let Some((&[a, b, c, d, kind, reserved @ ..], after)) = bytes.split_first_chunk::<HEADER>()
        else {
            self.awaited = HEADER;
            return Ok(false);
        };
        let kind = Kind::from_byte(kind).ok_or(Malformed("it has an unknown kind"))?;
        if reserved != [0; 3] {
            return Err(Malformed("its reserved bytes are not zero").into());
        }
        let size = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if size > limit {
            return Err(Refused::TooLarge { size });
        }
        if after.len() < size {
            self.awaited = HEADER + size;
            return Ok(false);
        }
        self.body = self.start + HEADER..self.start + HEADER + size;
        self.start = self.body.end;
        self.awaited = HEADER;
        self.arrived = Some(kind);
        Ok(true)
    }

    /// Takes the frame that has arrived: what it is. Its [`body`](Self::body) stays until the next
    /// bytes are read.
    pub fn take(&mut self) -> Option<Kind> {
        self.arrived.take()
    }

    /// The body of the frame that was taken last.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    fn take_magic(&mut self) -> Result<bool, Malformed> {
        let arrived = &self.buffer[self.start..self.end];
        let known = arrived.len().min(MAGIC.len());
        if arrived[..known] != MAGIC[..known] {
            return Err(Malformed("it does not begin as a remotex connection does"));
        }
        if known < MAGIC.len() {
            return Ok(false);
        }
        self.start += MAGIC.len();
        self.greeted = true;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(inbox: &mut Inbox, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = inbox.space();
            let n = space.len().min(bytes.len());
            space[..n].copy_from_slice(&bytes[..n]);
            inbox.filled(n);
            bytes = &bytes[n..];
        }
    }

    #[test]
    fn the_bytes_are_these_for_ever() {
        let mut out = MAGIC.to_vec();
        put(&mut out, Kind::Call, |out| {
            out.extend_from_slice(b"\x04\0postxyz");
        });
        assert_eq!(out, b"remotex\n\x09\0\0\0\x01\0\0\0\x04\0postxyz");
    }

    #[test]
    fn a_length_is_checked_before_anything_is_set_aside_for_it() {
        let mut inbox = Inbox::default();
        feed(&mut inbox, &MAGIC);
        feed(
            &mut inbox,
            &[0xff, 0xff, 0xff, 0xff, Kind::Call as u8, 0, 0, 0],
        );
        assert_eq!(
            inbox.has_frame(1 << 20),
            Err(Refused::TooLarge {
                size: u32::MAX as usize
            })
        );
        assert_eq!(inbox.has_frame(LARGEST), Ok(false));
        assert!(inbox.space().len() <= ORDINARY);
    }

    #[test]
    fn an_http_request_is_refused() {
        let mut inbox = Inbox::default();
        feed(&mut inbox, b"GET / HTTP/1.1\r\n");
        assert!(matches!(
            inbox.has_frame(LARGEST),
            Err(Refused::Malformed(_))
        ));
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut out = MAGIC.to_vec();
        put(&mut out, Kind::Answer, |out| {
            out.resize(out.len() + (1 << 20), 7);
        });
        let mut inbox = Inbox::default();
        feed_frames(&mut inbox, &out, out.len());
        assert!(inbox.space().len() <= ORDINARY);
        assert!(inbox.buffer.capacity() <= ORDINARY);
    }

    /// Feeds `bytes` in pieces of `piece` and returns the frames that came of them.
    fn feed_frames(inbox: &mut Inbox, bytes: &[u8], piece: usize) -> Vec<(Kind, Vec<u8>)> {
        let (mut frames, mut most) = (Vec::new(), 0);
        for part in bytes.chunks(piece) {
            most = most.max(inbox.end - inbox.start + part.len());
            feed(inbox, part);
            assert!(inbox.buffer.len() <= (2 * most).max(ORDINARY));
            while inbox.has_frame(LARGEST).unwrap() {
                let kind = inbox.take().unwrap();
                frames.push((kind, inbox.body().to_vec()));
            }
        }
        frames
    }

    fn kind() -> impl Strategy<Value = Kind> {
        proptest::sample::select(Kind::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            frames in proptest::collection::vec((kind(), proptest::collection::vec(any::<u8>(), 0..20_000)), 0..4),
            piece in 1..9_000_usize,
        ) {
            let mut out = MAGIC.to_vec();
            for (kind, body) in &frames {
                put(&mut out, *kind, |out| out.extend_from_slice(body));
            }
            let mut inbox = Inbox::default();
            prop_assert_eq!(feed_frames(&mut inbox, &out, piece), frames);
            prop_assert!(!inbox.is_partial());
        }

        #[test]
        fn any_bytes_end_in_frames_or_a_refusal(greet: bool, bytes: Vec<u8>) {
            let mut inbox = Inbox::default();
            if greet {
                feed(&mut inbox, &MAGIC);
            }
            feed(&mut inbox, &bytes);
            while inbox.has_frame(1024) == Ok(true) {
                prop_assert!(inbox.take().is_some());
            }
        }
    }
}
