//! What is done with the types of a function, one after the other.

use std::slice;

use serde::{Deserialize, Serialize};

use super::Function;
use crate::codec::cbor::{Block, Reader};
use crate::codec::{Encoder, Number, Undecoded, Unencoded};
use crate::session::scope::{self, Scope};
use crate::shape::{OPTION, Shape};
use crate::wire::fault::Fault;

/// Visits the types of a function: of its arguments, of its answer, and of its error.
#[derive(Debug)]
pub struct TypeVisitor<'t>(Purpose<'t>);

#[derive(Debug)]
enum Purpose<'t> {
    /// To see what they are.
    Show(&'t mut Shape),
    /// To encode arguments that came as CBOR as a compiled caller does.
    Encode(Arguments<'t>),
}

/// Arguments that came as CBOR.
#[derive(Debug)]
struct Arguments<'t> {
    reader: Reader<'t>,
    encoder: Encoder<'t, 'static>,
    /// The names and types of those that come yet.
    left: slice::Iter<'static, (&'static str, &'static str)>,
    wrong: Option<Fault>,
}

impl<'t> TypeVisitor<'t> {
    /// Adds the types to a shape.
    pub(super) fn showing(shape: &'t mut Shape) -> Self {
        Self(Purpose::Show(shape))
    }

    /// A type that is read and written by serde.
    pub fn value<T: Serialize + Deserialize<'t>>(&mut self) {
        match &mut self.0 {
            Purpose::Show(shape) => shape.add_written::<T>(),
            Purpose::Encode(arguments) => arguments.encode(|reader, encoder| {
                if encoder.is_plain() {
                    return Ok(encoder.put_encoded(reader.take_bytes::<T>()?)?);
                }
                Ok(encoder.put(&reader.take::<T>()?)?)
            }),
        }
    }

    /// Numbers in a row.
    pub fn numbers<N: Number>(&mut self) {
        match &mut self.0 {
            Purpose::Show(shape) => shape.add::<Vec<N>>(),
            Purpose::Encode(arguments) => arguments.encode(|reader, encoder| {
                if encoder.is_plain() {
                    return Ok(encoder.put_encoded(reader.take_bytes::<Vec<N>>()?)?);
                }
                Ok(encoder.put_numbers(&reader.take::<Vec<N>>()?)?)
            }),
        }
    }

    /// Bytes that travel as one block, and are a text where the system has them as paths and the like.
    pub fn block(&mut self, is_text: bool) {
        match &mut self.0 {
            Purpose::Show(shape) => shape.block(is_text),
            Purpose::Encode(arguments) => arguments.encode(|reader, encoder| {
                let Block(bytes) = reader.take()?;
                Ok(encoder.put_bytes(&bytes)?)
            }),
        }
    }

    /// The same, which may be missing.
    pub fn optional_block(&mut self, is_text: bool) {
        match &mut self.0 {
            Purpose::Show(shape) => {
                shape.word(OPTION);
                shape.block(is_text);
            }
            Purpose::Encode(arguments) => arguments
                .encode(|reader, encoder| Ok(encoder.put(&reader.take::<Option<Block<'_>>>()?)?)),
        }
    }

    /// What does not travel as its own type.
    pub fn word(&mut self, word: &str) {
        match &mut self.0 {
            Purpose::Show(shape) => shape.word(word),
            Purpose::Encode(_) => {}
        }
    }
}

/// Why an argument cannot be encoded.
enum Wrong {
    Unread(Undecoded),
    Unwritten(Unencoded),
}

impl From<Undecoded> for Wrong {
    fn from(e: Undecoded) -> Self {
        Self::Unread(e)
    }
}

impl From<Unencoded> for Wrong {
    fn from(e: Unencoded) -> Self {
        Self::Unwritten(e)
    }
}

impl<'t> Arguments<'t> {
    /// Encodes the next argument, if there is one: the answer's types come after them.
    fn encode(
        &mut self,
        next: impl FnOnce(&mut Reader<'t>, &mut Encoder<'t, 'static>) -> Result<(), Wrong>,
    ) {
        if self.wrong.is_some() {
            return;
        }
        let Some((name, ty)) = self.left.next() else {
            return;
        };
        let why = match next(&mut self.reader, &mut self.encoder) {
            Ok(()) => return,
            Err(Wrong::Unread(e)) => e.to_string(),
            Err(Wrong::Unwritten(Unencoded::Unsendable(why))) => why,
            Err(Wrong::Unwritten(Unencoded::TooLarge { size, limit })) => {
                self.wrong = Some(Fault::TooLarge {
                    size: size as u64,
                    limit: limit as u64,
                    answer: false,
                });
                return;
            }
        };
        self.wrong = Some(Fault::Unsendable {
            argument: Some((*name).to_owned()),
            why: format!("{why} (it is a `{ty}`)"),
        });
    }
}

impl Function {
    /// The arguments as a compiled caller sends them, of which `arguments` is the list as CBOR. They may
    /// take `limit` bytes.
    ///
    /// # Errors
    /// If they are not all there, or one is not of its type.
    pub(crate) fn encode(&self, arguments: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
        let malformed = |e: Undecoded| Fault::Malformed(format!("its arguments: {e}"));
        let mut encoded = Vec::new();
        let mut reader = Reader::new(arguments);
        let count = reader.take_list().map_err(malformed)?;
        if count != self.arguments.len() as u64 {
            let why = format!("it takes {} arguments, not {count}", self.arguments.len());
            return Err(Fault::Malformed(why));
        }
        let mut visitor = TypeVisitor(Purpose::Encode(Arguments {
            reader,
            encoder: Encoder::new(&mut encoded, 0, limit).in_form(self.form()),
            left: self.arguments.iter(),
            wrong: None,
        }));
        let entered = scope::enter(Scope::Converting);
        (self.visit)(&mut visitor);
        drop(entered);
        let TypeVisitor(Purpose::Encode(Arguments { reader, wrong, .. })) = visitor else {
            return Err(Fault::Malformed("its arguments are none".into()));
        };
        match wrong {
            Some(fault) => Err(fault),
            None => reader.finish().map_err(malformed).map(|()| encoded),
        }
    }
}
