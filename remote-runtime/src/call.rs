//! The one door: run the function here, or find its server and send the call there.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client;
use crate::codec::{Decoder, Encoder, Undecoded, Unencoded};
use crate::error::{Call, Error};
use crate::server::Server;
use crate::wire::Kind;

/// What the macro leaves at the beginning of a remote function: which one it is.
#[derive(Debug)]
pub struct Stub {
    server: &'static Server,
    function: &'static str,
}

impl Stub {
    /// The stub of the function of that name on that server.
    #[must_use]
    pub const fn new(server: &'static Server, function: &'static str) -> Self {
        Self { server, function }
    }

    /// The way to the server, or `None` if the function's body is to run here.
    #[inline]
    #[must_use]
    pub fn away(&'static self) -> Option<Away> {
        if self.server.is_local() {
            None
        } else {
            Some(Away(self))
        }
    }

    fn call(&self) -> Call<'static> {
        Call::of(self.server.name(), self.function)
    }
}

/// Puts a call's arguments into its message.
pub type Send<'a> = &'a mut dyn FnMut(&mut Outgoing<'_, '_>) -> Result<(), Unencoded>;

/// The arguments of a call that is being sent.
#[derive(Debug)]
pub struct Outgoing<'e, 'b> {
    encoder: &'e mut Encoder<'b>,
    current: &'static str,
}

impl<'e, 'b> Outgoing<'e, 'b> {
    pub(crate) fn new(encoder: &'e mut Encoder<'b>) -> Self {
        Self {
            encoder,
            current: "",
        }
    }

    /// Sends the next argument.
    ///
    /// # Errors
    /// If it cannot be encoded or is too large.
    pub fn put<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unencoded> {
        self.current = name;
        self.encoder.put(value)
    }

    /// The argument that was sent last.
    pub(crate) fn current(&self) -> &'static str {
        self.current
    }
}

/// The way to the server of a function.
#[derive(Debug, Clone, Copy)]
pub struct Away(&'static Stub);

impl Away {
    /// Sends the call and waits for how it ends.
    pub(crate) fn exchange(self, send: Send<'_>) -> Result<Received<'static>, Error> {
        let Self(stub) = self;
        let call = stub.call();
        let mut encode = |encoder: &mut Encoder<'_>| {
            let mut outgoing = Outgoing::new(encoder);
            send(&mut outgoing).map_err(|e| client::unsent(call, e, outgoing.current()))
        };
        let reply = stub
            .server
            .client()
            .exchange(call, &stub.server.route(), &mut encode)?;
        Ok(Received { reply, call })
    }
}

/// A reply that has come, not yet decoded.
#[derive(Debug)]
pub struct Received<'c> {
    reply: client::Reply<'c>,
    call: Call<'c>,
}

impl Received<'_> {
    /// Whether it is an error of a type of its own.
    pub(crate) fn is_raised(&self) -> bool {
        self.reply.kind() == Kind::Raised
    }

    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        let mut decoder = Decoder::new(self.reply.body());
        let decoded = decoder
            .take()
            .and_then(|value| decoder.finish().map(|()| value));
        decoded.map_err(|e| self.unreadable(&e))
    }

    fn unreadable(&self, e: &Undecoded) -> Error {
        let what = if self.is_raised() { "error" } else { "answer" };
        match e {
            Undecoded::Wrong(why) => {
                let why = format_args!("its {what} cannot be read: {why}");
                Error::Malformed(self.call.trouble(why).after_sending())
            }
            Undecoded::NotSelfDescribing => {
                let why = self.call.with(e.to_string(), true);
                Error::Unsendable {
                    what: format!("the {what}"),
                    why,
                }
            }
        }
    }

    /// The error of an error value where none can be.
    pub(crate) fn unexpected(&self) -> Error {
        Error::Mismatch(
            self.call
                .trouble("the server sent an error of another type; restart it")
                .after_sending(),
        )
    }
}
