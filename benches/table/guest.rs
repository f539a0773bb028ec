//! Connections that are used once and then rest. A client of remotex would use one again instead of
//! making another, so that these speak by hand.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use remote_runtime::codec::Encoder;
use remote_runtime::wire::call::Head;
use remote_runtime::wire::frame::{self, Inbox};
use remote_runtime::wire::hello::Hello;
use remote_runtime::wire::{Kind, MAGIC};
use rustix::buffer::spare_capacity;

use crate::Result;

/// More than any message here has.
const LIMIT: usize = 64 * 1024;

/// One on which a post was made.
pub(crate) fn of_remotex(address: &str) -> Result<UnixStream> {
    let mut stream = UnixStream::connect(address)?;
    let mut inbox = Inbox::default();
    receive(&mut stream, &mut inbox, Kind::Hello)?;
    // As a client of the very same program, of which no call is compared.
    let theirs = Hello::read(inbox.body()).map_err(|e| e.0)?;
    let ours = Hello {
        build: theirs.build,
        image: theirs.image,
        ..Hello::here("peers", LIMIT)
    };
    let mut out = Vec::with_capacity(MAGIC.len() + LIMIT);
    ours.put(&mut out);
    let mut arguments = Vec::new();
    let mut encoder = Encoder::new(&mut arguments, 0, LIMIT);
    for text in ["something new", "a guest"] {
        encoder.put(text).map_err(|_| "it cannot be encoded")?;
    }
    frame::put(&mut out, Kind::Call, |out| {
        let name = "post";
        let head = Head {
            name,
            ..Head::default()
        };
        head.put(out);
        out.extend_from_slice(&arguments);
    });
    stream.write_all(&out)?;
    receive(&mut stream, &mut inbox, Kind::Answer)?;
    Ok(stream)
}

fn receive(stream: &mut UnixStream, inbox: &mut Inbox, kind: Kind) -> Result<()> {
    while !inbox.has_frame(LIMIT).map_err(|_| "it is no message")? {
        if rustix::io::read(&*stream, spare_capacity(inbox.space()))? == 0 {
            return Err("the server is gone".into());
        }
    }
    match inbox.take() {
        Some(came) if came == kind => Ok(()),
        other => Err(format!("{other:?} came instead of {kind:?}").into()),
    }
}

/// One of limit (a) on which 16 bytes were echoed.
pub(crate) fn of_bare(address: &str) -> Result<UnixStream> {
    let mut stream = UnixStream::connect(address)?;
    // How many bytes there are, and which function is meant; then the bytes.
    let mut frame = [0; 4 + 1 + 16];
    frame[0] = 16;
    stream.write_all(&frame)?;
    stream.read_exact(&mut frame)?;
    Ok(stream)
}
