//! JSON for the values of functions: into the CBOR that a server takes from callers without the types, and
//! out of that of its answer; and what a server says of its types ([`Structure`]), for people and as a
//! schema. The feature `json`.

mod decode;
mod encode;
mod describe;
#[cfg(feature = "http")]
mod schema;

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use crate::codec::cbor::{self, REFERENCE_NAME};
use crate::codec::{Decoder, Encoder, Form, Undecoded};
use crate::error::{Call, Error, Result};
use crate::shape::{Definition, Type};
use crate::wire::Kind;
use crate::wire::interface::{Function, Interface};
use decode::Json;

pub use describe::{Described, InWords};
#[cfg(feature = "http")]
pub(crate) use schema::{FunctionSchemas, Schemas};

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
        let text = || Value::String(word.into());
        let at = self.arguments.iter().position(|(name, _)| name == argument);
        let Some(at) = at else {
            return text();
        };
        let json = || serde_json::from_str(word).unwrap_or_else(|_| text());
        let Some(structure) = &self.structure else {
            let (_, written) = &self.arguments[at];
            let is_text = ["&str", "String", "char", "&Path", "PathBuf"].contains(&&**written);
            return if is_text { text() } else { json() };
        };
        let types = Types(&structure.definitions);
        let Some(ty) = structure.arguments.get(at) else {
            return text();
        };
        match types.inner(ty) {
            Type::Text | Type::Char | Type::Bytes => text(),
            // JSON has no integers of more than 64 bits, but as texts.
            Type::Integer { .. } if is_large(word) => text(),
            _ => json(),
        }
    }

    /// Whether an argument can be left out.
    pub(crate) fn is_optional(&self, argument: usize) -> bool {
        match &self.structure {
            Some(structure) => {
                let ty = structure.arguments.get(argument);
                ty.is_some_and(|ty| Types(&structure.definitions).is_option(ty))
            }
            None => {
                let written = self.arguments.get(argument);
                written.is_some_and(|(_, ty)| ty.starts_with("Option<"))
            }
        }
    }
}

/// Whether a word is an integer of more than 64 bits.
fn is_large(word: &str) -> bool {
    let is_integer = word.parse::<u128>().is_ok() || word.parse::<i128>().is_ok();
    is_integer && word.parse::<u64>().is_err() && word.parse::<i64>().is_err()
}

/// Whether a function can be called with JSON, which has no references.
#[cfg(feature = "http")]
pub(crate) fn is_callable(function: &Function) -> bool {
    let Some(structure) = &function.structure else {
        return true;
    };
    let types = Types(&structure.definitions);
    !structure.arguments.iter().any(|ty| types.is_reference(ty))
}

