//! `Error` as a value that serde knows, so that error types of users can hold one and travel.
//!
//! Every combination of values is an error: one that was written by hand may lack details, and then
//! displays without them.

use std::error::Error as StdError;
use std::fmt;

use serde::de::{self, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Error, Failure, InCall, Trouble};

const FIELDS: [&str; 6] = [
    "kind",
    "message",
    "causes",
    "may_have_run",
    "call",
    "details",
];

/// The names of the variants of `Error`, by number; only ever append.
pub(crate) const KINDS: [&str; 14] = [
    "Unreachable",
    "Lost",
    "TimedOut",
    "Denied",
    "UnknownFunction",
    "Mismatch",
    "Panicked",
    "Failed",
    "TooLarge",
    "Unsendable",
    "Gone",
    "Busy",
    "Malformed",
    "Io",
];

/// The name of a variant.
#[derive(Clone, Copy)]
struct Kind(&'static str);

/// The fields of an error that is on its way.
struct Parts {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    may_have_run: bool,
    /// The call that it belongs to, in words, if its message is made of details.
    call: String,
    details: Vec<String>,
}

impl Parts {
    fn of(error: &Error) -> Self {
        let (call, details) = match error {
            Error::Panicked {
                message,
                location,
                backtrace,
            } => {
                let mut details = vec![message.clone(), location.to_string()];
                details.extend(backtrace.as_deref().map(str::to_owned));
                (location.call(), details)
            }
            Error::TooLarge { size, limit } => {
                (limit.call(), vec![size.to_string(), limit.to_string()])
            }
            Error::Unsendable { what, why } => (why.call(), vec![what.clone(), why.to_string()]),
            _ => ("", Vec::new()),
        };
        Self {
            kind: Kind(error.variant()),
            message: error.to_string(),
            causes: causes(error),
            may_have_run: error.may_have_run(),
            call: call.to_owned(),
            details,
        }
    }
}

/// The messages of an error's sources, outermost first.
pub(super) fn causes(error: &Error) -> Vec<String> {
    std::iter::successors(error.source(), |&e| e.source())
        .take(super::failure::MOST_CAUSES)
        .map(ToString::to_string)
        .collect()
}

impl From<Parts> for Error {
    fn from(parts: Parts) -> Self {
        let Parts {
            kind,
            message,
            causes,
            may_have_run,
            call,
            details,
        } = parts;
        let mut details = details.into_iter();
        let mut next = || details.next().unwrap_or_default();
        let trouble = |message, causes| Trouble::from_parts(message, causes, may_have_run);
        match kind.0 {
            "Panicked" => Self::Panicked {
                message: next(),
                location: InCall::from_parts(next(), call, true),
                backtrace: details.next().map(String::into_boxed_str),
            },
            "Failed" => Failure::from_parts(message, causes, None).into(),
            "TooLarge" => Self::TooLarge {
                size: next().parse().unwrap_or(0),
                limit: InCall::from_parts(next().parse().unwrap_or(0), call, may_have_run),
            },
            "Unsendable" => Self::Unsendable {
                what: next(),
                why: InCall::from_parts(next(), call, may_have_run),
            },
            "Unreachable" => Self::Unreachable(trouble(message, causes)),
            "Lost" => Self::Lost(trouble(message, causes)),
            "TimedOut" => Self::TimedOut(trouble(message, causes)),
            "Denied" => Self::Denied(trouble(message, causes)),
            "UnknownFunction" => Self::UnknownFunction(trouble(message, causes)),
            "Mismatch" => Self::Mismatch(trouble(message, causes)),
            "Gone" => Self::Gone(trouble(message, causes)),
            "Busy" => Self::Busy(trouble(message, causes)),
            "Malformed" => Self::Malformed(trouble(message, causes)),
            _ => Self::Io(trouble(message, causes)),
        }
    }
}

/// Its kind, its sentence, its causes, and whether the call may have run, as HTTP says them too; with
/// the call and the details of those that have fields.
///
/// An error that was read back has the same variant, `Display`, sources and
/// [`may_have_run`](Error::may_have_run). It has no [`details`](Error::details), and an `io::Error`
/// that it is turned into is of the kind that its variant says.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = Parts::of(self);
        let mut fields = serializer.serialize_struct("Error", FIELDS.len())?;
        fields.serialize_field("kind", &parts.kind)?;
        fields.serialize_field("message", &parts.message)?;
        fields.serialize_field("causes", &parts.causes)?;
        fields.serialize_field("may_have_run", &parts.may_have_run)?;
        fields.serialize_field("call", &parts.call)?;
        fields.serialize_field("details", &parts.details)?;
        fields.end()
    }
}

