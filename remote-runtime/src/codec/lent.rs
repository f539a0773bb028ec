//! Large blocks that are sent from where they lie.

use std::io::IoSlice;

/// The blocks that belong into a message and were not copied into it, and where.
///
/// A copy of a message is as slow as a pass through the socket, and there are only four of these
/// between the two functions.
#[derive(Debug, Default)]
pub struct Lent<'v> {
    blocks: Vec<(usize, &'v [u8])>,
    size: usize,
}

impl<'v> Lent<'v> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            size: 0,
        }
    }

    /// How many bytes they have.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Adds one, which belongs before what follows the first `at` bytes of the message.
    pub(super) fn push(&mut self, at: usize, block: &'v [u8]) {
        self.blocks.push((at, block));
        self.size += block.len();
    }

    /// The message from `start` on, of which `bytes` were copied, in parts.
    #[must_use]
    pub fn parts<'p>(&'p self, bytes: &'p [u8], start: usize) -> Vec<IoSlice<'p>> {
        let mut parts = Vec::with_capacity(2 * self.blocks.len() + 2);
        let mut from = start;
        for &(at, block) in &self.blocks {
            parts.push(IoSlice::new(&bytes[from..at]));
            parts.push(IoSlice::new(block));
            from = at;
        }
        parts.push(IoSlice::new(&bytes[from..]));
        parts
    }
}