/// The arguments of a call, as a list of CBOR.
pub(crate) fn encoded(
    function: &Function,
    call: Call<'_>,
    arguments: &Map<String, Value>,
) -> Result<Vec<u8>> {
    check_names(function, call, arguments)?;
    let mut encoded = Vec::new();
    cbor::put_list(&mut encoded, function.arguments.len());
    let start = encoded.len();
    let mut encoder = Encoder::new(&mut encoded, start, usize::MAX).in_form(Form::Plain);
    for (name, _) in &function.arguments {
        let value = arguments.get(name).unwrap_or(&Value::Null);
        let put = encoder.put(&encode::Json(value));
        put.map_err(|e| e.of_argument(call, name))?;
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
pub(crate) fn answer(call: Call<'_>, kind: Kind, body: &[u8]) -> Result<Result<Value, Raised>> {
    let read = match kind {
        Kind::Told => told(body).and_then(|(text, body)| {
            let (text, value) = (Some(text.into_owned()), read(body)?);
            Ok(Err(Raised { text, value }))
        }),
        Kind::Raised => read(body).map(|value| Err(Raised { text: None, value })),
        _ => read(body).map(Ok),
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

fn read(body: &[u8]) -> Result<Value, Undecoded> {
    let mut decoder = Decoder::new(body).in_form(Form::Plain);
    let Json(value) = decoder.take()?;
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
    for (at, (name, written)) in function.arguments.iter().enumerate() {
        if !arguments.contains_key(name) && !function.is_optional(at) {
            return Err(wrong(name, format!("it is missing; it is a `{written}`")));
        }
    }
    Ok(())
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

/// The most options and newtypes that are looked through.
const MOST_WRAPPERS: usize = 32;

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

    /// What it holds without options and newtypes, of which a type from a peer may have any number.
    fn inner<'t>(self, ty: &'t Type) -> &'t Type
    where
        'a: 't,
    {
        let mut inner = ty;
        for _ in 0..MOST_WRAPPERS {
            inner = match (inner, self.defined(inner)) {
                (Type::Newtype(_, held), _) => held,
                (_, Some(Definition::Optional(held))) => held,
                _ => break,
            };
        }
        inner
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
            Type::Newtype(name, _) if name.starts_with(REFERENCE_NAME) => format!("a `{name}`"),
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
    use crate::shape::{Shape, Structure};
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Nested(#[allow(dead_code, reason = "looked at")] Option<Box<Nested>>);

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_comes_back_from_cbor(value in json()) {
            let mut bytes = Vec::new();
            Encoder::new(&mut bytes, 0, usize::MAX).in_form(Form::Plain).put(&value).expect("it is CBOR");
            prop_assert_eq!(read(&bytes), Ok(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_wrong(body: Vec<u8>) {
            let _ = read(&body);
            let _ = answer(Call::of("x", "f"), Kind::Told, &body);
        }
    }

    #[test]
    fn what_json_does_not_have_is_written_in_one_way() {
        let json = |value: &dyn Fn(&mut Encoder<'_, '_>)| {
            let mut bytes = Vec::new();
            value(&mut Encoder::new(&mut bytes, 0, usize::MAX).in_form(Form::Plain));
            read(&bytes).expect("it is JSON").to_string()
        };
        let bytes = cbor::Block(b"ab".into());
        assert_eq!(json(&|out| out.put(&bytes).unwrap()), "[97,98]");
        let large = Map::from_iter([("$serde_json::private::Number".to_owned(), "12".into())]);
        assert_eq!(json(&|out| out.put(&large).unwrap()), "12");
        assert_eq!(
            json(&|out| out.put(&(u128::MAX, i128::MIN)).unwrap()),
            r#"["340282366920938463463374607431768211455","-170141183460469231731687303715884105728"]"#
        );
        assert_eq!(
            json(&|out| out.put(&(f64::NAN, f32::NEG_INFINITY, 0.1_f32)).unwrap()),
            r#"["NaN","-inf",0.1]"#
        );
        let pairs = std::collections::BTreeMap::from([((1, 2), "a")]);
        assert_eq!(json(&|out| out.put(&pairs).unwrap()), r#"[[[1,2],"a"]]"#);
    }

    #[test]
    fn a_type_that_holds_itself_is_told_in_a_few_words() {
        let mut shape = Shape::new();
        shape.add::<Nested>();
        shape.word("failure");
        let chain = shape.structure(0).expect("all of it is seen");
        let ty = chain.answer.expect("an answer");
        assert_eq!(
            Types(&chain.definitions).words(&ty),
            "a `Nested`: null, or another value"
        );
    }

    /// What a server says of its types is a peer's word.
    #[test]
    fn types_that_cannot_be_are_told_in_words() {
        let definitions = [Definition::Optional(Type::Newtype(
            "X".into(),
            Box::new(Type::Defined(0)),
        ))];
        let structure = Structure {
            answer: Some(Type::Defined(0)),
            definitions: definitions.into(),
            ..Structure::default()
        };
        let types = Types(&structure.definitions);
        assert!(!types.words(&Type::Defined(0)).is_empty());
        assert!(!types.words(&Type::Defined(7)).is_empty());
    }
}
