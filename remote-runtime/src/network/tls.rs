//! `tls://`: TLS 1.3, where both ends show a certificate that the same authority has signed: one that
//! `remotex keys init` makes for one server, and whose own key it then forgets. So nobody else has one,
//! and names of hosts mean nothing.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Connection, RootCertStore,
    ServerConfig, ServerConnection,
};

use super::handshake::{AtOnce, Begin, Handshake, arrived};
use super::{Hurried, Keys, ungreeted, why};
use crate::address::Network;
use crate::error::{Call, Error};
use crate::link::PATIENCE;
use crate::transport::{Carrier, Plain, Stream, append};

/// What the certificate of each server is for, whatever its host is called.
const NAME: &str = "remotex";

/// What one end needs: its certificate, the key of that, and who signs for the other end.
struct Pair {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    authority: CertificateDer<'static>,
}

impl Pair {
    /// Reads a file of `remotex keys init`.
    fn read(call: Call<'_>, keys: &Keys, name: &str) -> Result<Self, Error> {
        let found = Self::find(call, keys, name)?;
        found.ok_or_else(|| Self::denied(call, keys, name, "is not there"))
    }

    /// The same; `None` if there is no such file.
    fn find(call: Call<'_>, keys: &Keys, name: &str) -> Result<Option<Self>, Error> {
        let Some(text) = keys.read(call, name)? else {
            return Ok(None);
        };
        let mut certificates = CertificateDer::pem_slice_iter(&text).flatten();
        let (certificate, authority) = (certificates.next(), certificates.next());
        let key = PrivateKeyDer::from_pem_slice(&text).ok();
        match (certificate, key, authority) {
            (Some(certificate), Some(key), Some(authority)) => Ok(Some(Self {
                certificate,
                key,
                authority,
            })),
            _ => {
                let why = "is not what `remotex keys init` makes";
                Err(Self::denied(call, keys, name, why))
            }
        }
    }

    fn denied(call: Call<'_>, keys: &Keys, name: &str, why: &str) -> Error {
        Error::Denied(call.trouble(format_args!(
            "`{}` {why}; run `remotex keys init {}` once, keep `server.pem` where the server is, and copy `client.pem` to the same place where its clients are",
            keys.path(name).display(),
            call.server
        )))
    }
}

/// Who signs for the server that a client is to find, if the client has keys for it.
#[cfg(feature = "http")]
pub(super) fn authority(
    call: Call<'_>,
    keys: &Keys,
) -> Result<Option<CertificateDer<'static>>, Error> {
    let pair = Pair::find(call, keys, "client.pem")?;
    Ok(pair.map(|pair| pair.authority))
}

/// What is wrong with something that has an error of its own.
fn general(e: impl std::fmt::Display) -> rustls::Error {
    rustls::Error::General(e.to_string())
}

/// Those that one authority has signed.
fn roots(authority: CertificateDer<'_>) -> Result<Arc<RootCertStore>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    Ok(roots.into())
}

fn provider() -> Arc<CryptoProvider> {
    ring::default_provider().into()
}

/// Gets to know the server at the other end.
pub(super) fn greet(
    call: Call<'_>,
    at: &Network,
    keys: &Keys,
    socket: TcpStream,
    deadline: Instant,
) -> Result<Stream, Error> {
    let Pair {
        certificate,
        key,
        authority,
    } = Pair::read(call, keys, "client.pem")?;
    let connect = || {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots(authority)?, provider()).build();
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_webpki_verifier(verifier.map_err(general)?)
            .with_client_auth_cert(vec![certificate], key)?;
        let name = ServerName::try_from(NAME).map_err(general)?;
        ClientConnection::new(config.into(), name)
    };
    let connection = connect().map_err(|e| keys.unusable(call, "client.pem", e))?;
    let mut hurried = Hurried::until(&socket, deadline);
    let mut connection = Connection::from(connection);
    // Who speaks first is the server, once it has let us in.
    introduce(&mut connection, &mut hurried).map_err(|e| denied(call, at, keys, e))?;
    hurried.calm(PATIENCE).map_err(|e| ungreeted(call, at, e))?;
    Ok(Stream::Far(Box::new(Sealed::new(socket, connection))))
}

/// How a server is known to clients that show no certificate, such as browsers.
#[cfg(feature = "http")]
pub(super) fn server(call: Call<'_>, keys: &Keys) -> Result<Arc<ServerConfig>, Error> {
    let Pair {
        certificate, key, ..
    } = Pair::read(call, keys, "server.pem")?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            let config = config.with_no_client_auth();
            config.with_single_cert(vec![certificate], key)
        });
    config
        .map(Arc::new)
        .map_err(|e| keys.unusable(call, "server.pem", e))
}

/// Begins to authenticate clients by their certificates.
pub(super) fn begin(call: Call<'_>, keys: &Keys) -> Result<Begin, Error> {
    let Pair {
        certificate,
        key,
        authority,
    } = Pair::read(call, keys, "server.pem")?;
    let config = || {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(authority)?, provider()).build();
        ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier.map_err(general)?)
            .with_single_cert(vec![certificate], key)
    };
    let config = config().map_err(|e| keys.unusable(call, "server.pem", e))?;
    let config = Arc::new(config);
    Ok(Box::new(move |_| {
        Ok(Box::new(TlsHandshake {
            config: config.clone(),
            connection: None,
            arrived: 0,
        }))
    }))
}

/// How much a client may send before it is authenticated, in bytes. Its keys need less than 4 KiB, and
/// this much may be kept of each of those that are within their handshakes.
const LARGEST_HANDSHAKE: usize = 16 * 1024;

