//! Frames out of bytes and into bytes; no I/O.

use std::fmt;
use std::ops::Range;

use super::{Kind, MAGIC, Malformed};

/// The bytes before a frame's body.
pub const HEADER: usize = 8;

/// The largest `max_message` that a frame's length can express.
pub const LARGEST: usize = u32::MAX as usize;

/// What a buffer starts with, and what it goes back to once it holds no large frames any more.
const ORDINARY: usize = 8 * 1024;

/// What comes before the bytes of a block that is all of a body: the header, and the block's length.
const BEFORE_BLOCK: usize = HEADER + size_of::<u64>();

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
    end_before(out, at, kind, 0);
}

/// The same, for a body of which `following` more bytes are sent from elsewhere.
///
/// # Panics
/// As [`end`].
pub fn end_before(out: &mut [u8], at: usize, kind: Kind, following: usize) {
    let length = u32::try_from(out.len() - at - HEADER + following)
        .expect("a limit of at most LARGEST was kept");
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

/// The frames of one side of a connection, from its first byte on, as far as they are whole; after one that
/// is none comes nothing more.
pub fn walk(bytes: &[u8]) -> impl Iterator<Item = Result<(Kind, &[u8]), Malformed>> {
    let mut rest = bytes.strip_prefix(&MAGIC).ok_or(Malformed(NO_CONNECTION));
    if MAGIC.starts_with(bytes) {
        rest = Ok(&[]);
    }
    std::iter::from_fn(move || {
        let bytes = match rest {
            Ok(bytes) => bytes,
            Err(e) => {
                rest = Ok(&[]);
                return Some(Err(e));
            }
        };
        let (header, after) = bytes.split_first_chunk::<HEADER>()?;
        let (kind, size) = match announced(header) {
            Ok(announced) => announced,
            Err(e) => {
                rest = Ok(&[]);
                return Some(Err(e));
            }
        };
        let (body, after) = after.split_at_checked(size)?;
        rest = Ok(after);
        Some(Ok((kind, body)))
    })
}

/// What a header says: the kind of its frame, and the length of the body.
fn announced(header: &[u8; HEADER]) -> Result<(Kind, usize), Malformed> {
    let &[a, b, c, d, kind, ref reserved @ ..] = header;
    let kind = Kind::from_byte(kind).ok_or(Malformed(UNKNOWN))?;
    if *reserved != [0; 3] {
        return Err(Malformed(RESERVED));
    }
    let size = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    Ok((kind, size))
}

const NO_CONNECTION: &str = "it does not begin as a remotex connection does";
const UNKNOWN: &str = "it has an unknown kind";
const RESERVED: &str = "its reserved bytes are not zero";

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
/// What it sets aside for a frame is at most twice what has really arrived of it, whatever its header
/// announces. It keeps that for the next frame only if the latest was large.
#[derive(Debug)]
pub struct Inbox {
    /// What has arrived; the frames before `start` were taken.
    buffer: Vec<u8>,
    start: usize,
    greeted: bool,
    /// How many bytes the frame that is arriving takes, as far as that is known.
    awaited: usize,
    /// The frame that has arrived and was not taken.
    arrived: Option<Kind>,
    /// Where the body of the latest frame lies.
    body: Range<usize>,
    /// Whether the answer that comes next is a block.
    wants_block: bool,
    /// The one that is arriving.
    arriving: Option<Block>,
    /// The latest one.
    block: Option<Block>,
}

/// The body of a large answer, which is the length of a block and the block. It arrives where it can
/// stay.
#[derive(Debug)]
pub struct Block {
    /// The body's first bytes.
    pub length: [u8; 8],
    /// All that comes after them.
    pub bytes: Vec<u8>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            greeted: false,
            awaited: MAGIC.len(),
            arrived: None,
            body: 0..0,
            wants_block: false,
            arriving: None,
            block: None,
        }
    }
}

impl Inbox {
    /// Where the next bytes are appended, which is within its spare capacity.
    pub fn space(&mut self) -> &mut Vec<u8> {
        if self.arriving.is_none() {
            self.forget_body();
            let capacity = self.buffer.capacity();
            let would_not_fit = self.start > 0 && self.start + self.awaited > capacity;
            if self.buffer.len() == capacity || would_not_fit {
                self.make_room();
            }
        }
        let Some(Block { bytes, .. }) = &mut self.arriving else {
            return &mut self.buffer;
        };
        let arrived = bytes.len();
        if arrived == bytes.capacity() {
            let missing = (self.awaited - BEFORE_BLOCK).saturating_sub(arrived);
            let most = arrived.max(ORDINARY.saturating_sub(arrived));
            bytes.reserve_exact(missing.clamp(1, most));
        }
        bytes
    }

