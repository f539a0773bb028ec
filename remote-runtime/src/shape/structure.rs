//! What was written down, as types that people and other languages can read.

use super::digest::Hash;
use super::record::{State, Tag, Token, range};
use super::tracer::Tracer;

/// The word for what travels as a whole, whatever it is made of.
pub(super) const BLOCK: &str = "block";

/// The word before that if it may be missing.
pub(crate) const OPTION: &str = "option";

/// A type as serde sees it, which is also how it lies on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// `bool`: one byte.
    Bool,
    /// An integer of that many bits.
    Integer {
        /// 8, 16, 32, 64 or 128.
        bits: u8,
        /// Whether it may be negative.
        signed: bool,
    },
    /// A float of that many bits: 32 or 64.
    Float(u8),
    /// A character, as UTF-8.
    Char,
    /// A text: its length in eight bytes, then itself as UTF-8.
    Text,
    /// Bytes: their number in eight bytes, then themselves.
    Bytes,
    /// Nothing, in no bytes.
    Unit,
    /// Its parts, one after the other.
    Tuple(Vec<Type>),
    /// Its fields, one after the other.
    Struct {
        /// Its name, without a path.
        name: String,
        /// Its fields, in the order in which they travel.
        fields: Vec<(String, Type)>,
    },
    /// Another type under this name.
    Newtype(String, Box<Type>),
    /// One of the [definitions](Structure::definitions), by its place among them: what can hold itself.
    Defined(usize),
}

/// What can hold itself, and is therefore told once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Definition {
    /// A byte 0, or a byte 1 and the value.
    Optional(Type),
    /// Their number in eight bytes, then the values.
    List(Type),
    /// Their number in eight bytes, then each key with its value.
    Map(Type, Type),
    /// The place of the variant in four bytes, then what it has.
    Enum {
        /// Its name, without a path.
        name: String,
        /// Its variants; one without a type is not there, as on another system.
        variants: Vec<(String, Option<Type>)>,
    },
}

/// The types of a function.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Of the arguments, in their order; of a method, the first is the reference to its object.
    pub arguments: Vec<Type>,
    /// Of the `Ok` value.
    pub answer: Option<Type>,
    /// Of the `Err` value, if it travels as itself.
    pub error: Option<Type>,
    /// What the others refer to.
    pub definitions: Vec<Definition>,
}

impl Tracer {
    /// The types that were written down: so many arguments, the answer, and the error. `None` if they
    /// are not.
    pub(super) fn structure(&self, arguments: usize) -> Option<Structure> {
        let mut reading = Reading {
            tracer: self,
            definitions: Vec::new(),
            more: Vec::new(),
        };
        let mut rest = &self.record[..];
        let arguments = (0..arguments).map(|_| reading.take(&mut rest));
        let arguments = arguments.collect::<Option<_>>()?;
        let answer = reading.take(&mut rest)?;
        let error = match rest {
            // A failure, which is text.
            [Token::Word(_)] => None,
            _ => Some(reading.take(&mut rest)?),
        };
        for at in 0..self.definitions.len() {
            let definition = reading.definition(at)?;
            reading.definitions.push(definition);
        }
        reading.definitions.append(&mut reading.more);
        Some(Structure {
            arguments,
            answer: Some(answer),
            error,
            definitions: reading.definitions,
        })
    }
}

/// Reads a record.
struct Reading<'t> {
    tracer: &'t Tracer,
    definitions: Vec<Definition>,
    /// Those that are not in the record, which come after the others.
    more: Vec<Definition>,
}

