//! What is written down of types: pieces in their order, and definitions that are referred to.

use std::ops::Range;

/// What a type asks for. The numbers go into fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    End = 0,
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    Text = 15,
    Bytes = 16,
    Unit = 17,
    UnitStruct = 18,
    Newtype = 19,
    Tuple = 20,
    Struct = 21,
    Option = 22,
    Seq = 23,
    Map = 24,
    Enum = 25,
    Absent = 26,
    Word = 27,
    Definition = 28,
    /// In place of a type that is not known.
    Unknown = 29,
}

/// One piece of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Is(Tag),
    Count(usize),
    Name(&'static str),
    Names(&'static [&'static str]),
    Word([u8; 16]),
    Definition(usize),
}

impl Token {
    /// Returns `true` if both are the same, which most often lie at the same place.
    pub(super) fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => std::ptr::eq(a, b) || a == b,
            (Self::Names(a), Self::Names(b)) => std::ptr::eq(a, b) || a == b,
            _ => self == other,
        }
    }
}

/// What is recorded once, and referred to.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) identity: Identity,
    /// Its first alternative; the others follow.
    pub(super) first: usize,
    /// The alternative that was complete before any other one: it needs nothing that needs it, so
    /// that a value of it comes to an end.
    pub(super) base: Option<usize>,
    /// The alternative behind which there is still something new.
    pub(super) way: Option<usize>,
}

/// What tells definitions apart while they are traced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    /// The address of the code that deserializes it. Where two types share their code, they ask for
    /// the same; where one type has its code twice, it is two definitions that look alike, which
    /// makes no difference to the fingerprint. A type's name tells less: two types may have one.
    pub(super) code: usize,
    pub(super) tag: Tag,
    pub(super) name: &'static str,
    pub(super) variants: &'static [&'static str],
}

impl Identity {
    /// Something that is not an enum, and hence has one alternative besides nothing.
    pub(super) fn nameless(tag: Tag, code: usize) -> Self {
        Self {
            code,
            tag,
            name: "",
            variants: &[""],
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.code == other.code
            && self.tag == other.tag
            && Token::Name(self.name).is(Token::Name(other.name))
            && Token::Names(self.variants).is(Token::Names(other.variants))
    }
}

/// One variant of an enum, or what an option, a sequence or a map holds if it is not empty.
#[derive(Debug)]
pub(super) struct Alternative {
    pub(super) state: State,
    /// Whether it is being visited.
    pub(super) open: bool,
    /// The last round of the second look in which it was visited.
    pub(super) round: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    New,
    /// It led nowhere when that many alternatives had been settled.
    Blocked(usize),
    /// It is in the list of variants, but cannot be had: an alias, or for another system.
    Absent,
    /// Here in the tracer's `done`.
    Done(Range<usize>),
}

/// The alternatives of a definition.
pub(super) fn range(definition: &Definition) -> Range<usize> {
    definition.first..definition.first + definition.identity.variants.len()
}
