//! What is said over one connection, and what is known of who is at its other end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fmt, io, process};

use super::connection::{Ended, Message};
use super::silence;
use super::{Deadline, Request, Route};
use crate::codec::Lent;
use crate::error::{Call, Error};
use crate::explain;
use crate::link::{Broken, FAREWELL, Link, PATIENCE, START};
use crate::program::Build;
use crate::session::{self, put_dropped, scope};
use crate::transport::Stream;
use crate::wire::fault::{self, LARGEST_FAULT};
use crate::wire::frame::{self, Block, Refused};
use crate::wire::hello::{Hello, for_key};
use crate::wire::reference::Id;
use crate::wire::{Kind, PROTOCOL, fields};

/// The time for what may have come already.
const BRIEFLY: Duration = Duration::from_millis(20);

/// A connection that was made.
#[derive(Debug)]
pub(super) struct Conversation {
    link: Link,
    /// The server's hello, once it has come.
    hello: Option<Hello>,
    /// Whether the server runs the same file as this process.
    is_same_build: bool,
    /// How many calls were sent over it.
    sent: u64,
    /// Whether it was said who we are.
    introduced: bool,
    /// Which process connected: a child of fork(2) has our connections, and must not use them.
    process: u32,
    /// Where this process was when it connected.
    directory: Option<PathBuf>,
    /// Which one of several servers it leads to.
    key: String,
}

impl Conversation {
    /// Connects, unless there is nobody.
    pub(super) fn begin(call: Call<'_>, route: &dyn Route) -> Result<Option<Self>, Error> {
        // A server that was started for the call would not have what its arguments refer to.
        let stream = match scope::refers() {
            true => route.rejoin(call)?,
            false => route.connect(call)?,
        };
        Ok(stream.map(|stream| Self::over(stream, route)))
    }

    /// Connects to a server that runs, and says who we are, without a call.
    pub(super) fn introduce(call: Call<'_>, route: &dyn Route) -> Option<Self> {
        // Where each call comes by itself, there is nothing to introduce.
        let stream = route
            .reconnect(call)
            .filter(|stream| !stream.is_exchange())?;
        let mut conversation = Self::over(stream, route);
        conversation.introduced = true;
        let first = conversation.first(call, route);
        conversation.link.send(&first).ok()?;
        Some(conversation)
    }

    /// Tells the server that its reply cannot be read, so that nobody has the references in it.
    pub(super) fn reject(&self) {
        // If it cannot be told, the connection has ended, and the next call says so.
        let _ = self.link.send(&frame::of(Kind::Release, |_| ()));
    }

    fn over(stream: Stream, route: &dyn Route) -> Self {
        Self {
            link: Link::new(Arc::new(stream)),
            hello: None,
            is_same_build: false,
            sent: 0,
            introduced: false,
            process: process::id(),
            directory: env::current_dir().ok(),
            key: route.key().to_owned(),
        }
    }

