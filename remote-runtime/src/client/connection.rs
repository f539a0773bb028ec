//! One connection of a client, and what is known of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt, process};

use super::{Encode, Route};
use crate::codec::Encoder;
use crate::error::{Call, Error};
use crate::link::{Broken, Link, PATIENCE};
use crate::transport::Peer;
use crate::wire::fault::LARGEST_FAULT;
use crate::wire::frame::{self, HEADER, Refused};
use crate::wire::hello::Hello;
use crate::wire::{Kind, PROTOCOL, fields};

/// How long a server that is ending may take.
pub(super) const FAREWELL: Duration = Duration::from_secs(30);

/// What a connection that waits for its next call keeps of its buffers.
const ORDINARY: usize = 64 * 1024;

/// A connection, or, before its first call and after its end, the buffer for one.
#[derive(Debug, Default)]
pub(super) struct Connection {
    link: Option<Greeted>,
    /// The call as a frame, so that it can be sent again.
    request: Vec<u8>,
}

#[derive(Debug)]
struct Greeted {
    link: Link,
    /// The server's hello, once it has come.
    hello: Option<Hello>,
    /// How many calls were sent over it.
    sent: u64,
    /// Which process connected: a child of fork(2) has our connections, and must not use them.
    process: u32,
    /// Where this process was when it connected.
    directory: Option<PathBuf>,
}

/// How an attempt to call ended, if it did not end in an error.
pub(super) enum Ended {
    /// With a reply of that kind, which lies in [`Connection::body`].
    Replied(Kind),
    /// The call has certainly not run.
    NotRun,
}

impl Connection {
    /// Encodes the call.
    pub(super) fn prepare(
        &mut self,
        call: Call<'_>,
        limit: usize,
        encode: Encode<'_>,
    ) -> Result<(), Error> {
        let peers = self
            .link
            .as_ref()
            .and_then(|link| link.hello.as_ref())
            .map(|hello| hello.limit);
        let limit = limit.min(peers.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        }));
        let name = call.function.unwrap_or_default();
        self.request.clear();
        let at = frame::begin(&mut self.request);
        // The macro keeps names far below this length.
        self.request
            .extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.request.extend_from_slice(name.as_bytes());
        encode(&mut Encoder::new(&mut self.request, at + HEADER, limit))?;
        frame::end(&mut self.request, at, Kind::Call);
        Ok(())
    }

    /// Sends the call, over a new connection if there is none, and waits for how it ends.
    pub(super) fn attempt(&mut self, call: Call<'_>, route: &dyn Route) -> Result<Ended, Error> {
        let mut link = match self.link.take() {
            Some(link) if link.is_ours() => link,
            _ => Greeted {
                link: connect(call, route)?,
                hello: None,
                sent: 0,
                process: process::id(),
                directory: env::current_dir().ok(),
            },
        };
        let ended = link.converse(call, route, &self.request)?;
        if matches!(ended, Ended::Replied(_)) {
            self.link = Some(link);
        }
        Ok(ended)
    }

    /// Gives the memory of a large call back.
    pub(super) fn trim(&mut self) {
        self.request.clear();
        self.request.shrink_to(ORDINARY);
        if let Some(Greeted { link, .. }) = &mut self.link {
            link.trim();
        }
    }

    /// The body of the reply.
    pub(super) fn body(&self) -> &[u8] {
        self.link.as_ref().map_or(&[], |link| link.link.body())
    }
}

fn connect(call: Call<'_>, route: &dyn Route) -> Result<Link, Error> {
    let stream = route.connect(call)?;
    let peer = Peer::of(&stream).map_err(|e| call.io("its user cannot be checked", e))?;
    if !peer.is_us() {
        return Err(Error::Denied(call.trouble(format_args!(
            "who listens at `{}` is user {}, and not you; set another address",
            route.address(),
            peer.uid
        ))));
    }
    Ok(Link::new(Arc::new(stream)))
}

/// What a client's bytes begin with.
pub(super) fn hello(call: Call<'_>, limit: usize, directory: PathBuf) -> Hello {
    Hello {
        directory,
        debug: env::var_os("REMOTEX_DEBUG").is_some_and(|value| !value.is_empty() && value != "0"),
        ..Hello::here(call.server, limit)
    }
}

/// Reads the server's hello, and sees whether it is the one that is meant.
pub(super) fn greeted(
    call: Call<'_>,
    body: &[u8],
    address: &dyn fmt::Display,
) -> Result<Hello, Error> {
    let hello = Hello::read(body).map_err(|e| not_a_server(call, address, &e))?;
    if hello.server != call.server {
        return Err(Error::Mismatch(call.trouble(format_args!(
            "server `{}` listens at `{address}`; give one of the two another address",
            hello.server
        ))));
    }
    Ok(hello)
}

pub(super) fn not_a_server(
    call: Call<'_>,
    address: &dyn fmt::Display,
    e: &dyn fmt::Display,
) -> Error {
    Error::Malformed(call.trouble(format_args!(
        "what listens at `{address}` is no remotex server, its message is none: {e}"
    )))
}

