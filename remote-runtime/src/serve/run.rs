//! Runs one call: finds the function, decodes its arguments, and encodes how it ended.

use std::io::{self, IoSlice};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::connection::Client;
use super::identity::{Identity, Verdict};
use super::{Service, panic};
use crate::caller;
use crate::codec::{Decoder, Encoder};
use crate::function::Reply;
use crate::link::Link;
use crate::session::scope;
use crate::wire::Kind;
use crate::wire::call::Head;
use crate::wire::fault::Fault;
use crate::wire::frame::{self, HEADER};

/// A reply's buffer that is larger than this is given back when the connection rests.
const ORDINARY: usize = 64 * 1024;

/// Runs calls, one after the other.
#[derive(Debug, Default)]
pub(super) struct Runner {
    /// The reply, as a frame.
    out: Vec<u8>,
    /// A large block that is its end.
    block: Vec<u8>,
}

impl Runner {
    /// Gives the memory of a large reply back.
    pub(super) fn trim(&mut self) {
        self.out.clear();
        self.out.shrink_to(ORDINARY);
    }

    /// Runs a call, which may have waited for it, and keeps the reply.
    pub(super) fn run(
        &mut self,
        service: &Service,
        client: &Client,
        call: &[u8],
        waited: Option<Duration>,
    ) {
        self.out.clear();
        let at = frame::begin(&mut self.out);
        let mut reply = Reply::new(Encoder::new(&mut self.out, at + HEADER, client.limit));
        let ended = panic::in_call(|| {
            catch_unwind(AssertUnwindSafe(|| {
                handle(service, client.identity, call, waited, &mut reply)
            }))
            .unwrap_or_else(|payload| Err(panic::fault(payload)))
        });
        self.block = reply.into_block();
        let kind = match ended {
            Ok(kind) => kind,
            Err(fault) => {
                // Something may have panicked when all was put down already.
                self.block = Vec::new();
                scope::take_back();
                self.out.truncate(at + HEADER);
                fault.put(&mut self.out);
                Kind::Fault
            }
        };
        frame::end_before(&mut self.out, at, kind, self.block.len());
    }

    /// Sends the reply.
    pub(super) fn send(&mut self, link: &Link) -> io::Result<()> {
        let block = mem::take(&mut self.block);
        if block.is_empty() {
            return link.send(&self.out);
        }
        link.send_parts(&mut [IoSlice::new(&self.out), IoSlice::new(&block)])
    }
}

fn handle(
    service: &Service,
    identity: Identity,
    call: &[u8],
    waited: Option<Duration>,
    reply: &mut Reply<'_>,
) -> Result<Kind, Fault> {
    let (head, arguments) = Head::split(call).map_err(|e| Fault::Malformed(e.0.into()))?;
    let function = match identity.judge(&head, service) {
        Verdict::Run(function) => function,
        Verdict::Refuse(fault) => return Err(fault),
        Verdict::Outdated => return Ok(Kind::Outdated),
    };
    let waited = waited.unwrap_or_default();
    caller::set_timeout(head.timeout.map(|timeout| timeout.saturating_sub(waited)));
    scope::begin_call();
    let ended = (function.handler)(&mut Decoder::new(arguments), reply);
    ended.map_err(|fault| scope::take_gone().map_or(fault, Fault::Gone))?;
    Ok(reply.kind())
}
