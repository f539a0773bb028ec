//! The one door: run the function here, or find its server and send the call there.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::argument::Outbound;
use crate::client::{self, Request, Route};
use crate::codec::{self, Decoder, Encoder, Form, Undecoded, Unencoded};
use crate::error::{Call, Details, Error, Record, Recorded};
use crate::registry::Entry;
use crate::server::{Server, Way};
use crate::session::Far;
use crate::session::scope::{self, Entered, Scope};
use crate::wire::Kind;
use crate::wire::frame::Block;
use crate::wire::reference::Id;
use crate::{chain, explain, terminal, trace};

impl Entry {
    /// The way to the function's server, or `None` if its body is to run here.
    #[inline]
    #[must_use]
    pub fn away(&'static self) -> Option<Away<'static>> {
        if self.server.runs_here() {
            None
        } else {
            let entry = self;
            Some(Away { entry, far: None })
        }
    }

    /// The way to the object that a method is called on, or `None` if that is here.
    #[inline]
    #[must_use]
    pub fn away_to<'h>(&'static self, object: &'h impl Whereabouts) -> Option<Away<'h>> {
        let (entry, far) = (self, object.far());
        far.is_some().then_some(Away { entry, far })
    }

    fn call(&self) -> Call<'static> {
        Call::of(self.server.name(), self.function.name)
    }
}

/// Puts a call's arguments into its message, to which it lends them for `'v`.
pub type Send<'a, 'v> = &'a mut dyn FnMut(&mut Outgoing<'_, '_, 'v>) -> Result<(), Unencoded>;

/// The arguments of a call that is being sent.
#[derive(Debug)]
pub struct Outgoing<'e, 'b, 'v> {
    encoder: &'e mut Encoder<'b, 'v>,
    current: &'static str,
}

impl<'e, 'b, 'v> Outgoing<'e, 'b, 'v> {
    pub(crate) fn new(encoder: &'e mut Encoder<'b, 'v>) -> Self {
        Self {
            encoder,
            current: "",
        }
    }

    /// Sends the next argument.
    ///
    /// # Errors
    /// If it cannot be encoded or is too large.
    pub fn put(&mut self, name: &'static str, value: impl Outbound<'v>) -> Result<(), Unencoded> {
        self.current = name;
        value.put(self.encoder)
    }

    /// The argument that was sent last.
    pub(crate) fn current(&self) -> &'static str {
        self.current
    }
}

/// What knows whether an object is here.
pub trait Whereabouts {
    #[doc(hidden)]
    fn far(&self) -> Option<&Far>;
}

/// The way to the server of a function.
#[derive(Debug, Clone, Copy)]
pub struct Away<'h> {
    entry: &'static Entry,
    /// The object that it is called on.
    far: Option<&'h Far>,
}

impl Away<'_> {
    /// Sends the call and waits for how it ends; `None` if the function is to run here after all. Its
    /// answer may be nothing but a block.
    pub(crate) fn exchange<'v>(
        self,
        send: Send<'_, 'v>,
        is_block: bool,
    ) -> Option<Result<Received, Error>> {
        let Self { entry, far } = self;
        let Entry { server, function } = entry;
        let call = entry.call();
        let exchanged = trace::called(server.name(), function.name, |trace| {
            let mut way = match far {
                Some(far) => server.way_with(far.holdings().key),
                None => server.way(call)?,
            };
            way.apply(function.timeout, function.no_start);
            Self::exchange_by(&way, entry, send, is_block, trace)
        });
        match exchanged {
            Err(e) if function.or_local && e.has_no_server() => {
                explain::say(call, || {
                    format!("it runs here, since no server can be had: {e}")
                });
                None
            }
            exchanged => Some(exchanged),
        }
    }

    #[inline]
    fn exchange_by<'v>(
        way: &Way,
        entry: &'static Entry,
        send: Send<'_, 'v>,
        is_block: bool,
        trace: Option<u64>,
    ) -> Result<Received, Error> {
        let Entry { server, function } = entry;
        let call = entry.call();
        let holdings = server.client().holdings(way.key());
        let entered = scope::enter(Scope::Client {
            holdings,
            refers: false,
        });
        let mut encode = |encoder: &mut Encoder<'_, 'v>| {
            encoder.set_form(function.form());
            let mut outgoing = Outgoing::new(encoder);
            send(&mut outgoing).map_err(|e| e.of_argument(call, outgoing.current()))
        };
        let chain = chain::outgoing();
        let request = Request {
            call,
            holdings,
            program: function.program,
            version: function.version,
            fingerprint: &|| function.fingerprint(),
            idempotent: function.idempotent,
            trace,
            chain: chain.as_deref(),
            wants_block: is_block,
            is_plain: false,
            record: &|record| At::record(server, function.name, holdings.key, record),
        };
        let exchanged = server.client().exchange(&request, way, &mut encode);
        let reply = exchanged.inspect_err(print_if_wanted)?;
        Ok(Received {
            reply,
            form: function.form(),
            call,
            _entered: entered,
        })
    }
}