impl Greeted {
    fn converse(
        &mut self,
        call: Call<'_>,
        route: &dyn Route,
        request: &[u8],
    ) -> Result<Ended, Error> {
        let fresh = self.sent == 0;
        self.sent += 1;
        let written = if fresh {
            let mut first = Vec::with_capacity(request.len() + 256);
            let directory = self.directory.clone().unwrap_or_default();
            hello(call, route.limit(), directory).put(&mut first);
            first.extend_from_slice(request);
            self.link.send(&first)
        } else {
            self.link.send(request)
        };
        // Even then there may be something to read that says why.
        let unwritten = written.is_err();
        loop {
            let patience = (unwritten || self.hello.is_none()).then_some(PATIENCE);
            match self
                .link
                .receive(route.limit().max(LARGEST_FAULT), patience)
            {
                Ok(Some(Kind::Hello)) if self.hello.is_none() => {
                    self.hello = Some(self.greet(call, route)?);
                }
                Ok(Some(Kind::Fault)) if self.hello.is_some() => {
                    return Ok(Ended::Replied(Kind::Fault));
                }
                Ok(Some(kind @ (Kind::Answer | Kind::Raised)))
                    if self.hello.is_some() && !unwritten =>
                {
                    return Ok(Ended::Replied(kind));
                }
                Ok(Some(Kind::Goodbye)) if self.hello.is_some() => {
                    if self.was_taken() {
                        return Err(lost(call));
                    }
                    if fresh {
                        self.await_end(call, route)?;
                    }
                    return Ok(Ended::NotRun);
                }
                Ok(Some(kind)) => {
                    let why =
                        format!("the server sent a frame of kind {kind:?}, which is no reply");
                    return Err(Error::Malformed(call.trouble(why).after_sending()));
                }
                Ok(None) | Err(Broken::Cut) if unwritten || self.hello.is_none() => {
                    return Ok(Ended::NotRun);
                }
                Ok(None) | Err(Broken::Cut) => return Err(lost(call)),
                // What lies unread at the server is this very call: there is only one at a time.
                Err(Broken::Unread) if cfg!(target_os = "linux") => return Ok(Ended::NotRun),
                Err(Broken::Unread) => return Err(lost(call)),
                Err(Broken::Silent) => return Err(self.silent(call, route, unwritten)),
                Err(Broken::Refused(refused)) => return Err(self.refused(call, route, refused)),
                Err(Broken::Io(e)) => {
                    let why = call.trouble(format_args!("the answer cannot be received: {e}"));
                    return Err(Error::Io(why.after_sending().caused_by(e)));
                }
            }
        }
    }

    /// Whether a call can go over it as if it had just been made.
    fn is_ours(&self) -> bool {
        // Where the system does not tell the server of our directory, a hello must.
        let moved = || cfg!(not(target_os = "linux")) && env::current_dir().ok() != self.directory;
        self.process == process::id() && !moved()
    }

    fn greet(&self, call: Call<'_>, route: &dyn Route) -> Result<Hello, Error> {
        let hello = greeted(call, self.link.body(), route.address())?;
        if hello.protocol == PROTOCOL {
            return Ok(hello);
        }
        Err(Error::Mismatch(call.trouble(format_args!(
            "its program (process {}) was built with another version of remotex; stop that server, and call again",
            hello.pid
        ))))
    }

    /// Whether the call may be among those that the server took before it said goodbye.
    fn was_taken(&self) -> bool {
        !fields::number(self.link.body()).is_ok_and(|last| last < self.sent)
    }

    /// Waits until a server that takes no more calls has gone, which is when the kernel closes the
    /// connection, so that the next attempt meets its successor.
    fn await_end(&mut self, call: Call<'_>, route: &dyn Route) -> Result<(), Error> {
        match self.link.receive(LARGEST_FAULT, Some(FAREWELL)) {
            Err(Broken::Silent) => Err(Error::TimedOut(call.trouble(format_args!(
                "the server at `{}` is ending, and has not within {} s; see what its log says",
                route.address(),
                FAREWELL.as_secs()
            )))),
            _ => Ok(()),
        }
    }

    fn silent(&self, call: Call<'_>, route: &dyn Route, unwritten: bool) -> Error {
        let what = match self.hello {
            _ if unwritten => "take the call",
            None => "greet",
            Some(_) => "go on with its answer",
        };
        let trouble = call.trouble(format_args!(
            "the server at `{}` did not {what} within {} s; it may be stopped or overloaded",
            route.address(),
            PATIENCE.as_secs()
        ));
        // What it has only a part of it does not run.
        Error::TimedOut(if unwritten {
            trouble
        } else {
            trouble.after_sending()
        })
    }

    fn refused(&self, call: Call<'_>, route: &dyn Route, refused: Refused) -> Error {
        match refused {
            Refused::Malformed(e) if self.hello.is_none() => {
                not_a_server(call, route.address(), &e)
            }
            Refused::Malformed(e) => Error::Malformed(
                call.trouble(format_args!("the reply is no message: {e}"))
                    .after_sending(),
            ),
            Refused::TooLarge { size } => Error::TooLarge {
                size,
                limit: call.with(route.limit(), true),
            },
        }
    }
}

fn lost(call: Call<'_>) -> Error {
    Error::Lost(
        call.trouble("the connection ended before the answer came; the function may have run, see what the server's log says")
            .after_sending(),
    )
}
