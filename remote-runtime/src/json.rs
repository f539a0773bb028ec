//! JSON for the values of functions, by what a server says of their types ([`Structure`]): into the very
//! bytes that a compiled client would send, and out of those of an answer. The feature `json`.

mod decode;
mod describe;
mod encode;
#[cfg(feature = "http")]
mod schema;

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use crate::codec::{Decoder, Encoder, Undecoded};
use crate::error::{Call, Error, Result};
use crate::shape::{Definition, Structure, Type};
use crate::wire::Kind;
use crate::wire::interface::{Function, Interface};
use decode::Expected;
use encode::Told;

pub use describe::{Described, InWords};
#[cfg(feature = "http")]
pub(crate) use schema::Schemas;

impl Interface {
    /// The function of that name on the wire.
    ///
    /// # Errors
    /// [`Error::UnknownFunction`], which says what may be meant.
    pub fn function(&self, name: &str) -> Result<&Function> {
        let mut names = self.functions.iter().map(|function| &*function.name);
        let found = self.functions.iter().find(|function| function.name == name);
        found.ok_or_else(|| {
            let hint = nearest(name, names.by_ref());
            let call = Call::of(&self.server, name);
            Error::UnknownFunction(
                call.trouble(format_args!("the server offers no such function{hint}")),
            )
        })
    }
}

impl Function {
    /// What a word of a command line means as the value of an argument: where a text is expected, the
    /// word itself; else JSON, if it is, such as a number or a list; else the word.
    ///
    /// Of an argument that there is not it is the word as well, and the call then says so.
    #[must_use]
    pub fn value_of(&self, argument: &str, word: &str) -> Value {
        let structure = self.structure.as_ref();
        let types = Types(structure.map_or(&[], |structure| &structure.definitions));
        let types_of = structure.map_or(&[][..], |structure| &structure.arguments);
        let mut typed = self.arguments.iter().zip(types_of);
        let found = typed.find(|((name, _), _)| name == argument);
        let text = || Value::String(word.into());
        match found {
            // JSON has no integers of more than 64 bits, but as texts.
            Some((_, Type::Integer { .. })) => word
                .parse()
                .map(|number: i64| number.into())
                .or_else(|_| word.parse().map(|number: u64| number.into()))
                .unwrap_or_else(|_| text()),
            Some((_, ty)) if !types.is_word(ty) => {
                serde_json::from_str(word).unwrap_or_else(|_| text())
            }
            _ => text(),
        }
    }
}

/// The types of a function, without which nobody can call it by its name.
pub(crate) fn structure<'f>(function: &'f Function, call: Call<'_>) -> Result<&'f Structure> {
    function
        .structure
        .as_ref()
        .ok_or_else(|| Error::Unsendable {
            what: "a value".into(),
            why: call.with("the server does not show all of its types".into(), false),
        })
}

/// The arguments as a compiled client would send them.
pub(crate) fn encoded(
    function: &Function,
    call: Call<'_>,
    arguments: &Map<String, Value>,
) -> Result<Vec<u8>> {
    let structure = structure(function, call)?;
    check_names(function, call, arguments)?;
    let mut encoded = Vec::new();
    let mut encoder = Encoder::new(&mut encoded, 0, usize::MAX);
    let types = Types(&structure.definitions);
    for ((name, written), ty) in function.arguments.iter().zip(&structure.arguments) {
        let value = arguments.get(name).unwrap_or(&Value::Null);
        let put = encoder.put(&Told { types, ty, value });
        put.map_err(|e| with_type(e.of_argument(call, name), call, written))?;
    }
    Ok(encoded)
}

/// An error of a type of its own that a function has returned.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Raised {
    /// Its text, if its type has one.
    pub text: Option<String>,
    /// The error itself.
    pub value: Value,
}

/// Its text, or else its value.
impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => write!(f, "{}", self.value),
        }
    }
}

/// Reads the reply to a call: the value that the function has returned, or its error of a type of its
/// own.
pub(crate) fn answer(
    call: Call<'_>,
    kind: Kind,
    body: &[u8],
    structure: &Structure,
) -> Result<Result<Value, Raised>> {
    let read = match kind {
        Kind::Told => told(body).and_then(|(text, body)| {
            let value = read(body, &structure.error, structure)?;
            let text = Some(text.into_owned());
            Ok(Err(Raised { text, value }))
        }),
        Kind::Raised => {
            read(body, &structure.error, structure).map(|value| Err(Raised { text: None, value }))
        }
        _ => read(body, &structure.answer, structure).map(Ok),
    };
    read.map_err(|e| {
        let why = format_args!("its answer cannot be read: {e}");
        Error::Malformed(call.trouble(why).after_sending())
    })
}