/// The server's end of a handshake.
struct TlsHandshake {
    config: Arc<ServerConfig>,
    /// `None` before anything has arrived: a silent peer costs no more than its socket.
    connection: Option<Connection>,
    arrived: usize,
}

impl TlsHandshake {
    fn go_on(&mut self, socket: &TcpStream) -> io::Result<bool> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let new = ServerConnection::new(self.config.clone());
                none.insert(new.map_err(io::Error::other)?.into())
            }
        };
        let mut socket = AtOnce(socket);
        while connection.is_handshaking() {
            match arrived(connection.read_tls(&mut socket))? {
                Some(n) => self.arrived += n,
                None => return Ok(false),
            }
            if self.arrived > LARGEST_HANDSHAKE {
                return Err(io::Error::other("its handshake is too large"));
            }
            let state = connection.process_new_packets();
            // A refusal too is said to the client.
            while connection.wants_write() {
                connection.write_tls(&mut socket)?;
            }
            state.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        }
        Ok(true)
    }
}

impl Handshake for TlsHandshake {
    fn advance(&mut self, socket: &TcpStream) -> Result<bool, String> {
        self.go_on(socket).map_err(|e| why(&e))
    }

    fn finish(self: Box<Self>, socket: TcpStream) -> Option<Stream> {
        let connection = self.connection.filter(|its| !its.is_handshaking())?;
        Some(Stream::Far(Box::new(Sealed::new(socket, connection))))
    }
}

/// Completes the client's end of a handshake, and waits for the server's first word.
fn introduce(connection: &mut Connection, socket: &mut Hurried<'_>) -> io::Result<()> {
    while connection.is_handshaking() {
        if connection.complete_io(socket)? == (0, 0) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    while connection.wants_write() {
        connection.write_tls(socket)?;
    }
    while !has_plain(connection)? {
        if connection.read_tls(socket)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Whether there is something to be read; what has come is looked at first.
fn has_plain(connection: &mut Connection) -> io::Result<bool> {
    let state = connection.process_new_packets();
    let state = state.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    Ok(state.plaintext_bytes_to_read() > 0)
}

/// Why the two ends do not know each other.
fn denied(call: Call<'_>, at: &Network, keys: &Keys, e: io::Error) -> Error {
    let refused = e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let Some(refused) = refused else {
        return ungreeted(call, at, e);
    };
    let ours = keys.path("client.pem");
    let ours = ours.display();
    let anew = format_args!(
        "make new keys with `remotex keys init {} --renew`",
        call.server
    );
    let copy = "copy `client.pem` anew from where the server is, and restart the server if its keys are newer than it";
    use CertificateError as Wrong;
    Error::Denied(match refused {
        rustls::Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            call.trouble(format_args!("the certificate of the server at `{at}` has expired; {anew}"))
        }
        rustls::Error::InvalidCertificate(why) => call.trouble(format_args!(
            "who listens at `{at}` is not the server that the keys in `{ours}` are for ({why}); {copy}"
        )),
        rustls::Error::AlertReceived(AlertDescription::CertificateExpired) => call.trouble(
            format_args!("the server at `{at}` does not let us in: the certificate in `{ours}` has expired; {anew}"),
        ),
        rustls::Error::AlertReceived(why) => call.trouble(format_args!(
            "the server at `{at}` does not let us in: the keys in `{ours}` are not for it ({why:?}); {copy}"
        )),
        refused => {
            return Error::Malformed(call.trouble(format_args!(
                "what listens at `{at}` does not speak TLS as a remotex server does: {refused}"
            )));
        }
    })
}

/// A socket whose bytes are encrypted.
///
/// Its end is not announced: frames say how long they are, so that nobody can cut one off unseen.
#[derive(Debug)]
struct Sealed {
    socket: Plain,
    /// One thread at a time has a connection, and no other one waits for it.
    connection: Mutex<Connection>,
}

impl Sealed {
    fn new(socket: TcpStream, connection: Connection) -> Self {
        Self {
            socket: Plain(socket.into()),
            connection: Mutex::new(connection),
        }
    }

    fn flush(&self, connection: &mut Connection) -> io::Result<()> {
        while connection.wants_write() {
            connection.write_tls(&mut Under(&self.socket, true))?;
        }
        Ok(())
    }
}

impl Carrier for Sealed {
    fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        let connection = &mut *self.connection.lock();
        while !bytes.is_empty() {
            // It takes what it has room for.
            let taken = connection.writer().write(bytes)?;
            bytes = &bytes[taken..];
            self.flush(connection)?;
        }
        Ok(())
    }

    fn receive(&self, bytes: &mut Vec<u8>, waits: bool) -> io::Result<usize> {
        let connection = &mut *self.connection.lock();
        while !has_plain(connection)? {
            // What is owed for what has come, such as other keys.
            self.flush(connection)?;
            if connection.read_tls(&mut Under(&self.socket, waits))? == 0 {
                return Ok(0);
            }
        }
        append(bytes, |room| connection.reader().read(room))
    }

    fn has_more(&self) -> bool {
        // What is wrong with it, the next receive says.
        has_plain(&mut self.connection.lock()).unwrap_or(true)
    }

    fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(patience)
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.0.as_fd())
    }
}

/// The socket below, which may wait to be read from.
struct Under<'s>(&'s Plain, bool);

impl Read for Under<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self(socket, waits) = *self;
        let mut bytes = Vec::with_capacity(buffer.len());
        let received = socket.receive(&mut bytes, waits)?;
        buffer[..received].copy_from_slice(&bytes);
        Ok(received)
    }
}

impl Write for Under<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
