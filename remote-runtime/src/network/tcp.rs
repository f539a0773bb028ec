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
use std::sync::Arc;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::handshake::{AtOnce, Begin, Handshake, arrived};
use super::{Hurried, Keys, ungreeted, why};
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

/// Begins to authenticate clients by the token.
pub(super) fn begin(call: Call<'_>, keys: &Keys) -> Result<Begin, Error> {
    let token: Arc<str> = keys.token_or_new(call)?.into();
    Ok(Box::new(move |socket| {
        let challenge = Challenge::send(&mut AtOnce(socket), token.clone());
        Ok(Box::new(challenge.map_err(|e| why(&e))?))
    }))
}

/// A challenge that was sent to a client, and as much of the response as has arrived.
struct Challenge {
    token: Arc<str>,
    ours: Nonce,
    response: [u8; RESPONSE],
    arrived: usize,
    /// `true` if the response was right.
    is_met: bool,
}

/// The client's number and its proof.
const RESPONSE: usize = size_of::<Nonce>() + size_of::<Proof>();

impl Challenge {
    fn send(socket: &mut impl Write, token: Arc<str>) -> io::Result<Self> {
        let ours: Nonce = session::random()?;
        socket.write_all(&[&MAGIC[..], &ours].concat())?;
        Ok(Self {
            token,
            ours,
            response: [0; RESPONSE],
            arrived: 0,
            is_met: false,
        })
    }

    /// Reads what has arrived of the response, and replies to it once it is complete; `None` before.
    fn reply(&mut self, socket: &mut (impl Read + Write)) -> io::Result<Option<bool>> {
        while self.arrived < RESPONSE {
            match arrived(socket.read(&mut self.response[self.arrived..]))? {
                Some(n) => self.arrived += n,
                None => return Ok(None),
            }
        }
        let (theirs, proof) = self.response.split_at(size_of::<Nonce>());
        let theirs: &Nonce = theirs.try_into().map_err(io::Error::other)?;
        // In constant time.
        let verified = prove(&self.token, "client", &self.ours, theirs).verify_slice(proof);
        let answer: Proof = match verified {
            Ok(()) => prove(&self.token, "server", &self.ours, theirs)
                .finalize()
                .into_bytes()
                .into(),
            Err(_) => [0; 32],
        };
        socket.write_all(&answer)?;
        self.is_met = verified.is_ok();
        Ok(Some(self.is_met))
    }
}

impl Handshake for Challenge {
    fn advance(&mut self, socket: &TcpStream) -> Result<bool, String> {
        match self.reply(&mut AtOnce(socket)) {
            Ok(Some(true)) => Ok(true),
            Ok(Some(false)) => Err("it does not know the token".into()),
            Ok(None) => Ok(false),
            Err(e) => Err(why(&e)),
        }
    }

    fn finish(self: Box<Self>, socket: TcpStream) -> Option<Stream> {
        self.is_met
            .then(|| Stream::Far(Box::new(Plain(socket.into()))))
    }
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

    /// Sends a challenge, and waits for the response to it.
    fn authenticate(socket: &mut (impl Read + Write), token: &str) -> io::Result<bool> {
        let mut challenge = Challenge::send(socket, token.into())?;
        let replied = challenge.reply(socket)?;
        Ok(replied.expect("a socket that blocks gives all of the response"))
    }

    /// What both ends find out of each other.
    fn meet(servers: &str, clients: &str) -> (bool, Proven) {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        std::thread::scope(|scope| {
            let server = scope.spawn(|| authenticate(&mut one, servers).unwrap());
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

    #[test]
    fn a_response_may_arrive_byte_by_byte() {
        let (one, mut other) = UnixStream::pair().unwrap();
        one.set_nonblocking(true).unwrap();
        let mut challenge = Challenge::send(&mut &one, "token".into()).unwrap();
        let mut servers = [0; MAGIC.len() + 32];
        other.read_exact(&mut servers).unwrap();
        let (servers, clients) = (servers[MAGIC.len()..].try_into().unwrap(), [3; 32]);
        let proof = prove("token", "client", &servers, &clients).finalize();
        let response: [u8; 64] = [clients, proof.into_bytes().into()]
            .concat()
            .try_into()
            .unwrap();
        for byte in response {
            assert_eq!(challenge.reply(&mut &one).unwrap(), None);
            other.write_all(&[byte]).unwrap();
        }
        assert_eq!(challenge.reply(&mut &one).unwrap(), Some(true));
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
            prop_assert!(!authenticate(&mut stranger, "token").unwrap_or(false));
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
                scope.spawn(|| authenticate(&mut one, "token").unwrap());
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