impl Reading<'_> {
    fn definition(&mut self, at: usize) -> Option<Definition> {
        let tracer = self.tracer;
        let definition = &tracer.definitions[at];
        let identity = &definition.identity;
        let mut first = tracer.content(definition.first);
        Some(match identity.tag {
            Tag::Option => Definition::Optional(self.take(&mut first)?),
            Tag::Seq => Definition::List(self.take(&mut first)?),
            Tag::Map => Definition::Map(self.take(&mut first)?, self.take(&mut first)?),
            _ => {
                let variants = range(definition).zip(identity.variants).map(|(at, name)| {
                    let is_absent = tracer.alternatives[at].state == State::Absent;
                    let ty = match is_absent {
                        true => None,
                        false => Some(self.take(&mut tracer.content(at))?),
                    };
                    Some(((*name).to_owned(), ty))
                });
                Definition::Enum {
                    variants: variants.collect::<Option<_>>()?,
                    name: identity.name.to_owned(),
                }
            }
        })
    }

    /// Takes the next type off a record.
    fn take(&mut self, rest: &mut &[Token]) -> Option<Type> {
        let integer = |bits, signed| Type::Integer { bits, signed };
        Some(match next(rest)? {
            Token::Is(Tag::Bool) => Type::Bool,
            Token::Is(Tag::I8) => integer(8, true),
            Token::Is(Tag::I16) => integer(16, true),
            Token::Is(Tag::I32) => integer(32, true),
            Token::Is(Tag::I64) => integer(64, true),
            Token::Is(Tag::I128) => integer(128, true),
            Token::Is(Tag::U8) => integer(8, false),
            Token::Is(Tag::U16) => integer(16, false),
            Token::Is(Tag::U32) => integer(32, false),
            Token::Is(Tag::U64) => integer(64, false),
            Token::Is(Tag::U128) => integer(128, false),
            Token::Is(Tag::F32) => Type::Float(32),
            Token::Is(Tag::F64) => Type::Float(64),
            Token::Is(Tag::Char) => Type::Char,
            Token::Is(Tag::Text) => Type::Text,
            Token::Is(Tag::Bytes) => Type::Bytes,
            Token::Is(Tag::Unit) => Type::Unit,
            Token::Is(tag) => self.compound(tag, rest)?,
            Token::Definition(at) => Type::Defined(at),
            Token::Word(word) => self.word(word, rest)?,
            Token::Count(_) | Token::Name(_) | Token::Names(_) => return None,
        })
    }

    /// The words that stand for types are those of what travels as one block.
    fn word(&mut self, word: [u8; 16], rest: &mut &[Token]) -> Option<Type> {
        if word == digest(BLOCK) {
            return Some(Type::Bytes);
        }
        if word != digest(OPTION) {
            return None;
        }
        let held = self.take(rest)?;
        self.more.push(Definition::Optional(held));
        Some(Type::Defined(
            self.tracer.definitions.len() + self.more.len() - 1,
        ))
    }

    fn compound(&mut self, tag: Tag, rest: &mut &[Token]) -> Option<Type> {
        let Token::Name(name) = next(rest)? else {
            return None;
        };
        let name = name.to_owned();
        let ty = match tag {
            Tag::UnitStruct => Type::Newtype(name, Box::new(Type::Unit)),
            Tag::Newtype => {
                let inner = Box::new(self.take(rest)?);
                // A variant's value has no name of its own.
                if name.is_empty() {
                    *inner
                } else {
                    Type::Newtype(name, inner)
                }
            }
            Tag::Tuple => {
                let Token::Count(count) = next(rest)? else {
                    return None;
                };
                let parts = (0..count).map(|_| self.take(rest));
                let parts = Type::Tuple(parts.collect::<Option<_>>()?);
                if name.is_empty() {
                    parts
                } else {
                    Type::Newtype(name, Box::new(parts))
                }
            }
            Tag::Struct => {
                let Token::Names(names) = next(rest)? else {
                    return None;
                };
                let fields = names
                    .iter()
                    .map(|field| Some(((*field).to_owned(), self.take(rest)?)));
                let fields = fields.collect::<Option<_>>()?;
                Type::Struct { name, fields }
            }
            _ => return None,
        };
        (next(rest)? == Token::Is(Tag::End)).then_some(ty)
    }
}

fn next(rest: &mut &[Token]) -> Option<Token> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

fn digest(word: &str) -> [u8; 16] {
    Hash::of(word.as_bytes()).to_le_bytes()
}