/// The text of an error, and the error.
fn told(body: &[u8]) -> Result<(Cow<'_, str>, &[u8]), Undecoded> {
    let cut = || Undecoded::Wrong("the text of its error is cut off".into());
    let (length, rest) = body.split_first_chunk().ok_or_else(cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
    let (text, error) = rest.split_at_checked(length).ok_or_else(cut)?;
    Ok((String::from_utf8_lossy(text), error))
}

fn read(body: &[u8], ty: &Option<Type>, structure: &Structure) -> Result<Value, Undecoded> {
    let missing = || Undecoded::Wrong("the server does not say of what type it is".into());
    let ty = ty.as_ref().ok_or_else(missing)?;
    let types = Types(&structure.definitions);
    let mut decoder = Decoder::new(body);
    let value = decoder.take_with(Expected { types, ty })?;
    decoder.finish().map(|()| value)
}

fn check_names(function: &Function, call: Call<'_>, arguments: &Map<String, Value>) -> Result<()> {
    let names = || function.arguments.iter().map(|(name, _)| &**name);
    let wrong = |name: &str, why: String| Error::Unsendable {
        what: format!("the argument `{name}`"),
        why: call.with(why, false),
    };
    if let Some(unknown) = arguments
        .keys()
        .find(|key| !names().any(|name| name == **key))
    {
        let hint = nearest(unknown, names());
        return Err(wrong(unknown, format!("there is none of that name{hint}")));
    }
    let Some(structure) = &function.structure else {
        return Ok(());
    };
    let types = Types(&structure.definitions);
    for ((name, written), ty) in function.arguments.iter().zip(&structure.arguments) {
        if !arguments.contains_key(name) && !types.is_option(ty) {
            return Err(wrong(name, format!("it is missing; it is a `{written}`")));
        }
    }
    Ok(())
}

/// Says of which type an argument is, as it was written.
fn with_type(e: Error, call: Call<'_>, written: &str) -> Error {
    match e {
        Error::Unsendable { what, why } => Error::Unsendable {
            what,
            why: call.with(format!("{why} (it is a `{written}`)"), false),
        },
        other => other,
    }
}

/// The right name that somebody may have meant, or which names there are, in words that follow what is
/// wrong.
fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    const MOST: usize = 8;
    let names: Vec<_> = names.collect();
    let near = names
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name));
    match near.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((likeness, name)) if likeness > 0.4 => format!("; is `{name}` meant?"),
        Some(_) if names.len() <= MOST => format!("; there is `{}`", names.join("`, `")),
        _ => String::new(),
    }
}

/// How the name of a reference begins, as serde sees it.
const REFERENCE: &str = "Remote<";

/// What types refer to.
#[derive(Clone, Copy)]
struct Types<'a>(&'a [Definition]);

