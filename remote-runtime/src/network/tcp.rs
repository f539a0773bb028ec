//! `tcp://`: bytes as they are, on loopback addresses, between two who know one token.
//!
//! The token itself is not sent. Each end sends a number that nobody has seen before, and proves that it
//! knows the token by a hash of it and both numbers (challenge and response, as in RFC 2195; HMAC is RFC 2104):
//!
//! ```text
//! server -> client: "remotex-tcp 1\n"  number: [u8; 32]
//! client -> server: number: [u8; 32]   HMAC-SHA256(token, "client" server's number, client's number)
//! server -> client: HMAC-SHA256(token, "server" server's number, client's number), or zeros: not let in
//! ```
//!
//! So who listens in a server's place, on a port that anybody may have, learns nothing, and is told
//! nothing of a call.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Hurried, Keys, Welcome, ungreeted, why};
use crate::address::Network;
use crate::error::{Call, Error};
use crate::link::PATIENCE;
use crate::session;
use crate::transport::{Plain, Stream};

const MAGIC: [u8; 14] = *b"remotex-tcp 1\n";

/// A number that is used once.
type Nonce = [u8; 32];
type Proof = [u8; 32];

/// Gets to know the server at the other end.
pub(super) fn greet(
    call: Call<'_>,
    at: &Network,
    keys: &Keys,
    socket: TcpStream,
    deadline: Instant,
) -> Result<Stream, Error> {
    let token = keys.token(call)?.ok_or_else(|| {
        Error::Denied(call.trouble(format_args!(
            "`{at}` lets in who knows its token, and there is none in `{}`; copy the one of the user who runs the server to there",
            keys.path("token").display()
        )))
    })?;
    let cannot = |e| ungreeted(call, at, e);
    let mut hurried = Hurried::until(&socket, deadline);
    match introduce(&mut hurried, &token).map_err(cannot)? {
        Proven::Both => {}
        Proven::NoServer => {
            return Err(Error::Malformed(call.trouble(format_args!(
                "what listens at `{at}` is no remotex server that speaks tcp"
            ))));
        }
        Proven::NotUs => {
            return Err(Error::Denied(call.trouble(format_args!(
                "the server at `{at}` does not let us in, since the token in `{}` is not its own; copy that of the server anew",
                keys.path("token").display()
            ))));
        }
        Proven::NotIt => {
            return Err(Error::Denied(call.trouble(format_args!(
                "who listens at `{at}` does not know the token, so it is not the server that is meant; set another address"
            ))));
        }
    }
    hurried.calm(PATIENCE).map_err(cannot)?;
    Ok(Stream::Far(Box::new(Plain(socket.into()))))
}

/// What a client knows after its greeting.
enum Proven {
    Both,
    NoServer,
    NotUs,
    NotIt,
}

fn introduce(socket: &mut (impl Read + Write), token: &str) -> io::Result<Proven> {
    let mut magic = [0; MAGIC.len()];
    socket.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Ok(Proven::NoServer);
    }
    let mut theirs: Nonce = [0; 32];
    socket.read_exact(&mut theirs)?;
    let ours: Nonce = session::random()?;
    let proof = prove(token, "client", &theirs, &ours).finalize();
    socket.write_all(&[ours, proof.into_bytes().into()].concat())?;
    let mut proof: Proof = [0; 32];
    socket.read_exact(&mut proof)?;
    if proof == [0; 32] {
        return Ok(Proven::NotUs);
    }
    // In constant time.
    let verified = prove(token, "server", &theirs, &ours).verify_slice(&proof);
    Ok(verified.map_or(Proven::NotIt, |()| Proven::Both))
}

/// Gets to know clients.
pub(super) fn welcome(call: Call<'_>, keys: &Keys) -> Result<Welcome, Error> {
    let token = keys.token_or_new(call)?;
    Ok(Box::new(move |socket, deadline| {
        let mut hurried = Hurried::until(&socket, deadline);
        let known = get_to_know(&mut hurried, &token).map_err(|e| why(&e))?;
        if !known {
            return Err("it does not know the token".into());
        }
        hurried.calm(PATIENCE).map_err(|e| why(&e))?;
        Ok(Stream::Far(Box::new(Plain(socket.into()))))
    }))
}

/// Whether the client at the other end knows the token.
fn get_to_know(socket: &mut (impl Read + Write), token: &str) -> io::Result<bool> {
    let ours: Nonce = session::random()?;
    socket.write_all(&[&MAGIC[..], &ours].concat())?;
    let (mut theirs, mut proof): (Nonce, Proof) = ([0; 32], [0; 32]);
    socket.read_exact(&mut theirs)?;
    socket.read_exact(&mut proof)?;
    // In constant time.
    let verified = prove(token, "client", &ours, &theirs).verify_slice(&proof);
    let answer = match verified {
        Ok(()) => prove(token, "server", &ours, &theirs)
            .finalize()
            .into_bytes()
            .into(),
        Err(_) => [0; 32],
    };
    socket.write_all(&answer)?;
    Ok(verified.is_ok())
}

/// What only who knows the token can say; the client says another thing than the server, so that nobody
/// can answer with what he was asked.
fn prove(token: &str, who: &str, servers: &Nonce, clients: &Nonce) -> Hmac<Sha256> {
    let mut proof = <Hmac<Sha256> as KeyInit>::new_from_slice(token.as_bytes())
        .expect("HMAC takes keys of any length");
    proof.update(who.as_bytes());
    proof.update(servers);
    proof.update(clients);
    proof
}
