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
    let token = keys.token_for(call, at)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::net::UnixStream;

    /// What both ends find out of each other.
    fn meet(servers: &str, clients: &str) -> (bool, Proven) {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        std::thread::scope(|scope| {
            let server = scope.spawn(|| get_to_know(&mut one, servers).unwrap());
            let client = introduce(&mut other, clients).unwrap();
            (server.join().unwrap(), client)
        })
    }

    #[test]
    fn who_has_the_same_token_is_known() {
        assert!(matches!(meet("a", "a"), (true, Proven::Both)));
        assert!(matches!(meet("a", "b"), (false, Proven::NotUs)));
        assert!(matches!(meet("a", ""), (false, Proven::NotUs)));
    }

    /// What somebody else says, and what he is told.
    struct Stranger<'s>(&'s [u8], Vec<u8>);

    impl Read for Stranger<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Stranger<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn nobody_is_known_by_luck(said: Vec<u8>, begins_well: bool) {
            let said = if begins_well { [&MAGIC[..], &said].concat() } else { said };
            let mut stranger = Stranger(&said, Vec::new());
            prop_assert!(!get_to_know(&mut stranger, "token").unwrap_or(false));
            let mut stranger = Stranger(&said, Vec::new());
            let proven = introduce(&mut stranger, "token");
            prop_assert!(!matches!(proven, Ok(Proven::Both)));
            prop_assert!(!stranger.1.windows(5).any(|said| said == b"token"));
        }

        #[test]
        fn what_was_heard_once_proves_nothing(seed: [u8; 32]) {
            // A server that says again what another one has said.
            let (mut one, mut other) = UnixStream::pair().unwrap();
            let heard = std::thread::scope(|scope| {
                scope.spawn(|| get_to_know(&mut one, "token").unwrap());
                let mut tap = Tap(&mut other, Vec::new());
                introduce(&mut tap, "token").unwrap();
                tap.1
            });
            prop_assert_eq!(heard.len(), MAGIC.len() + 64);
            let mut again = Stranger(&heard, seed.to_vec());
            prop_assert!(matches!(introduce(&mut again, "token"), Ok(Proven::NotIt)));
        }
    }

    /// Keeps what is read.
    struct Tap<'s>(&'s mut UnixStream, Vec<u8>);

    impl Read for Tap<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = self.0.read(buffer)?;
            self.1.extend_from_slice(&buffer[..n]);
            Ok(n)
        }
    }

    impl Write for Tap<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
