//! Sends calls over connections that are kept for the next call.
//!
//! What makes it more than a write and a read is that a call must never run twice, and should run
//! where it can: a call that certainly has not run is sent again, unseen by the caller, and one
//! that may have run is [`Error::Lost`]. It has certainly not run if
//!
//! - its bytes could not all be written, or were not all read when the connection ended: a server
//!   runs nothing of which it has only a part;
//! - the connection ended before the server's hello: nothing runs before that is sent;
//! - the server said [`Goodbye`](Kind::Goodbye) and had not taken it.

mod connection;
mod control;
mod fault;

use std::fmt;
use std::os::unix::net::UnixStream;

use parking_lot::Mutex;

use crate::codec::{Encoder, Unencoded};
use crate::error::{Call, Error};
use crate::wire::Kind;
use connection::{Connection, Ended};

pub(crate) use control::{ask_to_stop, is_staying, status, stop};

/// How many connections wait for the next call at the most; one that is used more is closed.
const MOST_IDLE: usize = 64;

/// How often a call that has not run is sent again. A server that restarts costs one.
const ATTEMPTS: usize = 8;

/// The connections of this process to one server.
#[derive(Debug)]
pub(crate) struct Client {
    idle: Mutex<Vec<Connection>>,
}

/// How a client comes to its server: the client itself knows no addresses and starts nothing.
pub(crate) trait Route {
    /// Connects, with all that this takes.
    fn connect(&self, call: Call<'_>) -> Result<UnixStream, Error>;

    /// The largest body of a message, in bytes.
    fn limit(&self) -> usize;

    /// The address, for people.
    fn address(&self) -> &dyn fmt::Display;
}

/// Encodes a call's arguments.
pub(crate) type Encode<'a> = &'a mut dyn FnMut(&mut Encoder<'_>) -> Result<(), Error>;

impl Client {
    pub(crate) const fn new() -> Self {
        Self {
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends a call and waits for how it ends: with an answer, an error value, or an error.
    pub(crate) fn exchange(
        &self,
        call: Call<'_>,
        route: &dyn Route,
        encode: Encode<'_>,
    ) -> Result<Reply<'_>, Error> {
        let mut connection = self.idle.lock().pop().unwrap_or_default();
        let ended = converse(&mut connection, call, route, encode);
        // From here on the connection goes back, however this ends.
        let mut reply = Reply {
            client: self,
            connection: Some(connection),
            kind: Kind::Fault,
        };
        reply.kind = ended?;
        if reply.kind == Kind::Fault {
            return Err(fault::error(call, reply.body()));
        }
        Ok(reply)
    }

    fn put_back(&self, mut connection: Connection) {
        connection.trim();
        let mut idle = self.idle.lock();
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }
}

/// Makes attempts until one ends with a reply.
fn converse(
    connection: &mut Connection,
    call: Call<'_>,
    route: &dyn Route,
    encode: Encode<'_>,
) -> Result<Kind, Error> {
    connection.prepare(call, route.limit(), encode)?;
    for _ in 0..ATTEMPTS {
        if let Ended::Replied(kind) = connection.attempt(call, route)? {
            return Ok(kind);
        }
    }
    Err(Error::Unreachable(call.trouble(format_args!(
        "the server at `{}` ended the connection {ATTEMPTS} times before it took the call; see what its log says",
        route.address()
    ))))
}

/// A reply that lies in its connection's buffer; the connection goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reply<'c> {
    client: &'c Client,
    connection: Option<Connection>,
    kind: Kind,
}

impl Reply<'_> {
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.connection.as_ref().map_or(&[], Connection::body)
    }
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.client.put_back(connection);
        }
    }
}

/// The error of a call whose arguments could not be encoded.
pub(crate) fn unsent(call: Call<'_>, e: Unencoded, argument: &str) -> Error {
    match e {
        Unencoded::Unsendable(why) => Error::Unsendable {
            what: format!("the argument `{argument}`"),
            why: call.with(why, false),
        },
        Unencoded::TooLarge { size, limit } => Error::TooLarge {
            size,
            limit: call.with(limit, false),
        },
    }
}