/// In a format with names, `call` and `details` may be left out.
impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = deserializer.deserialize_struct("Error", &FIELDS, PartsVisitor)?;
        Ok(parts.into())
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of remotex")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parts, A::Error> {
        fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
            seq: &mut A,
            at: usize,
        ) -> Result<T, A::Error> {
            seq.next_element()?
                .ok_or_else(|| de::Error::invalid_length(at, &"six fields"))
        }
        Ok(Parts {
            kind: next(&mut seq, 0)?,
            message: next(&mut seq, 1)?,
            causes: next(&mut seq, 2)?,
            may_have_run: next(&mut seq, 3)?,
            call: next(&mut seq, 4)?,
            details: next(&mut seq, 5)?,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
        let (mut kind, mut message, mut causes, mut may_have_run) = (None, None, None, None);
        let (mut call, mut details) = (String::new(), Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            match &*name {
                "kind" => kind = Some(map.next_value()?),
                "message" => message = Some(map.next_value()?),
                "causes" => causes = Some(map.next_value()?),
                "may_have_run" => may_have_run = Some(map.next_value()?),
                "call" => call = map.next_value()?,
                "details" => details = map.next_value()?,
                _ => drop(map.next_value::<de::IgnoredAny>()?),
            }
        }
        Ok(Parts {
            kind: kind.ok_or_else(|| de::Error::missing_field("kind"))?,
            message: message.ok_or_else(|| de::Error::missing_field("message"))?,
            causes: causes.ok_or_else(|| de::Error::missing_field("causes"))?,
            may_have_run: may_have_run.ok_or_else(|| de::Error::missing_field("may_have_run"))?,
            call,
            details,
        })
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbered = (0..).zip(KINDS).find(|(_, kind)| *kind == self.0);
        let at = numbered.map_or(0, |(at, _)| at);
        serializer.serialize_unit_variant("Kind", at, self.0)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("Kind", &KINDS, KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind of error")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Kind, A::Error> {
        let (Named(kind), variant) = data.variant()?;
        variant.unit_variant()?;
        Ok(kind)
    }
}

/// A kind as formats name it: by its number or its name.
struct Named(Kind);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(NamedVisitor)
    }
}

struct NamedVisitor;

impl Visitor<'_> for NamedVisitor {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a kind of error")
    }

    fn visit_u64<E: de::Error>(self, at: u64) -> Result<Named, E> {
        let kind = usize::try_from(at).ok().and_then(|at| KINDS.get(at));
        kind.map(|kind| Named(Kind(kind))).ok_or_else(|| {
            E::invalid_value(
                de::Unexpected::Unsigned(at),
                &"the number of a kind of error",
            )
        })
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Named, E> {
        let kind = KINDS.iter().find(|kind| **kind == name);
        kind.map(|kind| Named(Kind(kind)))
            .ok_or_else(|| E::unknown_variant(name, &KINDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error() -> impl Strategy<Value = Error> {
        let parts = any::<(String, Vec<String>, bool, String, Vec<String>)>();
        (0..KINDS.len(), parts).prop_map(|(at, (message, causes, may_have_run, call, details))| {
            let kind = Kind(KINDS[at]);
            Parts {
                kind,
                message,
                causes,
                may_have_run,
                call,
                details,
            }
            .into()
        })
    }

    fn told(e: &Error) -> (&'static str, String, bool, Vec<String>, String) {
        let debug = format!("{e:#?}");
        (
            e.variant(),
            e.to_string(),
            e.may_have_run(),
            causes(e),
            debug,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_error_is_read_back(error in error()) {
            let json = serde_json::to_string(&error).unwrap();
            let back: Error = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(told(&back), told(&error));
            let config = bincode::config::standard();
            let bytes = bincode::serde::encode_to_vec(&error, config).unwrap();
            let (back, _): (Error, _) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
            prop_assert_eq!(told(&back), told(&error));
        }
    }

    #[test]
    fn every_variant_has_a_number() {
        for kind in KINDS {
            let json = format!(
                r#"{{"kind":"{kind}","message":"m","causes":[],"may_have_run":false,"more":1}}"#
            );
            assert_eq!(
                serde_json::from_str::<Error>(&json).unwrap().variant(),
                kind
            );
        }
    }
}
