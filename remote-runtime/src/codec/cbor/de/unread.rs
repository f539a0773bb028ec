//! What is wrong with a value, in words for people that wrote it as JSON.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// Why bytes are not the value that they should be, and where in it.
#[derive(Debug)]
pub(crate) struct Unread {
    why: String,
    /// The fields and places that lead there, the innermost first.
    path: Vec<String>,
}

impl Unread {
    pub(super) fn new(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            path: Vec::new(),
        }
    }

    /// Adds the names that there are.
    pub(super) fn with_names(mut self, names: &[&str]) -> Self {
        self.why.push_str(&there_is(names));
        self
    }

    pub(super) fn within(mut self, part: impl FnOnce() -> String) -> Self {
        self.path.push(part());
        self
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            let path: String = self.path.iter().rev().map(String::as_str).collect();
            write!(f, "at `{}`: ", path.trim_start_matches('.'))?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Unread {}

impl Error for Unread {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self {
            why: why.to_string(),
            path: Vec::new(),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (found, expected) = (words(found), expected_words(expected));
        Self::custom(format_args!("it must be {expected}, and is {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("it must be {expected}, and has {length}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("its field `{field}` is missing"))
    }

    fn unknown_field(field: &str, fields: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "it has no field `{field}`{}",
            there_is(fields)
        ))
    }

    fn unknown_variant(variant: &str, variants: &'static [&'static str]) -> Self {
        let there = there_is(variants);
        Self::custom(format_args!("it has no variant `{variant}`{there}"))
    }
}

/// The longest text that an error shows, in bytes.
const SHORT: usize = 60;

/// The names that there are, for the end of a sentence.
fn there_is(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        names => format!("; there is `{}`", names.join("`, `")),
    }
}

/// What was found, as JSON has it.
fn words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => value.to_string(),
        Unexpected::Unit | Unexpected::Option => "null".into(),
        Unexpected::Str(text) if text.len() > SHORT => {
            format!("\"{}…\"", &text[..text.floor_char_boundary(SHORT)])
        }
        Unexpected::Str(text) => format!("\"{text}\""),
        Unexpected::Seq | Unexpected::TupleVariant => "a list".into(),
        Unexpected::Map | Unexpected::StructVariant => "an object".into(),
        Unexpected::Bytes(_) => "bytes".into(),
        other => other.to_string(),
    }
}

/// What was expected, in the same way, where serde has a word for it.
fn expected_words(expected: &dyn Expected) -> String {
    let words = expected.to_string();
    if let Some((sign, bits)) = words.split_at_checked(1)
        && let ("i" | "u", "8" | "16" | "32" | "64" | "128") = (sign, bits)
    {
        let natural = if sign == "u" { ", not negative" } else { "" };
        return format!("a whole number of {bits} bits{natural}");
    }
    match &*words {
        "a boolean" => "true or false".into(),
        "a character" => "a text of one character".into(),
        "a string" | "a borrowed string" => "a text".into(),
        "byte array" | "a byte array" | "a borrowed byte array" => "bytes".into(),
        "a sequence" => "a list".into(),
        "a map" => "an object".into(),
        "f32" | "f64" => "a number".into(),
        "unit" => "null".into(),
        words => match words.split_once(' ') {
            Some(("enum", name)) => format!("a `{name}`"),
            Some(("struct", name)) => format!("an object, a `{name}`"),
            _ => words.to_owned(),
        },
    }
}
