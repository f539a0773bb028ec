//! A serializer and a deserializer around others', which keep what the others do not bound: how
//! deep values nest, how many elements they claim to have, and that no field is left out.
//!
//! A format that describes itself notices a field that is missing; bincode does not, and reads the
//! next one in its place. That is why `skip_serializing_if` is an error here, at the sender.

mod byte;
mod de;
mod ser;

use std::cell::Cell;

pub(super) use de::GuardedSeed;
pub(super) use ser::Guarded;

/// How deep values may nest; the same as serde_json's, and what a thread's stack has room for.
pub(super) const DEEPEST: usize = 128;

/// How many elements a message may have beyond one for each of its bytes. An element that takes
/// bytes is paid for with them; only those that take none need this allowance.
const EMPTY_ELEMENTS: usize = 65_536;

pub(super) const TOO_DEEP: &str = "it nests more than 128 values deep";
const TOO_MANY: &str = "it has more elements than its bytes can hold";

/// What one message has used of its bounds. Both sides count alike, so that what one of them
/// encodes the other decodes.
#[derive(Debug)]
pub(super) struct Guard {
    /// How many levels are left.
    depth: Cell<usize>,
    elements: Cell<usize>,
    /// The bytes of the message: all of those that are read, or those that are written by now.
    bytes: Cell<usize>,
    saw_any: Cell<bool>,
}

impl Guard {
    /// For a message of that many bytes; one that is yet to be written has none.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            depth: Cell::new(DEEPEST),
            elements: Cell::new(0),
            bytes: Cell::new(bytes),
            saw_any: Cell::new(false),
        }
    }

    /// Whether a type asked what comes next, which bincode cannot tell.
    pub(super) fn saw_any(&self) -> bool {
        self.saw_any.get()
    }

    #[inline]
    pub(super) fn wrote(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
    }

    /// Checks the number of elements, once the bytes are there that pay for them.
    #[inline]
    pub(super) fn check_elements(&self) -> Result<(), &'static str> {
        let allowed = self.bytes.get().saturating_add(EMPTY_ELEMENTS);
        if self.elements.get() <= allowed {
            Ok(())
        } else {
            Err(TOO_MANY)
        }
    }

    #[inline]
    fn count(&self, elements: usize) {
        self.elements
            .set(self.elements.get().saturating_add(elements));
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
}
