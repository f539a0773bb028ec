//! The format on one page: what goes over a connection, and nothing about how.
//!
//! ```text
//! connection := MAGIC frame*            each side sends this, neither waits for the other
//! MAGIC      := "remotex\n"
//! frame      := length: u32, kind: u8, 0: [u8; 3], body: [u8; length]      little-endian
//! fields     := (tag: u8, length: u32, value: [u8; length])*               unknown tags are skipped
//!
//! client -> server                      server -> client
//! Hello     fields, always first        Hello      fields, always first
//! Call      name, fields, the encoded   Answer     the encoded `Ok` value
//!           arguments: see `call`       Raised     the encoded `Err` value
//!                                       Fault      fields: every other end of a call
//! Release   ids: see `reference`        nothing: the client has let go of them
//! Status    empty                       Report     fields
//! Details   an id                       Record     fields: see `record`
//! Interface empty                       Offer      fields: see `interface`
//! Stop      empty                       Stopping   how far its end has come: see `ending`; the
//!                                                  connection ends when the server has
//! Restart   empty                       Stopping   the same, and then, if there is something to
//! Succeed   the program's name          Handover   hand over: empty, with two descriptors
//!                                       Outdated   empty: a later build may succeed the server
//!                                       Forgotten  empty: the call does not run now, and may have
//!                                                  run if it was sent before
//!                                       Identify   empty: the call is sent again with its
//!                                                  function's fingerprint
//!                                       Told       length: u32, text, the encoded `Err` value, where
//!                                                  the call has asked for the text
//!                                       Compare    empty: and with a digest of the client's
//!                                                  executable
//!                                       Goodbye    last: u64, how many calls were taken before it
//! ```
//!
//! Calls are numbered by their order on the connection, and a connection carries one at a time.
//! Everything but the encoded values is readable for ever: a field may be added, none may change
//! its meaning. What the encoded values are is the business of [`codec`](crate::codec), and its
//! version that of [`PROTOCOL`].

pub mod call;
pub mod ending;
pub mod fault;
pub mod fields;
pub mod frame;
pub mod hello;
pub mod interface;
pub mod record;
pub mod reference;
pub mod report;

use std::fmt;

/// The version of what [`Kind::Call`] and its answers carry.
pub const PROTOCOL: u32 = 1;

/// What each side's bytes begin with, so that nothing else is taken for a remotex connection.
pub const MAGIC: [u8; 8] = *b"remotex\n";

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who is speaking: [`hello::Hello`].
    Hello = 0,
    /// A function's name and its arguments.
    Call = 1,
    /// The question that [`Kind::Report`] answers.
    Status = 2,
    /// The request to end.
    Stop = 3,
    /// The request to end and to hand over what a successor can go on with.
    Restart = 4,
    /// The same from a later build of the program that the body names; refused, by a
    /// [`Kind::Report`], if it is none.
    Succeed = 5,
    /// References that the client has dropped; there is no reply.
    Release = 6,
    /// The question what is known of a failure, by the id in its fault.
    Details = 7,
    /// The question what the server offers.
    Interface = 8,
    /// What the function returned.
    Answer = 0x81,
    /// The error, of a type of its own, that the function returned.
    Raised = 0x82,
    /// Any other end of a call: [`fault::Fault`].
    Fault = 0x83,
    /// What a server is doing: [`report::Report`].
    Report = 0x84,
    /// The server ends: [`ending::Ending`].
    Stopping = 0x85,
    /// The server takes no more calls on this connection.
    Goodbye = 0x86,
    /// The server has ended: here are its lock and its socket.
    Handover = 0x87,
    /// The call has not run, since its build is later than the server's, and may
    /// [succeed](Kind::Succeed) it.
    Outdated = 0x88,
    /// What is known of a failure: see [`record`].
    Record = 0x89,
    /// What the server offers: [`interface::Interface`].
    Offer = 0x8a,
    /// The call does not run now. If it was sent before, it may have run.
    Forgotten = 0x8b,
    /// The call has not run: the client is of another build, and sends it again with the function's
    /// fingerprint.
    Identify = 0x8c,
    /// The same, with a digest of the client's executable too: it may be that of the same build.
    Compare = 0x8d,
    /// The error, of a type of its own, that the function returned, after its text.
    Told = 0x8e,
}

impl Kind {
    const ALL: [Self; 23] = [
        Self::Hello,
        Self::Call,
        Self::Status,
        Self::Stop,
        Self::Restart,
        Self::Succeed,
        Self::Release,
        Self::Details,
        Self::Interface,
        Self::Answer,
        Self::Raised,
        Self::Fault,
        Self::Report,
        Self::Stopping,
        Self::Goodbye,
        Self::Handover,
        Self::Outdated,
        Self::Record,
        Self::Offer,
        Self::Forgotten,
        Self::Identify,
        Self::Compare,
        Self::Told,
    ];

    const BY_BYTE: [Option<Self>; 256] = {
        let mut kinds = [None; 256];
        let mut at = 0;
        while at < Self::ALL.len() {
            kinds[Self::ALL[at] as usize] = Some(Self::ALL[at]);
            at += 1;
        }
        kinds
    };

    fn from_byte(byte: u8) -> Option<Self> {
        Self::BY_BYTE[usize::from(byte)]
    }
}

/// Bytes that are no message, and what is wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
