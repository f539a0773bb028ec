//! Servers that are met over a network: the features `tcp`, `tls` and `http`.
//!
//! This is where a transport is added. One that carries bytes makes a [`Stream`] of a connection, at both
//! ends, once both have proven to each other who they are; all above is as with a socket of this machine.

mod handshake;
#[cfg(feature = "http")]
mod http;
mod hurry;
mod keys;
mod listener;
mod peer_group;
mod refusal_log;
mod site;
mod sock_diag;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod waitlist;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use crate::address::{Network, Scheme};
use crate::backoff;
use crate::error::{Call, Error};
use crate::explain;
use crate::transport::Stream;

use handshake::Begin;
use hurry::Hurried;
use keys::Keys;
use listener::StreamListener;
use site::Keeper;

pub(crate) use site::{Door, Site};

/// The address of the server of `key` at `at`. HTTP has the key in its paths; elsewhere a client's
/// hello alone says it.
pub(crate) fn below(at: &Network, key: &str) -> Network {
    #[cfg(feature = "http")]
    if at.scheme.is_http() {
        return http::key::below(at, key);
    }
    let _ = key;
    at.clone()
}

/// The key of a server that an address names, if it does.
pub(crate) fn key(at: &Network) -> Option<String> {
    #[cfg(feature = "http")]
    if at.scheme.is_http() {
        return http::key::of(at);
    }
    let _ = at;
    None
}

/// How many connections may wait to be accepted: the most that Linux allows by default. The standard
/// library's 128 are filled by a few peers that connect at once.
const BACKLOG: i32 = 4096;

/// When a connection on which nothing comes is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(15);
/// How long between the questions, of which four may be unanswered.
const AGAIN: Duration = Duration::from_secs(5);

/// How long to leave clients waiting when the system has no descriptor to spare.
const RESPITE: Duration = Duration::from_millis(100);

/// Connects to the server that `at` leads to; `None` if nobody listens there.
///
/// # Errors
/// [`Error::Denied`] if one of the two does not let the other in.
pub(crate) fn connect(
    call: Call<'_>,
    at: &Network,
    key: &str,
    patience: Duration,
) -> Result<Option<Stream>, Error> {
    let at = &below(at, key);
    if at.scheme.is_plain() && !at.is_loopback() {
        return Err(Error::Denied(call.trouble(format_args!("`{at}` {PLAIN}"))));
    }
    let keys = Keys::of(call)?;
    let deadline = Instant::now() + patience;
    let mut attempts = 1;
    loop {
        match meet(call, at, &keys, deadline) {
            // Nothing was said yet. Whoever listens there may be ending, and another one comes.
            Err(e) if attempts < ATTEMPTS && was_cut(&e) => {
                attempts += 1;
                explain::say(call, || format!("it is tried again: {e}"));
                let left = deadline.saturating_duration_since(Instant::now());
                thread::sleep(backoff::pause_before(attempts).min(left));
            }
            met => return met,
        }
    }
}

/// The number of connections to a server that ends them before its greeting; with the pauses between
/// them, they take about 0.6 s.
const ATTEMPTS: u32 = 8;

fn was_cut(e: &Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    let cuts = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        NotConnected,
        UnexpectedEof,
    ];
    matches!(e, Error::Unreachable(trouble) if trouble.io_kind().is_some_and(|kind| cuts.contains(&kind)))
}

/// Connects, and gets to know who listens.
fn meet(
    call: Call<'_>,
    at: &Network,
    keys: &Keys,
    deadline: Instant,
) -> Result<Option<Stream>, Error> {
    #[cfg(feature = "http")]
    if at.scheme.is_http() {
        return http::reach(call, at, keys, deadline);
    }
    let Some(socket) = reach(call, at, deadline)? else {
        return Ok(None);
    };
    tend(&socket).map_err(|e| unreachable(call, at, e))?;
    let known = match at.scheme {
        Scheme::Tcp => tcp::greet(call, at, keys, socket, deadline),
        #[cfg(feature = "tls")]
        Scheme::Tls => tls::greet(call, at, keys, socket, deadline),
        _ => Err(without(call, at)),
    };
    known.map(Some)
}

/// The folder of the keys of a server, with a token.
#[cfg(feature = "discovery")]
pub(crate) fn make_keys(call: Call<'_>) -> Result<std::path::PathBuf, Error> {
    let keys = Keys::of(call)?;
    keys.token_or_new(call)?;
    Ok(keys.path(""))
}

/// Why an address is refused.
const PLAIN: &str = "would send what others can read beyond this machine; use `tls://`, for which `remotex keys init` makes the keys, or `https://`";

