//! Runs one call: finds the function, decodes its arguments, and encodes how it ended.

use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::connection::Client;
use super::{Service, panic};
use crate::codec::{Decoder, Encoder};
use crate::function::Reply;
use crate::wire::fault::Fault;
use crate::wire::frame::{self, HEADER, LARGEST};
use crate::wire::{Kind, Malformed};

/// A reply's buffer that is larger than this is given back once it is sent.
const ORDINARY: usize = 64 * 1024;

/// Runs the calls of one connection, on its thread.
pub(super) struct Runner<'s> {
    service: &'s Service,
    /// The largest answer, in bytes.
    limit: usize,
    /// The reply, as a frame.
    out: Vec<u8>,
}

impl<'s> Runner<'s> {
    pub(super) fn new(service: &'s Service, stream: Arc<UnixStream>, client: &Client) -> Self {
        panic::watch(stream, client.debug);
        Self {
            service,
            limit: service.limit.min(client.limit).min(LARGEST),
            out: Vec::new(),
        }
    }

    /// Gives the memory of a large reply back.
    pub(super) fn trim(&mut self) {
        self.out.clear();
        self.out.shrink_to(ORDINARY);
    }

    /// Runs a call and returns the reply to send.
    pub(super) fn run(&mut self, call: &[u8]) -> &[u8] {
        self.out.clear();
        let at = frame::begin(&mut self.out);
        let mut reply = Reply::new(Encoder::new(&mut self.out, at + HEADER, self.limit));
        let ended = panic::in_call(|| {
            catch_unwind(AssertUnwindSafe(|| handle(self.service, call, &mut reply)))
                .unwrap_or_else(|payload| Err(panic::fault(payload)))
        });
        let kind = match ended {
            Ok(()) => reply.kind(),
            Err(fault) => {
                self.out.truncate(at + HEADER);
                fault.put(&mut self.out);
                Kind::Fault
            }
        };
        frame::end(&mut self.out, at, kind);
        &self.out
    }
}

fn handle(service: &Service, call: &[u8], reply: &mut Reply<'_>) -> Result<(), Fault> {
    let (name, arguments) = split(call).map_err(|e| Fault::Malformed(e.to_string()))?;
    let function = service.table.get(name).ok_or(Fault::UnknownFunction)?;
    (function.handler)(&mut Decoder::new(arguments), reply)
}

fn split(call: &[u8]) -> Result<(&str, &[u8]), Malformed> {
    let cut = Malformed("the name of its function is cut off");
    let (&length, rest) = call.split_first_chunk().ok_or(cut)?;
    let (name, arguments) = rest
        .split_at_checked(u16::from_le_bytes(length).into())
        .ok_or(cut)?;
    let name =
        str::from_utf8(name).map_err(|_| Malformed("the name of its function is not UTF-8"))?;
    Ok((name, arguments))
}
