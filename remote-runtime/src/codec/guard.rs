//! A serializer and a deserializer around others', which keep what the others do not bound: how
//! deep values nest, how many elements they claim to have, and that no field is left out.
//!
//! A format that describes itself notices a field that is missing; bincode does not, and reads the
//! next one in its place. That is why `skip_serializing_if` is an error here, at the sender.

mod de;
mod ser;

use std::cell::Cell;

pub(super) use de::GuardedSeed;
pub(super) use ser::Guarded;

/// How deep values may nest; the same as serde_json's, and what a thread's stack has room for.
const DEEPEST: usize = 128;

/// How many elements that take no bytes a message may have. Every other element takes at least one
/// byte, so that the message's size bounds their number.
const EMPTY_ELEMENTS: usize = 65_536;

const TOO_DEEP: &str = "it nests more than 128 values deep";
const TOO_MANY: &str = "it has more elements than its bytes can hold";

/// What is left of the bounds while one message is encoded or decoded.
#[derive(Debug)]
pub(super) struct Guard {
    depth: Cell<usize>,
    elements: Cell<usize>,
    written: Cell<usize>,
    saw_any: Cell<bool>,
}

impl Guard {
    /// For a message that is being written: its elements take what they take, only those that take
    /// nothing are bounded.
    pub(super) fn for_writing() -> Self {
        Self::for_reading(0)
    }

    /// For a message of that many bytes.
    pub(super) fn for_reading(bytes: usize) -> Self {
        Self {
            depth: Cell::new(DEEPEST),
            elements: Cell::new(bytes.saturating_add(EMPTY_ELEMENTS)),
            written: Cell::new(0),
            saw_any: Cell::new(false),
        }
    }

    /// Whether a type asked what comes next, which bincode cannot tell.
    pub(super) fn saw_any(&self) -> bool {
        self.saw_any.get()
    }

    #[inline]
    pub(super) fn wrote(&self, bytes: usize) {
        self.written.set(self.written.get().wrapping_add(bytes));
    }

    #[inline]
    fn enter(&self) -> Result<(), &'static str> {
        let left = self.depth.get().checked_sub(1).ok_or(TOO_DEEP)?;
        self.depth.set(left);
        Ok(())
    }

    #[inline]
    fn leave(&self) {
        self.depth.set(self.depth.get() + 1);
    }

    #[inline]
    fn count(&self, elements: usize) -> Result<(), &'static str> {
        let left = self.elements.get().checked_sub(elements).ok_or(TOO_MANY)?;
        self.elements.set(left);
        Ok(())
    }
}
