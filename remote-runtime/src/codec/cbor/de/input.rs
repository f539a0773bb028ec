//! The bytes of CBOR: heads of values, and values without parts.

use super::number::{Number, half};
use super::{Read, Reader, Unread};
use crate::codec::cbor::{BIG, BIG_NEGATIVE, INDEFINITE, major, simple};
use crate::codec::{NOT_TEXT, TOO_SHORT};

/// The first bytes of a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) major: u8,
    /// What follows the major type; `None` if the end is marked instead.
    pub(super) count: Option<u64>,
    pub(super) first: u8,
}

impl<'de> Reader<'de> {
    pub(super) fn bytes(&mut self, count: u64) -> Read<&'de [u8]> {
        let count = usize::try_from(count).ok();
        let split = count.and_then(|count| self.rest.split_at_checked(count));
        let (bytes, rest) = split.ok_or_else(|| Unread::new(TOO_SHORT))?;
        self.rest = rest;
        self.without_bytes = 0;
        Ok(bytes)
    }

    pub(super) fn head(&mut self) -> Read<Head> {
        let first = self.bytes(1)?[0];
        let (major, low) = (first >> 5, first & 31);
        let count = match low {
            0..24 => Some(low.into()),
            24..28 => {
                let bytes = self.bytes(1 << (low - 24))?;
                Some(
                    bytes
                        .iter()
                        .fold(0, |count, &byte| count << 8 | u64::from(byte)),
                )
            }
            INDEFINITE => None,
            _ => return Err(Unread::new("a value begins with a byte that begins none")),
        };
        let is_count = !matches!(major, major::UNSIGNED | major::NEGATIVE | major::TAG);
        match count {
            None if !is_count => Err(Unread::new("a number has no end")),
            None if matches!(major, major::BYTES | major::TEXT) => {
                Err(Unread::new("a text comes in pieces"))
            }
            count => Ok(Head {
                major,
                count,
                first,
            }),
        }
    }

    /// The next byte, which is taken later.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn peek_major(&self) -> Option<u8> {
        self.peek().map(|byte| byte >> 5)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.peek(), Some(simple::NULL | simple::UNDEFINED))
    }

    /// Takes the next value if it is a text.
    pub(super) fn text(&mut self) -> Read<Option<&'de str>> {
        if self.peek_major() != Some(major::TEXT) {
            return Ok(None);
        }
        let count = self.head()?.count.unwrap_or_default();
        let text = str::from_utf8(self.bytes(count)?).map_err(|_| Unread::new(NOT_TEXT))?;
        Ok(Some(text))
    }

    /// An integer of more than 64 bits, of which the tag was taken.
    fn big(&mut self, is_negative: bool) -> Read<Number> {
        let head = self.head()?;
        let (major::BYTES, Some(count)) = (head.major, head.count) else {
            return Err(Unread::new("a large number is none"));
        };
        let bytes = self.bytes(count)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let large = || Unread::new("a number has more than 128 bits");
        let mut whole = [0; 16];
        let at = whole
            .len()
            .checked_sub(bytes.len() - zeros)
            .ok_or_else(large)?;
        whole[at..].copy_from_slice(&bytes[zeros..]);
        let distance = u128::from_be_bytes(whole);
        match is_negative {
            false => Ok(Number::Unsigned(distance)),
            true => i128::try_from(distance)
                .map(|it| Number::Signed(!it))
                .map_err(|_| large()),
        }
    }

    /// Takes the next value if it is a number, or, where `texts` may be numbers, a text of one.
    pub(super) fn number(&mut self, texts: bool) -> Read<Option<Number>> {
        let mut ahead = self.clone();
        let Some(number) = ahead.number_here(texts)? else {
            return Ok(None);
        };
        *self = ahead;
        Ok(Some(number))
    }

    /// The same; a key is a text of the number.
    pub(super) fn float(&mut self) -> Read<Option<Number>> {
        let mut ahead = self.clone();
        if self.is_key
            && let Some(Ok(float)) = ahead.text()?.map(str::parse)
        {
            *self = ahead;
            return Ok(Some(Number::Float(float)));
        }
        self.number(true)
    }

    fn number_here(&mut self, texts: bool) -> Read<Option<Number>> {
        if let Some(text) = self.text()? {
            return Ok(Number::read(text).filter(|_| texts));
        }
        let head = self.head()?;
        Ok(match (head.major, head.count) {
            (major::UNSIGNED, Some(count)) => Some(Number::Unsigned(count.into())),
            (major::NEGATIVE, Some(count)) => Some(Number::Signed(!i128::from(count))),
            (major::TAG, Some(tag @ (BIG | BIG_NEGATIVE))) => Some(self.big(tag == BIG_NEGATIVE)?),
            (major::SIMPLE, Some(bits)) => match head.first {
                simple::HALF => Some(Number::Float(half(bits as u16))),
                simple::SINGLE => Some(Number::Single(f32::from_bits(bits as u32))),
                simple::DOUBLE => Some(Number::Float(f64::from_bits(bits))),
                _ => None,
            },
            _ => None,
        })
    }
}