    pub(super) fn converse(
        &mut self,
        request: &Request<'_>,
        route: &dyn Route,
        message: &Message,
        lent: &Lent<'_>,
        dropped: &[Id],
    ) -> Result<Ended, Error> {
        let call = request.call;
        let fresh = self.sent == 0;
        let greets_first = message.is_numbered() && !self.link.stream().is_exchange();
        if fresh && greets_first && !self.hear_hello(request, route)? {
            return Ok(Ended::NotRun);
        }
        self.sent += 1;
        self.link.want_block(request.wants_block);
        let mut before = if fresh && !self.introduced {
            self.first(call, route)
        } else {
            Vec::new()
        };
        put_dropped(dropped, &mut before);
        let written = if fresh {
            message.send_to_anybody(request, route, before, &self.link, lent)
        } else {
            message.send(&before, &self.link, lent)
        };
        // Even then there may be something to read that says why.
        let unwritten = written.is_err();
        let is_deaf = written.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock);
        // To look at the clock takes as long as to look at a small answer.
        let began = self.hello.is_none().then(Instant::now);
        loop {
            let patience = self.patience(route, unwritten);
            // The time for reading the call is over already.
            let patience = if is_deaf { Some(BRIEFLY) } else { patience };
            match self
                .link
                .receive(route.limit().max(LARGEST_FAULT), patience)
            {
                Ok(Some(Kind::Hello)) if self.hello.is_none() => self.greet(request, route)?,
                Ok(Some(Kind::Fault)) if self.hello.is_some() => {
                    if !fault::is_exit(self.link.body()) {
                        return Ok(Ended::Replied(Kind::Fault));
                    }
                    // The rules for a server that has gone apply, once it has: the next call is not
                    // to meet it while it ends.
                    let e = fault::error(call, self.link.body());
                    let patience = Some(route.within(PATIENCE));
                    let _ = self.link.receive(LARGEST_FAULT, patience);
                    return Err(e);
                }
                Ok(Some(kind @ (Kind::Answer | Kind::Raised | Kind::Told)))
                    if self.speaks_as_we_do() && !unwritten =>
                {
                    return Ok(Ended::Replied(kind));
                }
                // A proxy in between may have delivered it twice.
                Ok(Some(Kind::Forgotten)) if self.is_exchange() && !message.is_repeated() => {
                    return Err(lost(call, route));
                }
                Ok(Some(Kind::Forgotten)) if self.hello.is_some() => {
                    return Ok(Ended::Forgotten);
                }
                Ok(Some(Kind::Outdated)) if self.hello.is_some() => return Ok(Ended::Outdated),
                Ok(Some(kind @ (Kind::Identify | Kind::Compare))) if self.hello.is_some() => {
                    let content = kind == Kind::Compare;
                    return Ok(Ended::Identify { content });
                }
                Ok(Some(Kind::Goodbye)) if self.hello.is_some() => {
                    if self.was_taken() {
                        return Err(lost(call, route));
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
                Ok(None) | Err(Broken::Cut) if unwritten || self.cannot_have_begun() => {
                    return Ok(Ended::NotRun);
                }
                Ok(None) | Err(Broken::Cut) => return Err(lost(call, route)),
                // What lies unread at the server is this very call: there is only one at a time.
                Err(Broken::Unread) if cfg!(target_os = "linux") => return Ok(Ended::NotRun),
                Err(Broken::Unread) => return Err(lost(call, route)),
                Err(Broken::Silent) if self.may_still_come(route, began) => {}
                Err(Broken::Silent) => return Err(self.silent(call, route, unwritten, began)),
                Err(Broken::Refused(refused)) => return Err(self.refused(call, route, refused)),
                Err(Broken::Unsent) => return Ok(Ended::NotRun),
                Err(Broken::Error(e)) => return Err(*e),
                Err(Broken::Io(e)) => {
                    let why = call.trouble(format_args!("the answer cannot be received: {e}"));
                    return Err(Error::Io(why.after_sending().caused_by(e)));
                }
            }
        }
    }

    /// Receives the hello before a call with a number is sent, so that only the server that said it
    /// can run the call; `false` if the connection has ended.
    fn hear_hello(&mut self, request: &Request<'_>, route: &dyn Route) -> Result<bool, Error> {
        let call = request.call;
        match self
            .link
            .receive(LARGEST_FAULT, Some(route.within(PATIENCE)))
        {
            Ok(Some(Kind::Hello)) => self.greet(request, route).map(|()| true),
            Ok(None) | Err(Broken::Cut | Broken::Unread) => Ok(false),
            Ok(Some(kind)) => {
                let what = format_args!("a frame of kind {kind:?} before its hello");
                Err(not_a_server(call, route, &what))
            }
            Err(Broken::Silent) => Err(self.silent(call, route, true, None)),
            Err(Broken::Refused(refused)) => Err(self.refused(call, route, refused)),
            Err(Broken::Unsent) => Ok(false),
            Err(Broken::Error(e)) => Err(*e),
            Err(Broken::Io(e)) => Err(call.io("its greeting cannot be received", e)),
        }
    }

    /// What the connection begins with: who we are.
    fn first(&self, call: Call<'_>, route: &dyn Route) -> Vec<u8> {
        let mut first = Vec::with_capacity(512);
        let hello = Hello {
            directory: self.directory.clone().unwrap_or_default(),
            session: session::token(),
            ..hello(call, route)
        };
        hello.put(&mut first);
        first
    }

    /// How long the next frame may take to come, or to go on coming.
    fn patience(&self, route: &dyn Route, unwritten: bool) -> Option<Duration> {
        // What greets only when it replies may take as long as the function.
        let greets = self.hello.is_none() && !self.link.stream().is_exchange();
        let ours = (unwritten || greets).then_some(PATIENCE);
        let users = route.deadline().map(|deadline| deadline.left());
        ours.into_iter().chain(users).min()
    }

    /// Whether who has not greeted yet may only be starting.
    fn may_still_come(&self, route: &dyn Route, began: Option<Instant>) -> bool {
        self.hello.is_none()
            && began.is_some_and(|began| began.elapsed() < START)
            && !route.deadline().is_some_and(|deadline| deadline.is_over())
            && route.is_starting()
    }

    /// Whether no other call can go over it.
    pub(super) fn is_spent(&self) -> bool {
        self.sent > 0 && self.is_exchange()
    }

    /// Returns `true` if it is good for one call and its reply.
    pub(super) fn is_exchange(&self) -> bool {
        self.link.stream().is_exchange()
    }

    /// Whether a call can go over it as if it had just been made.
    pub(super) fn is_ours(&self) -> bool {
        // Where the system does not tell the server of our directory, a hello must.
        let moved = || cfg!(not(target_os = "linux")) && env::current_dir().ok() != self.directory;
        self.process == process::id() && !moved() && !self.link.stream().has_ended()
    }

    pub(super) fn leads_to(&self, key: &str) -> bool {
        self.key == key
    }

    /// Whether no call needs to be compared, since the server runs this very file.
    pub(super) fn is_same_build(&self) -> bool {
        self.is_same_build
    }

    /// What tells the server from the one before it, if it has said that.
    pub(super) fn instance(&self) -> Option<u64> {
        self.hello.as_ref()?.instance
    }

    /// The largest body that the server takes.
    pub(super) fn limit(&self) -> usize {
        let theirs = self.hello.as_ref().map_or(u64::MAX, |hello| hello.limit);
        usize::try_from(theirs).unwrap_or(usize::MAX)
    }

    /// Gives back all memory but `most` bytes, once the latest body is of no use any more.
    pub(super) fn trim(&mut self, most: usize) {
        self.link.trim(most);
    }

    pub(super) fn body(&self) -> &[u8] {
        self.link.body()
    }

    /// The body, if it is a block and a large one.
    pub(super) fn take_block(&mut self) -> Option<Block> {
        self.link.take_block()
    }

    fn greet(&mut self, request: &Request<'_>, route: &dyn Route) -> Result<(), Error> {
        let call = request.call;
        let hello = greeted(call, self.link.body(), route)?;
        let same = |theirs: &Build| route.build().is_some_and(|ours| ours.same_file(theirs));
        self.is_same_build = hello.build.as_ref().is_some_and(same) && hello.image == route.image();
        explain::say(call, || {
            let whose = if self.is_same_build {
                "this very program"
            } else {
                "another build"
            };
            format!("process {} greets, which runs {whose}", hello.pid)
        });
        self.hello = Some(hello);
        Ok(())
    }

    /// Whether its answers can be read. If not, it has refused the call, and says so.
    fn speaks_as_we_do(&self) -> bool {
        self.hello
            .as_ref()
            .is_some_and(|hello| hello.protocol == PROTOCOL)
    }

    /// Whether a connection that has just ended did so before the server could run anything.
    ///
    /// Its hello is the first thing that a server sends. On Linux, one that ends before it has read
    /// what was sent to it is told apart, which leaves those that have read the call: something in
    /// between may then have kept the hello back, as a gateway does until there is a reply.
    fn cannot_have_begun(&self) -> bool {
        let is_first = !self.link.stream().is_exchange();
        is_first && self.hello.is_none() && cfg!(not(target_os = "linux"))
    }

    /// Whether the call may be among those that the server took before it said goodbye.
    fn was_taken(&self) -> bool {
        !fields::number(self.link.body()).is_ok_and(|last| last < self.sent)
    }

    /// Waits until a server that takes no more calls has gone, which is when the kernel closes the
    /// connection, so that the next attempt meets its successor.
    fn await_end(&mut self, call: Call<'_>, route: &dyn Route) -> Result<(), Error> {
        explain::say(call, || {
            "that server is ending; its end is waited for".into()
        });
        let patience = route.within(FAREWELL);
        match self.link.receive(LARGEST_FAULT, Some(patience)) {
            Err(Broken::Silent) => Err(Error::TimedOut(call.trouble(format_args!(
                "the server at `{}` is ending, and has not within {patience:?}; see {}",
                route.address(),
                route.log()
            )))),
            _ => Ok(()),
        }
    }

    fn silent(
        &self,
        call: Call<'_>,
        route: &dyn Route,
        unwritten: bool,
        began: Option<Instant>,
    ) -> Error {
        let at = route.address();
        let over = route.deadline().filter(Deadline::is_over);
        let what = match self.hello {
            _ if unwritten => "take the call",
            None => "greet",
            Some(_) if over.is_some() => "answer",
            Some(_) => "go on with its answer",
        };
        let trouble = match over {
            Some(deadline) => call.trouble(format_args!(
                "the server at `{at}` did not {what} within {deadline}; the function may go on"
            )),
            None => {
                let waited = began
                    .filter(|_| self.hello.is_none())
                    .map_or(PATIENCE, |began| began.elapsed());
                // Where it did not take the call, sending that has taken the time.
                silence::trouble(call, route, self.link.stream(), what, waited.max(PATIENCE))
            }
        };
        // What it has only a part of it does not run.
        Error::TimedOut(if unwritten {
            trouble
        } else {
            trouble.after_sending()
        })
    }

    fn refused(&self, call: Call<'_>, route: &dyn Route, refused: Refused) -> Error {
        match refused {
            Refused::Malformed(e) if self.hello.is_none() => not_a_server(call, route, &e),
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

/// What a client's bytes begin with.
pub(super) fn hello(call: Call<'_>, route: &dyn Route) -> Hello {
    Hello {
        debug: explain::is_on("REMOTEX_DEBUG"),
        build: route.build(),
        image: route.image(),
        succeeds: route.succeeds(),
        is_away: route.may_be_cut(),
        key: route.key().to_owned(),
        ..Hello::here(call.server, route.limit())
    }
}

/// Reads the server's hello, and sees whether it is the one that is meant.
pub(super) fn greeted(call: Call<'_>, body: &[u8], route: &dyn Route) -> Result<Hello, Error> {
    let hello = Hello::read(body).map_err(|e| not_a_server(call, route, &e))?;
    if (hello.server.as_str(), hello.key.as_str()) == (call.server, route.key()) {
        return Ok(hello);
    }
    Err(Error::Mismatch(call.trouble(format_args!(
        "server `{}`{} listens at `{}`, and not the one{} that is meant; give one of the two another address",
        hello.server,
        for_key(&hello.key),
        route.address(),
        for_key(route.key()),
    ))))
}

pub(super) fn not_a_server(call: Call<'_>, route: &dyn Route, e: &dyn fmt::Display) -> Error {
    Error::Malformed(call.trouble(format_args!(
        "what listens at `{}` is no remotex server, its message is none: {e}",
        route.address()
    )))
}

fn lost(call: Call<'_>, route: &dyn Route) -> Error {
    Error::Lost(
        call.trouble(format_args!(
            "the connection ended before the answer came; the function may have run, see {}",
            route.log()
        ))
        .after_sending(),
    )
}
