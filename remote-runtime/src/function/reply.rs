//! The reply to a call, as the handler of its function writes it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write};

use serde::Serialize;

use crate::codec::cbor::Block;
use crate::codec::{self, Encoder, Number};
use crate::error::{Error, Failure};
use crate::session::LONGEST_TEXT;
use crate::session::scope::{self, Scope};
use crate::thread;
use crate::wire::Kind;
use crate::wire::fault::Fault;

/// The reply of a function, which its handler writes.
#[derive(Debug)]
pub struct Reply<'b> {
    encoder: Encoder<'b, 'static>,
    kind: Kind,
    /// A large block that is its end.
    block: Vec<u8>,
    /// The failure that the function returned, as `Debug` has it.
    debug: Option<String>,
    /// Set if the caller does not have the types.
    wants_text: bool,
    /// The text of an error that travels as itself, for such a caller.
    text: Option<String>,
}

impl<'b> Reply<'b> {
    pub(crate) fn new(encoder: Encoder<'b, 'static>, wants_text: bool) -> Self {
        Self {
            wants_text,
            text: None,
            encoder,
            kind: Kind::Answer,
            block: Vec::new(),
            debug: None,
        }
    }

    /// The failure that the function returned, as `Debug` has it.
    pub(crate) fn take_debug(&mut self) -> Option<String> {
        self.debug.take()
    }

    /// What is to be sent after what was encoded.
    pub(crate) fn into_block(self) -> Vec<u8> {
        self.block
    }

    /// What kind of frame the reply is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn answer<T: Serialize>(&mut self, value: &T) -> Result<(), Fault> {
        scope::set(Scope::Server);
        Ok(self.encoder.put(value)?)
    }

    pub(crate) fn answer_block(&mut self, block: Vec<u8>, is_text: bool) -> Result<(), Fault> {
        if self.encoder.is_plain() {
            return self.answer_plain_block(&block, is_text);
        }
        if block.len() < codec::LARGE {
            return Ok(self.encoder.put_bytes(&block)?);
        }
        self.encoder.announce_block(&block)?;
        self.block = block;
        Ok(())
    }

    #[cold]
    fn answer_plain_block(&mut self, block: &[u8], is_text: bool) -> Result<(), Fault> {
        if !is_text {
            return Ok(self.encoder.put(&Block(Cow::Borrowed(block)))?);
        }
        let text = str::from_utf8(block).map_err(|_| Fault::Unsendable {
            argument: None,
            why: "it is a path, or another text of the system, that is not UTF-8".into(),
        })?;
        Ok(self.encoder.put(text)?)
    }

    pub(crate) fn answer_numbers<N: Number>(&mut self, numbers: &[N]) -> Result<(), Fault> {
        Ok(self.encoder.put_numbers(numbers)?)
    }

    /// Takes apart what the function failed with.
    pub(crate) fn fail(&mut self, e: &(dyn StdError + 'static)) -> Fault {
        let failure = Failure::of(e);
        // The `Debug` of ours shows nothing more.
        if e.is::<Error>() {
            return Fault::Failed(failure);
        }
        // Whose `Debug` panics has failed all the same.
        self.debug = thread::quietly(|| Beginning::of(format_args!("{e:?}")));
        Fault::Failed(failure)
    }

    /// Notes the text of an error that travels as itself, for a caller that does not have its type.
    pub(crate) fn tell(&mut self, error: &dyn fmt::Display) {
        if self.wants_text {
            self.text = Some(Beginning::of(format_args!("{error}")));
        }
    }

    pub(crate) fn raise<E: Serialize>(&mut self, error: &E) -> Result<(), Fault> {
        self.kind = Kind::Raised;
        if let Some(text) = self.text.take() {
            self.kind = Kind::Told;
            let length = u32::try_from(text.len()).unwrap_or(0).to_le_bytes();
            self.encoder
                .put_encoded(&[&length, text.as_bytes()].concat())?;
        }
        scope::set(Scope::Server);
        Ok(self.encoder.put(error)?)
    }
}

/// The beginning of a text that may be very long.
struct Beginning(String);

impl Beginning {
    fn of(text: fmt::Arguments<'_>) -> String {
        let mut beginning = Self(String::new());
        // It ends with an error where it is long enough.
        let _ = beginning.write_fmt(text);
        beginning.0
    }
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST_TEXT - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}
