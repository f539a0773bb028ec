//! A connection of a client between its calls, and the call that goes over it next.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant, SystemTime};

use super::conversation::Conversation;
use super::{Encode, Request, Route};
use crate::codec::{Encoder, Lent};
use crate::error::{Call, Error};
use crate::link::Link;
use crate::program;
use crate::session;
use crate::wire::Kind;
use crate::wire::call::{Again, Head};
use crate::wire::frame::{self, Block};

/// What a connection that waits for its next call keeps of its buffers.
const ORDINARY: usize = 64 * 1024;

/// Stands for the content of a file that cannot be read, which is like no other. Zero would say that
/// the server has not asked for it, so that it would ask again and again.
const UNREADABLE: u64 = 1;

/// A connection, or, before its first call and after its end, the buffer for one.
#[derive(Debug, Default)]
pub(super) struct Connection {
    link: Option<Conversation>,
    call: Message,
    /// `true` if the latest attempt was one over HTTP, where each may reach another server.
    is_exchange: bool,
}

/// A call as a frame, so that it can be sent again; large blocks are lent by the caller.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
    /// Where its arguments begin.
    arguments: usize,
    /// Which call it is of this process' session, if its connection may be cut.
    number: Option<u64>,
    /// When it was sent first.
    sent: Option<Moment>,
    /// A digest of this program's file, or zero, once a server has asked which build this is.
    content: Option<u64>,
    /// Whether it may have run, and the instance of the server that it was sent to, if that is known.
    again: Option<Option<u64>>,
}

/// A start time whose age is never under-reported: monotonic clocks stop in suspend.
#[derive(Debug, Clone, Copy)]
struct Moment(Instant, SystemTime);

impl Moment {
    fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    /// The clock that nobody sets stands still while the machine sleeps, and the server's may go on.
    fn elapsed(self) -> Duration {
        let Self(steady, told) = self;
        steady.elapsed().max(told.elapsed().unwrap_or_default())
    }
}

/// How an attempt to call ended, if it did not end in an error.
pub(super) enum Ended {
    /// With a reply of that kind, which lies in [`Connection::body`].
    Replied(Kind),
    /// The call has certainly not run.
    NotRun,
    /// It has not, since the server is of an earlier build, whose place may be taken.
    Outdated,
    /// It has not, since nobody listens, and nobody can be started.
    Nobody,
    /// The server does not run it now. If it was sent before, it may have run.
    Forgotten,
    /// It has not run, since the server is of another build, and asks for the function's fingerprint,
    /// and perhaps for the content of this program's file.
    Identify { content: bool },
}

impl Message {
    /// Returns `true` if the server runs it once however often it is sent.
    pub(super) fn is_numbered(&self) -> bool {
        self.number.is_some()
    }

    /// Returns `true` if the call tells its function's fingerprint to a server that is not known yet:
    /// one that cannot compare files, or has asked for it.
    fn is_identified(&self, route: &dyn Route) -> bool {
        self.content.is_some() || route.build().is_none()
    }

    /// Returns `true` if it may have run before.
    pub(super) fn is_repeated(&self) -> bool {
        self.again.is_some()
    }

    /// How long ago it was sent first, for a server that accepted the connection before this is
    /// said. A server that accepts it later, as one behind HTTP does when all of the request has
    /// come, can conclude nothing from that.
    fn since(&self, is_accepted_later: bool) -> Duration {
        let sent = self.sent.filter(|_| !is_accepted_later);
        sent.map_or(Duration::MAX, Moment::elapsed)
    }

    /// Sends it after `before`, with what was not copied into it.
    pub(super) fn send(&self, before: &[u8], link: &Link, lent: &Lent<'_>) -> io::Result<()> {
        if before.is_empty() && lent.size() == 0 {
            return link.send(&self.bytes);
        }
        let mut parts = lent.parts(&self.bytes, 0);
        parts.insert(0, IoSlice::new(before));
        link.send_parts(&mut parts)
    }

    /// Sends `before` and the same call for a server of which nothing is known yet.
    pub(super) fn send_to_anybody(
        &self,
        request: &Request<'_>,
        route: &dyn Route,
        mut before: Vec<u8>,
        link: &Link,
        lent: &Lent<'_>,
    ) -> io::Result<()> {
        let at = frame::begin(&mut before);
        let again = self.again.map(|instance| Again {
            instance,
            since: self.since(link.stream().is_exchange()),
        });
        let told = match self.is_identified(route) {
            true => Told::All,
            false => Told::Program,
        };
        let head = Head {
            again,
            content: self.content,
            ..head(request, route, told, self.number)
        };
        head.put(&mut before);
        let following = self.bytes.len() - self.arguments + lent.size();
        frame::end_before(&mut before, at, Kind::Call, following);
        let mut parts = lent.parts(&self.bytes, self.arguments);
        parts.insert(0, IoSlice::new(&before));
        link.send_parts(&mut parts)
    }
}

/// The part of a call that tells the client's build.
#[derive(Clone, Copy)]
enum Told {
    /// Nothing: the server runs the same file.
    Nothing,
    /// The program and its version. The server may run the same file, and asks for the rest if not:
    /// a fingerprint takes longer to find than the call.
    Program,
    /// The fingerprint too.
    All,
}