/// Listens at an address; those who are let in are admitted as soon as the [door](Door) is opened.
///
/// # Errors
/// If the address is not to be had, or there is nothing by which to know who may be let in.
pub(crate) fn listen(
    call: Call<'_>,
    at: &Network,
    given: Option<TcpListener>,
) -> Result<Box<dyn Door>, Error> {
    let cannot = |e: io::Error| {
        let remedy = match e.kind() {
            io::ErrorKind::AddrInUse => {
                "; another program has it: stop that one, or choose another port"
            }
            io::ErrorKind::AddrNotAvailable => "; it is no address of this machine",
            _ => "",
        };
        call.io(format_args!("it cannot listen at `{at}`{remedy}"), e)
    };
    let addresses: Vec<_> = at
        .host_and_port()
        .to_socket_addrs()
        .map_err(cannot)?
        .collect();
    let given_at = given.as_ref().map(TcpListener::local_addr);
    let given_at = given_at.transpose().map_err(cannot)?;
    if let Some(there) = given_at {
        let is_it = |address: &SocketAddr| {
            address.port() == there.port()
                && (there.ip().is_unspecified() || address.ip() == there.ip())
        };
        if !addresses.iter().any(is_it) {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "its service manager listens at `{there}`, and its address is `{at}`; let both be the same"
            ))));
        }
    }
    let mut all = addresses.iter().chain(&given_at);
    let leaves = all.any(|address| !address.ip().is_loopback());
    if at.scheme.is_plain() && leaves {
        return Err(Error::Denied(call.trouble(format_args!("`{at}` {PLAIN}"))));
    }
    let keys = Keys::of(call)?;
    let bind = || match given {
        Some(given) => Ok(given),
        None => bind(&addresses).map_err(cannot),
    };
    let begin: Begin = match at.scheme {
        Scheme::Tcp => tcp::begin(call, &keys)?,
        #[cfg(feature = "tls")]
        Scheme::Tls => tls::begin(call, &keys)?,
        #[cfg(feature = "http")]
        Scheme::Http | Scheme::Https => return http::welcome(call, at, &keys, bind),
        #[cfg(not(feature = "http"))]
        _ => return Err(without(call, at)),
    };
    let listener = StreamListener::new(bind()?, begin).map_err(cannot)?;
    Ok(Box::new(listener))
}

/// Listens at the first of the addresses that is to be had.
fn bind(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addresses)?;
    // Again, since the standard library has a backlog of its own.
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// A connection to the address, before a byte is said; `None` if nobody listens.
fn reach(call: Call<'_>, at: &Network, deadline: Instant) -> Result<Option<TcpStream>, Error> {
    let addresses = at.host_and_port().to_socket_addrs();
    let mut failed = None;
    for address in addresses.map_err(|e| unreachable(call, at, e))? {
        // A name may lead anywhere.
        if at.scheme.is_plain() && !address.ip().is_loopback() {
            return Err(Error::Denied(call.trouble(format_args!("`{at}` {PLAIN}"))));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1))) {
            Ok(socket) => {
                explain::say(call, || format!("somebody listens at `{at}`"));
                return Ok(Some(socket));
            }
            Err(e) => failed = Some(e),
        }
    }
    match failed {
        Some(e) if e.kind() != io::ErrorKind::ConnectionRefused => Err(unreachable(call, at, e)),
        _ => {
            explain::say(call, || format!("nobody listens at `{at}`"));
            Ok(None)
        }
    }
}

/// Sends what is sent at once, and notices a network that has gone.
fn tend(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, QUIET)?;
    sockopt::set_tcp_keepintvl(socket, AGAIN)?;
    Ok(sockopt::set_tcp_keepcnt(socket, 4)?)
}

fn unreachable(call: Call<'_>, at: &Network, e: io::Error) -> Error {
    let why = format_args!("`{at}` cannot be reached: {e}");
    match e.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            Error::TimedOut(call.trouble(format_args!("`{at}` does not answer")))
        }
        _ => Error::Unreachable(call.trouble(why).caused_by(e)),
    }
}

/// How it ends if one end does not get to know the other.
fn ungreeted(call: Call<'_>, at: &Network, e: io::Error) -> Error {
    match e.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::TimedOut(call.trouble(
            format_args!("who listens at `{at}` does not greet in time; it may be stopped, or no remotex server"),
        )),
        _ => Error::Unreachable(
            call.trouble(format_args!("who listens at `{at}` has ended the connection before it has greeted: {e}"))
                .caused_by(e),
        ),
    }
}

/// The same, to the server's log.
fn why(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            "it has not said in time who it is".into()
        }
        io::ErrorKind::UnexpectedEof => "it has gone before it has said who it is".into(),
        _ => e.to_string(),
    }
}

fn without(call: Call<'_>, at: &Network) -> Error {
    Error::Unreachable(call.trouble(at.unbuilt()))
}
