//! A connection of a client between its calls, and the call that goes over it next.

use super::conversation::Conversation;
use super::{Encode, Request, Route};
use crate::codec::Encoder;
use crate::error::Error;
use crate::wire::Kind;
use crate::wire::call::Head;
use crate::wire::frame;

/// What a connection that waits for its next call keeps of its buffers.
const ORDINARY: usize = 64 * 1024;

/// A connection, or, before its first call and after its end, the buffer for one.
#[derive(Debug, Default)]
pub(super) struct Connection {
    link: Option<Conversation>,
    call: Message,
}

/// A call as a frame, so that it can be sent again.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
    /// Where its arguments begin.
    arguments: usize,
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
}

impl Message {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends the same call for a server of which nothing is known yet.
    pub(super) fn put_for_anybody(
        &self,
        request: &Request<'_>,
        route: &dyn Route,
        out: &mut Vec<u8>,
    ) {
        frame::put(out, Kind::Call, |out| {
            head(request, route, true).put(out);
            out.extend_from_slice(&self.bytes[self.arguments..]);
        });
    }
}

/// Only who may be of another build is told what the function is taken for.
fn head<'a>(request: &Request<'a>, route: &dyn Route, to_anybody: bool) -> Head<'a> {
    Head {
        name: request.call.function.unwrap_or_default(),
        fingerprint: to_anybody.then(request.fingerprint).flatten(),
        program: to_anybody.then_some(request.program),
        timeout: route.deadline().map(|deadline| deadline.left()),
    }
}

impl Connection {
    /// Whether it is one to the server of that key, or may become one.
    pub(super) fn leads_to(&self, key: &str) -> bool {
        self.link.as_ref().is_none_or(|link| link.leads_to(key))
    }

    /// Encodes the call.
    pub(super) fn prepare(
        &mut self,
        request: &Request<'_>,
        route: &dyn Route,
        encode: Encode<'_>,
    ) -> Result<(), Error> {
        let link = self.link.as_ref();
        let limit = link
            .map_or(usize::MAX, Conversation::limit)
            .min(route.limit());
        let is_same_build = link.is_some_and(Conversation::is_same_build);
        let Message { bytes, arguments } = &mut self.call;
        bytes.clear();
        let at = frame::begin(bytes);
        head(request, route, !is_same_build).put(bytes);
        *arguments = bytes.len();
        encode(&mut Encoder::new(bytes, *arguments, limit))?;
        frame::end(bytes, at, Kind::Call);
        Ok(())
    }

    /// Sends the call, over a new connection if there is none, and waits for how it ends.
    pub(super) fn attempt(
        &mut self,
        request: &Request<'_>,
        route: &dyn Route,
    ) -> Result<Ended, Error> {
        let kept = self.link.take().filter(Conversation::is_ours);
        let mut link = match kept {
            Some(link) => link,
            None => match Conversation::begin(request.call, route)? {
                Some(link) => link,
                None => return Ok(Ended::Nobody),
            },
        };
        let ended = link.converse(request, route, &self.call)?;
        if matches!(ended, Ended::Replied(_)) {
            self.link = Some(link);
        }
        Ok(ended)
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
}