/// Where the details of an error are: in the server that has run the call.
#[derive(Debug)]
pub(crate) struct At {
    server: &'static Server,
    function: String,
    key: &'static str,
}

impl At {
    pub(crate) fn record(
        server: &'static Server,
        function: &str,
        key: &'static str,
        record: Id,
    ) -> Record {
        let function = function.to_owned();
        let at = Self {
            server,
            function,
            key,
        };
        Record::of(Arc::new(at), record)
    }
}

impl Recorded for At {
    fn fetch(&self, record: Id) -> Result<Details, Error> {
        let call = Call::of(self.server.name(), &self.function);
        let way = self.server.way_with(self.key);
        let ended = || Error::Gone(call.trouble(client::NO_SERVER));
        let stream = way.reconnect(call).ok_or_else(ended)?;
        client::details(call, &way, stream, record)
    }
}

/// With REMOTEX_DEBUG, tells of a failure all that the server knows.
#[cold]
pub(crate) fn print_if_wanted(e: &Error) {
    if !explain::is_on("REMOTEX_DEBUG") {
        return;
    }
    match (e.details(), e) {
        (Ok(details), _) => print(&format!("{details}")),
        // A server that aborts on panic has gone with all else that it knew.
        (Err(_), Error::Panicked { backtrace, .. }) => {
            let backtrace = backtrace.as_deref().unwrap_or_default();
            print(&format!("{e}\n{backtrace}"));
        }
        (Err(_), _) => {}
    }
}

fn print(words: &str) {
    let mut errors = std::io::stderr().lock();
    let words = match errors.is_terminal() {
        true => terminal::escaped(words),
        false => words.into(),
    };
    // Where nobody reads it, the error says it.
    let _ = writeln!(errors, "{words}");
}

/// A reply that has come, not yet decoded.
#[derive(Debug)]
pub struct Received {
    reply: client::Reply,
    form: Form,
    call: Call<'static>,
    /// References in it are to objects of the server that it has come from.
    _entered: Entered,
}

impl Received {
    /// Whether it is an error of a type of its own.
    pub(crate) fn is_raised(&self) -> bool {
        self.reply.kind() == Kind::Raised
    }

    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.decode_with(Decoder::take)
    }

    /// What `make` makes of a block.
    pub(crate) fn decode_block<T>(
        mut self,
        make: fn(Vec<u8>) -> Result<T, &'static str>,
    ) -> Result<T, Error> {
        let bytes = match self.reply.take_block() {
            Some(Block { length, bytes }) => codec::check_block(length, &bytes).map(|()| bytes),
            None => self.decoded(Decoder::take_block),
        };
        let made = bytes.and_then(|bytes| make(bytes).map_err(|why| Undecoded::Wrong(why.into())));
        self.reply.set_read();
        made.map_err(|e| self.unreadable(&e))
    }

    /// What `take` takes, which is all that there is.
    pub(crate) fn decode_with<'m, T>(
        &'m self,
        take: impl FnOnce(&mut Decoder<'m>) -> Result<T, Undecoded>,
    ) -> Result<T, Error> {
        self.decoded(take).map_err(|e| self.unreadable(&e))
    }

    fn decoded<'m, T>(
        &'m self,
        take: impl FnOnce(&mut Decoder<'m>) -> Result<T, Undecoded>,
    ) -> Result<T, Undecoded> {
        let mut decoder = Decoder::new(self.reply.body()).in_form(self.form);
        let value = take(&mut decoder)?;
        decoder.finish()?;
        self.reply.set_read();
        Ok(value)
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
