//! What the values of a function are, told to people.

use std::fmt::Write;

use super::Types;
use crate::codec::cbor::REFERENCE_NAME;
use crate::shape::{Definition, Type};
use crate::wire::interface::Function;

/// What the values of a function are, in words, as far as serde shows its types.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InWords {
    /// Its arguments, in their order.
    pub arguments: Vec<Described>,
    /// Its answer.
    pub answer: Option<Described>,
    /// What it fails with, if that travels as its own type.
    pub error: Option<Described>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// In words: "a whole number of 8 bits".
    pub words: String,
    /// How it is written as JSON, with an example for each value in it and `|` between what it can be.
    pub json: String,
}

impl Function {
    /// What its arguments, its answer and its error are; `None` if serde does not show its types.
    #[must_use]
    pub fn in_words(&self) -> Option<InWords> {
        let structure = self.structure.as_ref()?;
        let types = Types(&structure.definitions);
        let words = |ty: &Type| Described {
            words: types.words(ty),
            json: Pattern::of(types, ty),
        };
        Some(InWords {
            arguments: structure.arguments.iter().map(words).collect(),
            answer: structure.answer.as_ref().map(words),
            error: structure.error.as_ref().map(words),
        })
    }
}

/// How deep a pattern goes.
const DEEPEST: usize = 6;

/// How many values a pattern shows; types are a server's word, and may hold each other without end.
const LONGEST: usize = 64;

/// How a value is written as JSON, put together.
struct Pattern<'a> {
    types: Types<'a>,
    text: String,
    left: usize,
    /// The definitions that what comes next is inside of.
    inside: Vec<usize>,
}

impl<'a> Pattern<'a> {
    fn of(types: Types<'a>, ty: &Type) -> String {
        let mut pattern = Self {
            types,
            text: String::new(),
            left: LONGEST,
            inside: Vec::new(),
        };
        pattern.put(ty, DEEPEST);
        pattern.text
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn put(&mut self, ty: &Type, levels: usize) {
        let (Some(levels), Some(left)) = (levels.checked_sub(1), self.left.checked_sub(1)) else {
            return self.say("…");
        };
        self.left = left;
        match ty {
            Type::Bool => self.say("true"),
            Type::Integer { .. } => self.say("0"),
            Type::Float(_) => self.say("0.5"),
            Type::Char => self.say("\"x\""),
            Type::Text | Type::Bytes => self.say("\"text\""),
            Type::Unit => self.say("null"),
            Type::Tuple(parts) => {
                let each = |pattern: &mut Self, part: &Type| pattern.put(part, levels);
                self.put_all("[", parts, ", ", each, "]");
            }
            Type::Struct { fields, .. } => {
                let each = |pattern: &mut Self, (name, ty): &(String, Type)| {
                    pattern.named(name, ty, levels);
                };
                self.put_all("{", fields, ", ", each, "}");
            }
            Type::Newtype(name, _) if name.starts_with(REFERENCE_NAME) => {
                let _ = write!(self.text, "a `{name}`, which cannot be JSON");
            }
            Type::Newtype(_, inner) => self.put(inner, levels),
            Type::Defined(at) => match self.types.definition(*at) {
                // One that holds itself is told once.
                Some(Definition::Enum { name, .. }) if self.inside.contains(at) => {
                    let _ = write!(self.text, "a `{name}`");
                }
                Some(definition) => {
                    self.inside.push(*at);
                    self.put_defined(definition, levels);
                    self.inside.pop();
                }
                None => self.say("…"),
            },
        }
    }

    fn put_defined(&mut self, definition: &Definition, levels: usize) {
        match definition {
            Definition::Optional(held) => {
                self.say("null | ");
                self.put(held, levels);
            }
            Definition::List(element) => {
                self.say("[");
                self.put(element, levels);
                self.say(", …]");
            }
            Definition::Map(_, value) => {
                self.say("{\"key\": ");
                self.put(value, levels);
                self.say(", …}");
            }
            Definition::Enum { variants, .. } => {
                let there: Vec<_> = variants.iter().filter(|(_, ty)| ty.is_some()).collect();
                let each = |pattern: &mut Self, (name, ty): &&(String, Option<Type>)| match ty {
                    None | Some(Type::Unit) => {
                        let _ = write!(pattern.text, "\"{name}\"");
                    }
                    Some(ty) => {
                        pattern.say("{");
                        pattern.named(name, ty, levels);
                        pattern.say("}");
                    }
                };
                self.put_all("", &there, " | ", each, "");
            }
        }
    }

    fn named(&mut self, name: &str, ty: &Type, levels: usize) {
        let _ = write!(self.text, "\"{name}\": ");
        self.put(ty, levels);
    }

    fn put_all<T>(
        &mut self,
        start: &str,
        all: &[T],
        between: &str,
        mut each: impl FnMut(&mut Self, &T),
        end: &str,
    ) {
        self.say(start);
        for (at, one) in all.iter().enumerate() {
            if at > 0 {
                self.say(between);
            }
            if self.left == 0 {
                self.say("…");
                break;
            }
            each(self, one);
        }
        self.say(end);
    }
}
