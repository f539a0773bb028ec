//! Calls without the compiled types: the feature `json`.
//!
//! A server says how the types of its functions lie on the wire ([`Structure`]). So JSON becomes the
//! very bytes that a compiled client would send, and the answer's bytes become JSON: the server does
//! not know the difference, and all of its checks, limits and hooks are the same.

mod decode;
mod encode;

use serde_json::{Map, Value};

use crate::client::{self, Encode, Reply, Request, Route};
use crate::codec::{Decoder, Encoder, Undecoded};
use crate::error::{Call, Error, Record, Result};
use crate::function::{self, Handler};
use crate::registry;
use crate::server::Server;
use crate::session::scope::{self, Scope};
use crate::shape::{Definition, Structure, Type};
use crate::wire::Kind;
use crate::wire::fault::Fault;
use crate::wire::interface::{Function, Interface};
use decode::Expected;
use encode::Told;

impl Server {
    /// Calls a function by its name on the wire, with its arguments as JSON, by their names.
    ///
    /// What serde sees decides how values are written: a struct is an object, an enum as `serde_json`
    /// has it by default, `None` is `null` and can be left out, bytes and paths are texts or lists of
    /// numbers, numbers beyond 64 bits are texts. A reference (`Remote<T>`) is answered as a text that
    /// names its type.
    ///
    /// The inner `Err` is what the function has failed with, if that travels as its own type.
    ///
    /// # Errors
    /// As of any call; [`Error::UnknownFunction`] and [`Error::Unsendable`] say which name or argument is
    /// wrong, and what it should be.
    pub fn call_json(
        &'static self,
        function: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Result<Value, Value>> {
        let interface = self.interface()?;
        let call = Call::of(self.name(), function);
        let found = find(&interface, call, function)?;
        let Some(structure) = &found.structure else {
            return Err(Error::Unsendable {
                what: "a value".into(),
                why: call.with("the server does not show all of its types".into(), false),
            });
        };
        check_names(found, call, arguments)?;
        let mut encode = |encoder: &mut Encoder<'_, '_>| {
            let types = Types(&structure.definitions);
            for ((name, written), ty) in found.arguments.iter().zip(&structure.arguments) {
                let value = arguments.get(name).unwrap_or(&Value::Null);
                let put = encoder.put(&Told { types, ty, value });
                put.map_err(|e| with_type(client::unsent(call, e, name), call, written))?;
            }
            Ok(())
        };
        let (kind, answer) = if self.is_local() {
            let (kind, body) = self.run_here(call, found, &mut encode)?;
            (kind, read(kind, &body, structure))
        } else {
            let reply = self.exchange(call, found, &mut encode)?;
            let answer = read(reply.kind(), reply.body(), structure);
            // It does not count as read: nobody holds the references that were in it.
            (reply.kind(), answer)
        };
        let value = answer.map_err(|e| {
            let why = format_args!("its answer cannot be read: {e}");
            Error::Malformed(call.trouble(why).after_sending())
        })?;
        Ok(match kind {
            Kind::Raised => Err(value),
            _ => Ok(value),
        })
    }

    fn exchange(
        &'static self,
        call: Call<'_>,
        found: &Function,
        encode: Encode<'_, '_>,
    ) -> Result<Reply> {
        let way = self.way(call)?;
        let request = Request {
            call,
            holdings: self.client().holdings(way.key()),
            program: &found.package,
            fingerprint: &|| found.fingerprint,
            idempotent: found.idempotent,
            trace: None,
            wants_block: false,
            record: &|_| Record::default(),
        };
        self.client().exchange(&request, &way, encode)
    }

    /// Runs a function of this process as its server would.
    fn run_here(
        &'static self,
        call: Call<'_>,
        found: &Function,
        encode: Encode<'_, '_>,
    ) -> Result<(Kind, Vec<u8>)> {
        let (mut arguments, mut body) = (Vec::new(), Vec::new());
        encode(&mut Encoder::new(&mut arguments, 0, usize::MAX))?;
        let table = registry::table_of(self).map_err(|e| Error::Mismatch(call.trouble(e)))?;
        let mut reply = function::Reply::new(Encoder::new(&mut body, 0, usize::MAX));
        let _entered = scope::enter(Scope::Outside);
        let mut run = |handler: Handler| handler(&mut Decoder::new(&arguments), &mut reply);
        let function = table.get(&found.name);
        if let Err(fault) = function.map_or(Err(Fault::UnknownFunction), |it| run(it.handler)) {
            body.clear();
            fault.put(&mut body);
            return Err(client::fault_error(call, &body));
        }
        let (kind, block) = (reply.kind(), reply.into_block());
        body.extend_from_slice(&block);
        Ok((kind, body))
    }
}

fn read(kind: Kind, body: &[u8], structure: &Structure) -> Result<Value, Undecoded> {
    let ty = match kind {
        Kind::Raised => &structure.error,
        _ => &structure.answer,
    };
    let missing = || Undecoded::Wrong("the server does not say of what type it is".into());
    let ty = ty.as_ref().ok_or_else(missing)?;
    let types = Types(&structure.definitions);
    let mut decoder = Decoder::new(body);
    let value = decoder.take_with(Expected { types, ty })?;
    decoder.finish().map(|()| value)
}

fn find<'i>(interface: &'i Interface, call: Call<'_>, name: &str) -> Result<&'i Function> {
    let mut functions = interface.functions.iter();
    functions
        .clone()
        .find(|function| function.name == name)
        .ok_or_else(|| {
            let hint = nearest(name, functions.by_ref().map(|function| &*function.name));
            Error::UnknownFunction(
                call.trouble(format_args!("the server offers no such function{hint}")),
            )
        })
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

/// The right name that somebody may have meant, in words that follow what is wrong.
fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    let near = names.map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name));
    match near.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((likeness, name)) if likeness > 0.4 => format!("; is `{name}` meant?"),
        _ => String::new(),
    }
}

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
                format!("a `{name}`, an object of `{}`", names.join("`, `"))
            }
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
        #[test]
        fn json_is_the_same_bytes_as_the_value(many in many()) {
            let structure = structure();
            let types = Types(&structure.definitions);
            let ty = structure.answer.as_ref().expect("an answer");
            // As serde_json has it.
            let value = serde_json::to_value(&many).expect("it is JSON");
            prop_assert_eq!(encoded(&Told { types, ty, value: &value }), encoded(&many));
            prop_assert_eq!(read(Kind::Answer, &encoded(&many), &structure), Ok(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_wrong(body: Vec<u8>) {
            let _ = read(Kind::Answer, &body, &structure());
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
        assert!(read(Kind::Answer, &[1; 100_000], &structure).is_err());
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