fn head<'a>(request: &Request<'a>, route: &dyn Route, told: Told, number: Option<u64>) -> Head<'a> {
    let tells_program = !matches!(told, Told::Nothing);
    Head {
        name: request.call.function.unwrap_or_default(),
        fingerprint: matches!(told, Told::All)
            .then(request.fingerprint)
            .flatten(),
        program: tells_program.then_some(request.program),
        version: tells_program.then_some(request.version),
        timeout: route.deadline().map(|deadline| deadline.left()),
        trace: request.trace,
        number,
        chain: request.chain,
        is_plain: request.is_plain,
        ..Head::default()
    }
}

impl Connection {
    /// Whether it is one to the server of that key.
    pub(super) fn leads_to(&self, key: &str) -> bool {
        self.link.as_ref().is_some_and(|link| link.leads_to(key))
    }

    /// Whether it was made, and has not ended.
    pub(super) fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.is_spent())
    }

    /// Encodes the call.
    #[inline] // Each call takes it.
    pub(super) fn prepare<'v>(
        &mut self,
        request: &Request<'_>,
        route: &dyn Route,
        encode: Encode<'_, 'v>,
        lent: &mut Lent<'v>,
    ) -> Result<(), Error> {
        let link = self.link.as_ref();
        let limit = link
            .map_or(usize::MAX, Conversation::limit)
            .min(route.limit());
        let told = match link {
            Some(link) if link.is_same_build() => Told::Nothing,
            Some(_) => Told::All,
            // It is told anew when there is a connection.
            None => Told::Program,
        };
        let Message {
            bytes,
            arguments,
            content,
            ..
        } = &mut self.call;
        bytes.clear();
        let number = route.may_be_cut().then(session::number);
        let at = frame::begin(bytes);
        let head = Head {
            content: *content,
            ..head(request, route, told, number)
        };
        head.put(bytes);
        *arguments = bytes.len();
        encode(&mut Encoder::new(bytes, *arguments, limit).lending(lent))?;
        frame::end_before(bytes, at, Kind::Call, lent.size());
        (self.call.number, self.call.sent, self.call.again) = (number, None, None);
        Ok(())
    }

    /// Sends the call, over a new connection if there is none, and waits for how it ends.
    #[inline] // Each call takes it.
    pub(super) fn attempt(
        &mut self,
        request: &Request<'_>,
        route: &dyn Route,
        lent: &Lent<'_>,
    ) -> Result<Ended, Error> {
        if !self.link.as_ref().is_some_and(Conversation::is_ours) {
            self.link = None;
            self.link = Conversation::begin(request.call, route)?;
        }
        let Some(link) = &mut self.link else {
            return Ok(Ended::Nobody);
        };
        let dropped = request.holdings.take_dropped();
        if self.call.number.is_some() {
            self.call.sent.get_or_insert_with(Moment::now);
        }
        let ended = link.converse(request, route, &self.call, lent, &dropped);
        if let Err(Error::Lost(_)) = &ended {
            // From here on it says that it may have run, and where it did first.
            self.call.again.get_or_insert_with(|| link.instance());
        }
        self.is_exchange = link.is_exchange();
        let replied = match ended {
            Ok(Ended::Replied(kind)) => Some(kind),
            _ => None,
        };
        if replied.is_none() {
            self.link = None;
        }
        // What comes instead of an answer may have come before it was heard.
        if replied.is_none_or(|kind| kind == Kind::Fault) && !dropped.is_empty() {
            request.holdings.put_back(&dropped);
        }
        ended
    }

    /// Whether the call can be sent again without being run again.
    pub(super) fn is_numbered(&self) -> bool {
        self.call.is_numbered()
    }

    /// Lets the call tell the function's fingerprint, and perhaps the content of this program's file.
    /// It was not taken: it has another number, if it has one.
    pub(super) fn identify(&mut self, content: bool) {
        let digest = || program::content().unwrap_or(UNREADABLE);
        self.call.content = Some(if content { digest() } else { 0 });
        self.renumber();
    }

    /// Returns `true` if another attempt may reach another server than the latest one did.
    pub(super) fn may_reach_others(&self) -> bool {
        self.is_exchange
    }

    /// Makes it another call, which may run whether the one before has run or not.
    pub(super) fn renumber(&mut self) {
        if self.is_numbered() {
            (self.call.number, self.call.sent, self.call.again) =
                (Some(session::number()), None, None);
        }
    }

    /// Makes the connection anew if that is easily done: the server is to know that we are there.
    pub(super) fn open_again(&mut self, call: Call<'_>, route: &dyn Route) {
        self.link = Conversation::introduce(call, route);
    }

    /// Ends it: nothing more comes.
    pub(super) fn close(&mut self) {
        self.link = None;
    }

    /// Lets go of all that has come with the reply, which cannot be read.
    pub(super) fn reject(&self) {
        if let Some(link) = &self.link {
            link.reject();
        }
    }

    /// Gives the memory of a large call back.
    pub(super) fn trim(&mut self) {
        self.call.bytes.clear();
        self.call.bytes.shrink_to(ORDINARY);
        if let Some(link) = &mut self.link {
            link.trim(ORDINARY);
        }
    }

    /// The body of the reply.
    pub(super) fn body(&self) -> &[u8] {
        self.link.as_ref().map_or(&[], Conversation::body)
    }

    /// The body, if it is a block and a large one.
    pub(super) fn take_block(&mut self) -> Option<Block> {
        self.link.as_mut()?.take_block()
    }
}