impl<'a> Types<'a> {
    fn definition(self, at: usize) -> Option<&'a Definition> {
        self.0.get(at)
    }

    fn defined(self, ty: &Type) -> Option<&'a Definition> {
        match ty {
            Type::Defined(at) => self.definition(*at),
            _ => None,
        }
    }

    fn is_option(self, ty: &Type) -> bool {
        matches!(self.defined(ty), Some(Definition::Optional(_)))
    }

    /// Whether a word of a command line is a value of it as it stands.
    fn is_word(self, ty: &Type) -> bool {
        match (ty, self.defined(ty)) {
            (Type::Text | Type::Char | Type::Bytes, _) => true,
            (Type::Newtype(_, inner), _) => self.is_word(inner),
            (_, Some(Definition::Optional(held))) => self.is_word(held),
            _ => false,
        }
    }

    /// Whether a value of it is a text in JSON.
    fn is_text(self, ty: &Type) -> bool {
        match ty {
            Type::Text | Type::Char | Type::Bytes => true,
            Type::Newtype(_, inner) => self.is_text(inner),
            _ => matches!(self.defined(ty), Some(Definition::Enum { .. })),
        }
    }

    /// What a value of it is, in words.
    fn words(self, ty: &Type) -> String {
        self.words_within(ty, 2)
    }

    /// The same, told so many levels deep: a type may hold itself.
    fn words_within(self, ty: &Type, levels: usize) -> String {
        let Some(levels) = levels.checked_sub(1) else {
            return "another value".into();
        };
        let part = |ty| self.words_within(ty, levels);
        match ty {
            Type::Bool => "true or false".into(),
            Type::Integer { bits, signed: true } => format!("a whole number of {bits} bits"),
            Type::Integer { bits, .. } => format!("a whole number of {bits} bits, not negative"),
            Type::Float(_) => "a number".into(),
            Type::Char => "a text of one character".into(),
            Type::Text => "a text".into(),
            Type::Bytes => "a text, or a list of bytes".into(),
            Type::Unit => "null".into(),
            Type::Tuple(parts) => format!("a list of {} values", parts.len()),
            Type::Struct { name, fields } => {
                let names: Vec<_> = fields.iter().map(|(name, _)| &**name).collect();
                let of = format!("an object of `{}`", names.join("`, `"));
                match name.as_str() {
                    "" => of,
                    name => format!("a `{name}`, {of}"),
                }
            }
            Type::Newtype(name, _) if name.starts_with(REFERENCE) => format!("a `{name}`"),
            Type::Newtype(name, inner) => match &**inner {
                Type::Defined(_) => format!("a `{name}`: {}", part(inner)),
                inner => self.words_within(inner, levels + 1),
            },
            Type::Defined(at) => match self.definition(*at) {
                Some(Definition::Optional(held)) => format!("null, or {}", part(held)),
                Some(Definition::List(element)) => {
                    format!("a list, of which each is {}", part(element))
                }
                Some(Definition::Map(..)) => "an object".into(),
                Some(Definition::Enum { name, variants }) => {
                    let there = variants.iter().filter(|(_, ty)| ty.is_some());
                    let names: Vec<_> = there.map(|(name, _)| &**name).collect();
                    format!("a `{name}`, one of `{}`", names.join("`, `"))
                }
                None => "of a type that the server does not tell".into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Chain {
        next: Option<Box<Chain>>,
    }

    /// Of which JSON cannot say how long it is.
    #[derive(Deserialize)]
    struct Nested(#[allow(dead_code, reason = "looked at")] Option<Box<Nested>>);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Many {
        Unit,
        New(i64),
        Tuple(u8, String),
        Struct {
            a: Vec<Option<u16>>,
            b: (char, bool),
        },
        Map(BTreeMap<String, f64>),
        Chain(Chain),
    }

    fn chain() -> impl Strategy<Value = Chain> {
        let longer = |next| Chain {
            next: Some(Box::new(next)),
        };
        (0..20_usize).prop_map(move |n| (0..n).fold(Chain { next: None }, |chain, _| longer(chain)))
    }

    fn many() -> impl Strategy<Value = Many> {
        let numbers = -1e9..1e9_f64;
        prop_oneof![
            Just(Many::Unit),
            any::<i64>().prop_map(Many::New),
            any::<(u8, String)>().prop_map(|(a, b)| Many::Tuple(a, b)),
            any::<(Vec<Option<u16>>, (char, bool))>().prop_map(|(a, b)| Many::Struct { a, b }),
            proptest::collection::btree_map(any::<String>(), numbers, 0..4).prop_map(Many::Map),
            chain().prop_map(Many::Chain),
        ]
    }

    fn structure() -> Structure {
        let mut shape = Shape::new();
        shape.add::<Many>();
        shape.word("failure");
        shape.structure(0).expect("all of it is seen")
    }

    fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        Encoder::new(&mut out, 0, usize::MAX)
            .put(value)
            .expect("it can be sent");
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn json_is_the_same_bytes_as_the_value(many in many()) {
            let structure = structure();
            let types = Types(&structure.definitions);
            let ty = structure.answer.as_ref().expect("an answer");
            // As serde_json has it.
            let value = serde_json::to_value(&many).expect("it is JSON");
            prop_assert_eq!(encoded(&Told { types, ty, value: &value }), encoded(&many));
            prop_assert_eq!(read(&encoded(&many), &structure.answer, &structure), Ok(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_wrong(body: Vec<u8>) {
            let structure = structure();
            let _ = read(&body, &structure.answer, &structure);
            let _ = answer(Call::of("x", "f"), Kind::Told, &body, &structure);
        }
    }

    #[test]
    fn a_type_that_holds_itself_is_told_in_a_few_words() {
        let structure = structure();
        let types = Types(&structure.definitions);
        let mut shape = Shape::new();
        shape.add::<Nested>();
        shape.word("failure");
        let chain = shape.structure(0).expect("all of it is seen");
        let ty = chain.answer.expect("an answer");
        assert_eq!(
            Types(&chain.definitions).words(&ty),
            "a `Nested`: null, or another value"
        );
        let wrong = Told {
            types,
            ty: &Type::Bool,
            value: &json!([1]),
        };
        let e = Encoder::new(&mut Vec::new(), 0, 100)
            .put(&wrong)
            .unwrap_err();
        assert_eq!(
            format!("{e:?}"),
            r#"Unsendable("it must be true or false, and is [1]")"#
        );
    }

    /// What a server says of its types is a peer's word.
    #[test]
    fn types_that_cannot_be_end() {
        let definitions = [Definition::Optional(Type::Newtype(
            "X".into(),
            Box::new(Type::Defined(0)),
        ))];
        let structure = Structure {
            answer: Some(Type::Defined(0)),
            definitions: definitions.into(),
            ..Structure::default()
        };
        assert!(read(&[1; 100_000], &structure.answer, &structure).is_err());
        let ty = Type::Defined(0);
        let types = Types(&structure.definitions);
        assert!(!types.words(&ty).is_empty());
        let lost = Type::Defined(7);
        assert!(
            Encoder::new(&mut Vec::new(), 0, 9)
                .put(&Told {
                    types,
                    ty: &lost,
                    value: &json!(1)
                })
                .is_err()
        );
    }
}
