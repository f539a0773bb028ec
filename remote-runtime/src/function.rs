//! The functions that a program serves, as the macro describes them.

use std::collections::HashMap;
use std::fmt;

use crate::codec::{Decoder, Encoder, Unencoded};
use crate::wire::Kind;
use crate::wire::fault::Fault;
use serde::Serialize;

/// One remote function: what its server must know to run it.
#[derive(Debug)]
pub struct Function {
    /// Its name on the wire: `post`, `BBoard::post`.
    pub name: &'static str,
    /// Where it was written, as `file:line`.
    pub place: (&'static str, u32),
    /// Takes the arguments off a message, runs the function, and puts down how it ended.
    pub handler: Handler,
}

/// What the macro writes for a function.
pub type Handler = fn(&mut Decoder<'_>, &mut Reply<'_>) -> Result<(), Fault>;

/// Where a function's end is put down.
#[derive(Debug)]
pub struct Reply<'b> {
    encoder: Encoder<'b>,
    kind: Kind,
}

impl<'b> Reply<'b> {
    pub(crate) fn new(encoder: Encoder<'b>) -> Self {
        Self {
            encoder,
            kind: Kind::Answer,
        }
    }

    /// What kind of frame the reply is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn answer<T: Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        Ok(self.encoder.put(value)?)
    }

    pub(crate) fn raise<E: Serialize>(&mut self, error: &E) -> Result<(), Fault> {
        self.kind = Kind::Raised;
        Ok(self.encoder.put(error)?)
    }
}

impl From<Unencoded> for Fault {
    /// Of an answer: arguments are encoded at the client.
    fn from(e: Unencoded) -> Self {
        match e {
            Unencoded::Unsendable(why) => Self::Unsendable {
                argument: None,
                why,
            },
            Unencoded::TooLarge { size, limit } => Self::TooLarge {
                size: size as u64,
                limit: limit as u64,
                answer: true,
            },
        }
    }
}

/// The functions of one server, by name.
#[derive(Debug)]
pub struct Table(HashMap<&'static str, &'static Function>);

/// Two functions of one name on one server.
#[derive(Debug)]
pub struct Duplicate(pub &'static Function, pub &'static Function);

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = if self.0.place < self.1.place {
            (self.0, self.1)
        } else {
            (self.1, self.0)
        };
        write!(
            f,
            "`{}` is the name of two functions, at {}:{} and at {}:{}; give one of them another with `name = \"…\"`",
            a.name, a.place.0, a.place.1, b.place.0, b.place.1
        )
    }
}

impl Table {
    /// A table of these functions.
    ///
    /// # Errors
    /// If two have one name.
    pub fn of(functions: impl Iterator<Item = &'static Function>) -> Result<Self, Duplicate> {
        let mut table: HashMap<&'static str, &'static Function> = HashMap::new();
        for function in functions {
            if let Some(other) = table.insert(function.name, function) {
                return Err(Duplicate(other, function));
            }
        }
        Ok(Self(table))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'static Function> {
        self.0.get(name).copied()
    }
}
