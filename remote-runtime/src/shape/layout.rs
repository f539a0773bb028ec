//! Compares the bytes that a type writes with the shape that it reads: its `Serialize` and its
//! `Deserialize` may differ, which a format without names does not notice when it reads.

use super::record::{State, Tag, Token};
use super::tracer::{DEEPEST, Tracer};

/// A value that can be written as it travels.
pub trait Written {
    /// Its bytes; `None` if it cannot be sent at all.
    #[doc(hidden)]
    fn written(&self) -> Option<Vec<u8>>;
}

/// The most elements without bytes that a sequence is believed to have.
const MOST: u64 = 1 << 16;

impl Tracer {
    /// Returns `true` if the present type would read the bytes to their end.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        self.skip(&self.record[self.start..], &mut rest, 0)
            .is_some()
            && rest.is_empty()
    }

    /// Takes off the bytes that the tokens stand for.
    fn skip(&self, tokens: &[Token], rest: &mut &[u8], depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        for token in tokens {
            match token {
                Token::Is(tag) => leaf(*tag, rest)?,
                Token::Definition(at) => self.skip_definition(*at, rest, depth + 1)?,
                Token::Count(_) | Token::Name(_) | Token::Names(_) | Token::Word(_) => {}
            }
        }
        Some(())
    }

    fn skip_definition(&self, at: usize, rest: &mut &[u8], depth: usize) -> Option<()> {
        let definition = &self.definitions[at];
        let first = definition.first;
        match definition.identity.tag {
            Tag::Option => match take(rest, 1)?[0] {
                0 => Some(()),
                1 => self.skip(self.content(first), rest, depth),
                _ => None,
            },
            Tag::Seq | Tag::Map => {
                let count = length(rest)?;
                if count > MOST.max(rest.len() as u64) {
                    return None;
                }
                (0..count).try_for_each(|_| self.skip(self.content(first), rest, depth))
            }
            _ => {
                let variant = take(rest, 4)?
                    .first_chunk()
                    .copied()
                    .map(u32::from_le_bytes)? as usize;
                let is_there = variant < definition.identity.variants.len()
                    && matches!(self.alternatives[first + variant].state, State::Done(_));
                is_there.then(|| self.skip(self.content(first + variant), rest, depth))?
            }
        }
    }
}

fn leaf(tag: Tag, rest: &mut &[u8]) -> Option<()> {
    let size = match tag {
        Tag::Bool | Tag::I8 | Tag::U8 => 1,
        Tag::I16 | Tag::U16 => 2,
        Tag::I32 | Tag::U32 | Tag::F32 => 4,
        Tag::I64 | Tag::U64 | Tag::F64 => 8,
        Tag::I128 | Tag::U128 => 16,
        // The first byte of UTF-8 says how many there are.
        Tag::Char => rest.first().map(|first| first.leading_ones().max(1))? as usize,
        Tag::Text | Tag::Bytes => usize::try_from(length(rest)?).ok()?,
        _ => 0,
    };
    take(rest, size).map(drop)
}

fn length(rest: &mut &[u8]) -> Option<u64> {
    take(rest, 8)?
        .first_chunk()
        .copied()
        .map(u64::from_le_bytes)
}

fn take<'b>(rest: &mut &'b [u8], size: usize) -> Option<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(size)?;
    *rest = after;
    Some(taken)
}