    /// Lets go of the latest body, and, if no other large one is to be expected, of its memory.
    fn forget_body(&mut self) {
        let was_ordinary = self.body.len() <= ORDINARY;
        self.body = 0..0;
        self.block = None;
        if self.start == self.buffer.len() {
            self.start = 0;
            self.buffer.clear();
            if was_ordinary && self.awaited <= ORDINARY {
                self.buffer.shrink_to(ORDINARY);
            }
        }
    }

    /// Lets go of the latest body, and of all memory but `most` bytes that is not in use.
    pub fn trim(&mut self, most: usize) {
        self.block = None;
        self.body = 0..0;
        if self.start == self.buffer.len() {
            self.start = 0;
            self.buffer.clear();
        }
        self.buffer.shrink_to(most);
    }

    fn make_room(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        let arrived = self.buffer.len();
        let doubled = (2 * arrived).max(ORDINARY);
        let wanted = if self.awaited > arrived {
            self.awaited.clamp(ORDINARY, doubled)
        } else {
            doubled
        };
        self.buffer.reserve_exact(wanted - arrived);
    }

    /// Whether a frame has begun to arrive and is not complete.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start != self.buffer.len() || self.arriving.is_some()
    }

    /// Whether all of the next frame has arrived; [`take`](Self::take) takes it.
    ///
    /// # Errors
    /// If the bytes are no frame, or its body is larger than `limit`.
    pub fn has_frame(&mut self, limit: usize) -> Result<bool, Refused> {
        if self.arrived.is_some() {
            return Ok(true);
        }
        if self.arriving.is_some() {
            return Ok(self.has_block());
        }
        if !self.greeted && !self.take_magic()? {
            return Ok(false);
        }
        let bytes = &self.buffer[self.start..];
        let Some((header, after)) = bytes.split_first_chunk::<HEADER>() else {
            self.awaited = HEADER;
            return Ok(false);
        };
        let (kind, size) = announced(header)?;
        if size > limit {
            return Err(Refused::TooLarge { size });
        }
        if after.len() < size {
            self.awaited = HEADER + size;
            if self.wants_block && kind == Kind::Answer && size > ORDINARY {
                self.begin_block();
            }
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

    /// Whether an answer that comes from now on is a block, so that it can arrive where it stays.
    pub fn want_block(&mut self, wants: bool) {
        self.wants_block = wants;
    }

    /// Takes the body of the answer that was taken last, if it was a block and a large one; otherwise
    /// it is [`body`](Self::body).
    pub fn take_block(&mut self) -> Option<Block> {
        self.block.take()
    }

    /// Sets what has arrived of a block apart.
    fn begin_block(&mut self) {
        let body = &self.buffer[self.start + HEADER..];
        if let Some((&length, arrived)) = body.split_first_chunk() {
            let mut bytes = Vec::with_capacity(2 * arrived.len());
            bytes.extend_from_slice(arrived);
            self.arriving = Some(Block { length, bytes });
            self.buffer.clear();
            self.start = 0;
            self.body = 0..0;
        }
    }

    fn has_block(&mut self) -> bool {
        let whole = self.awaited - BEFORE_BLOCK;
        self.block = self.arriving.take_if(|block| block.bytes.len() >= whole);
        let Some(block) = &mut self.block else {
            return false;
        };
        // The next frame may have begun to arrive with it.
        self.buffer.extend(block.bytes.drain(whole..));
        self.awaited = HEADER;
        self.arrived = Some(Kind::Answer);
        true
    }

    fn take_magic(&mut self) -> Result<bool, Malformed> {
        let arrived = &self.buffer[self.start..];
        let known = arrived.len().min(MAGIC.len());
        if arrived[..known] != MAGIC[..known] {
            return Err(Malformed(NO_CONNECTION));
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
            let n = (space.capacity() - space.len()).min(bytes.len());
            space.extend_from_slice(&bytes[..n]);
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
        assert!(inbox.space().capacity() <= ORDINARY);
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
        inbox.trim(ORDINARY);
        assert!(inbox.buffer.capacity() <= ORDINARY);
    }

    #[test]
    fn a_large_buffer_is_kept_for_the_next_large_frame_and_given_back_after_a_small_one() {
        let mut inbox = Inbox::default();
        feed(&mut inbox, &MAGIC);
        let mut capacity_after = |size: usize| {
            feed(
                &mut inbox,
                &of(Kind::Answer, |out| out.resize(out.len() + size, 7)),
            );
            assert_eq!(inbox.has_frame(LARGEST), Ok(true));
            inbox.take();
            inbox.space().capacity()
        };
        let large = capacity_after(1 << 20);
        assert!(large > 1 << 20);
        assert_eq!(capacity_after(1 << 20), large);
        assert!(capacity_after(16) <= ORDINARY);
    }

    #[test]
    fn a_large_block_arrives_apart_from_its_length() {
        let frame = |kind, size: usize| {
            of(kind, |out| {
                out.extend_from_slice(&(size as u64).to_le_bytes());
                out.resize(out.len() + size, 7);
            })
        };
        let bytes = [frame(Kind::Answer, 100_000), frame(Kind::Answer, 3)].concat();
        for piece in [9, 1000, 50_000] {
            let mut inbox = Inbox::default();
            inbox.want_block(true);
            feed(&mut inbox, &MAGIC);
            let mut arrived = Vec::new();
            for part in bytes.chunks(piece) {
                feed(&mut inbox, part);
                while inbox.has_frame(LARGEST).unwrap() {
                    let kind = inbox.take().unwrap();
                    let block = inbox.take_block();
                    arrived.push((
                        kind,
                        block.map_or(inbox.body().len(), |block| {
                            assert_eq!(u64::from_le_bytes(block.length), 100_000);
                            block.bytes.len()
                        }),
                    ));
                }
            }
            assert!(!inbox.is_partial());
            assert_eq!(arrived, [(Kind::Answer, 100_000), (Kind::Answer, 8 + 3)]);
        }
        let mut inbox = Inbox::default();
        inbox.want_block(true);
        let raised = feed_frames(
            &mut inbox,
            &[&MAGIC[..], &frame(Kind::Raised, 100_000)].concat(),
            999,
        );
        assert_eq!(raised[0].1.len(), 8 + 100_000, "only an answer is a block");
    }

    /// Feeds `bytes` in pieces of `piece` and returns the frames that came of them.
    fn feed_frames(inbox: &mut Inbox, bytes: &[u8], piece: usize) -> Vec<(Kind, Vec<u8>)> {
        let (mut frames, mut most) = (Vec::new(), 0);
        for part in bytes.chunks(piece) {
            most = most.max(inbox.buffer.len() - inbox.start + part.len());
            feed(inbox, part);
            assert!(inbox.buffer.capacity() <= (2 * most).max(ORDINARY));
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

    /// What both make of the same bytes: the frames, and why there are no more, if that is so.
    type Made = (Vec<(Kind, Vec<u8>)>, Option<Malformed>);

    fn walked(bytes: &[u8]) -> Made {
        let (mut frames, mut refused) = (Vec::new(), None);
        for frame in walk(bytes) {
            assert_eq!(refused, None, "nothing comes after what is refused");
            match frame {
                Ok((kind, body)) => frames.push((kind, body.to_vec())),
                Err(e) => refused = Some(e),
            }
        }
        (frames, refused)
    }

    fn received(bytes: &[u8], piece: usize) -> Made {
        let (mut inbox, mut frames) = (Inbox::default(), Vec::new());
        for part in bytes.chunks(piece) {
            feed(&mut inbox, part);
            loop {
                match inbox.has_frame(LARGEST) {
                    Ok(true) => {
                        let kind = inbox.take().unwrap();
                        frames.push((kind, inbox.body().to_vec()));
                    }
                    Ok(false) => break,
                    Err(Refused::Malformed(e)) => return (frames, Some(e)),
                    Err(Refused::TooLarge { .. }) => panic!("nothing is larger than the largest"),
                }
            }
        }
        (frames, None)
    }

    /// Bytes that are frames for the most part: whole, cut off, or with some that are none.
    fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
        let whole = (kind(), proptest::collection::vec(any::<u8>(), 0..30))
            .prop_map(|(kind, body)| of(kind, |out| out.extend_from_slice(&body)));
        let others = proptest::collection::vec(any::<u8>(), 0..12);
        let header = (0..4_u8, any::<u8>(), 0..2_u8)
            .prop_map(|(size, kind, reserved)| vec![size, 0, 0, 0, kind, 0, reserved, 0]);
        let parts =
            proptest::collection::vec(prop_oneof![4 => whole, 1 => others, 1 => header], 0..5);
        let begin = prop_oneof![6 => Just(MAGIC.len()), 1 => 0..MAGIC.len()];
        (begin, parts).prop_map(|(begin, parts)| [&MAGIC[..begin], &parts.concat()].concat())
    }

    proptest! {
        #[test]
        fn who_walks_over_bytes_and_who_receives_them_see_the_same(bytes in nearly_frames(), piece in 1..20_usize) {
            prop_assert_eq!(walked(&bytes), received(&bytes, piece));
        }

        #[test]
        fn who_walks_over_any_bytes_sees_what_comes_of_them(bytes: Vec<u8>, piece in 1..20_usize) {
            prop_assert_eq!(walked(&bytes), received(&bytes, piece));
        }

        #[test]
        fn who_walks_sees_no_more_of_what_is_cut_off(bytes in nearly_frames(), end in any::<prop::sample::Index>()) {
            let end = end.index(bytes.len() + 1);
            let (whole, _) = walked(&bytes);
            let (cut, _) = walked(&bytes[..end]);
            prop_assert!(whole.starts_with(&cut));
        }

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
