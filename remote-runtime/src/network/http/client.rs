//! The client's side: what is sent becomes a request, and its response what is received.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};
use std::{fmt, process};

use parking_lot::Mutex;
use rustls::CertificateError;
use ureq::http::{StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, BodyReader, Timeout};

use super::super::{Keys, reach as reach_socket, tls};
use super::{FRAMES, path_of};
use crate::address::Network;
use crate::error::{Call, Error};
use crate::link::PATIENCE;
use crate::transport::{Carrier, Stream, append};

/// For how long a connection is kept that nobody uses; servers and proxies keep theirs for longer.
const IDLE: Duration = Duration::from_secs(8);

/// How many are kept that nobody uses: as many as there are threads that call at once, if they are not many.
const MOST_IDLE: usize = 32;

/// How long a response may not come, until it is asked for anew.
const SILENCE: Duration = Duration::from_secs(60);

/// How much is read of a response that is none of remotex, to quote it.
const LONGEST_WORDS: u64 = 200;

/// A server, with the connections to it.
struct Site {
    at: Network,
    agent: Agent,
    /// What lets us in.
    authorization: String,
    /// Whether somebody listened there when it was last used.
    is_there: AtomicBool,
}

/// A stream for one call; `None` if nobody listens there.
pub(in super::super) fn reach(
    call: Call<'_>,
    at: &Network,
    keys: &Keys,
    deadline: Instant,
) -> Result<Option<Stream>, Error> {
    let is_there = || reach_socket(call, at, deadline).map(|socket| socket.is_some());
    let token = match keys.token(call)? {
        Some(token) => token,
        // A server that is started now makes one.
        None if !is_there()? => return Ok(None),
        // It may have been made just now.
        None => keys.token_for(call, at)?,
    };
    let site = site(call, at, keys, &token)?;
    // To find that out takes a connection, of which nothing else comes.
    if !site.is_there.load(Ordering::Relaxed) && !is_there()? {
        return Ok(None);
    }
    site.is_there.store(true, Ordering::Relaxed);
    Ok(Some(Stream::Far(Box::new(Exchange {
        site,
        server: call.server.to_owned(),
        function: call.function.map(str::to_owned),
        state: Mutex::default(),
    }))))
}

/// What is known of the server at that address, by who is let in there.
fn site(call: Call<'_>, at: &Network, keys: &Keys, token: &str) -> Result<Arc<Site>, Error> {
    // A child of fork(2) must not use its parent's connections, and new keys come with other ones.
    type Key = (String, String, u32, Option<SystemTime>);
    static SITES: Mutex<Option<HashMap<Key, Arc<Site>>>> = Mutex::new(None);
    let changed = match at.scheme.is_plain() {
        true => None,
        false => fs::metadata(keys.path("client.pem"))
            .and_then(|file| file.modified())
            .ok(),
    };
    let key = (at.to_string(), token.to_owned(), process::id(), changed);
    if let Some(site) = SITES.lock().get_or_insert_default().get(&key) {
        return Ok(site.clone());
    }
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_age(IDLE)
        .max_idle_connections(MOST_IDLE)
        .max_idle_connections_per_host(MOST_IDLE)
        .timeout_connect(Some(PATIENCE))
        .user_agent("remotex");
    if !at.scheme.is_plain() {
        let roots = roots(call, keys)?;
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    if at.is_loopback() {
        config = config.proxy(None);
    }
    let site = Arc::new(Site {
        at: at.clone(),
        agent: config.build().new_agent(),
        authorization: format!("Bearer {token}"),
        is_there: AtomicBool::new(false),
    });
    SITES
        .lock()
        .get_or_insert_default()
        .insert(key, site.clone());
    Ok(site)
}

/// Who signs for the server: the authority of its keys, if there are such here; else those of the web.
fn roots(call: Call<'_>, keys: &Keys) -> Result<RootCerts, Error> {
    Ok(match tls::authority(call, keys)? {
        None => RootCerts::WebPki,
        Some(authority) => {
            let authority = Certificate::from_der(&authority).to_owned();
            RootCerts::new_with_certs(&[authority])
        }
    })
}

/// One request and its response.
struct Exchange {
    site: Arc<Site>,
    server: String,
    function: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is to be sent.
    request: Vec<u8>,
    /// What is received.
    response: Option<Incoming>,
    patience: Option<Duration>,
}

/// The body of a response.
struct Incoming {
    body: BodyReader<'static>,
    /// How much of it has not come, if that is known.
    left: Option<u64>,
}

impl Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let received = self.body.read(buffer)?;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(received as u64);
            if *left == 0 {
                // Who has seen the end of it gives the connection back, for the next call.
                io::copy(&mut self.body, &mut io::sink())?;
            }
        }
        Ok(received)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Carrier for Exchange {
    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.state.lock().request.extend_from_slice(bytes);
        Ok(())
    }

    fn receive(&self, bytes: &mut Vec<u8>, _: bool) -> io::Result<usize> {
        let state = &mut *self.state.lock();
        if state.response.is_none() {
            let request = std::mem::take(&mut state.request);
            state.response = Some(self.ask(&request, state.patience)?);
        }
        let Some(response) = &mut state.response else {
            return Ok(0);
        };
        let received = append(bytes, |room| response.read(room));
        match received {
            Err(e) if is_late(&e) => Err(io::ErrorKind::WouldBlock.into()),
            // What cuts a response off cuts the connection off.
            received => Ok(received.unwrap_or(0)),
        }
    }

    fn has_more(&self) -> bool {
        false
    }

    fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        self.state.lock().patience = patience;
        Ok(())
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Exchange {
    fn call(&self) -> Call<'_> {
        Call {
            server: &self.server,
            function: self.function.as_deref(),
        }
    }

    /// Sends the request, and waits for the response.
    fn ask(&self, request: &[u8], patience: Option<Duration>) -> io::Result<Incoming> {
        let Site {
            at,
            agent,
            authorization,
            is_there,
        } = &*self.site;
        let path = path_of(request).ok_or(io::ErrorKind::Unsupported)?;
        let asked = agent
            .post(format!("{at}{path}"))
            .config()
            .timeout_global(patience)
            .timeout_recv_response(Some(SILENCE))
            .build()
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, FRAMES)
            .header(header::ACCEPT, FRAMES)
            .send(request);
        let response = match asked {
            Ok(response) => response,
            // Nothing of it has gone out; whoever looks for the server again says what is wrong.
            Err(
                ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve)
                | ureq::Error::HostNotFound,
            ) => {
                is_there.store(false, Ordering::Relaxed);
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            // Whether it still runs is asked anew: nothing else tells that a network has gone.
            Err(ureq::Error::Timeout(Timeout::RecvResponse)) => {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Err(ureq::Error::Timeout(_)) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(e) => {
                is_there.store(false, Ordering::Relaxed);
                return Err(self.unasked(&e));
            }
        };
        let (status, is_ours) = (response.status(), is_frames(response.headers()));
        let mut body = response.into_body();
        if is_ours {
            return Ok(Incoming {
                left: body.content_length(),
                body: body.into_reader(),
            });
        }
        let mut words = String::new();
        // What there is of it is quoted.
        let _ = body
            .as_reader()
            .take(LONGEST_WORDS)
            .read_to_string(&mut words);
        Err(io::Error::other(self.refused(
            status,
            &words,
            request.len(),
        )))
    }

    /// Why there is no response.
    fn unasked(&self, e: &ureq::Error) -> io::Error {
        let (call, at) = (self.call(), &self.site.at);
        let why = match e {
            ureq::Error::Io(e) => certificate(e),
            e => certificate(e),
        };
        if let Some(why) = why {
            return io::Error::other(self.mistaken(&why));
        }
        match e {
            ureq::Error::Io(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
                io::ErrorKind::ConnectionRefused.into()
            }
            // What cuts a response off cuts the connection off.
            ureq::Error::Io(_) => io::ErrorKind::ConnectionAborted.into(),
            e => io::Error::other(Error::Malformed(
                call.trouble(format_args!(
                    "what listens at `{at}` does not speak HTTP: {e}"
                ))
                .after_sending(),
            )),
        }
    }

    /// Why a certificate is not taken.
    fn mistaken(&self, why: &CertificateError) -> Error {
        use CertificateError as Wrong;
        let (call, at) = (self.call(), &self.site.at);
        Error::Denied(match why {
            Wrong::Expired | Wrong::ExpiredContext { .. } => call.trouble(format_args!(
                "the certificate of the server at `{at}` has expired; if `remotex keys init` has made it, make new keys with `remotex keys init {} --renew`",
                call.server
            )),
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
                call.trouble(format_args!(
                    "the certificate of the server at `{at}` is not for `{}`; if `remotex keys init` has made it, make new keys with `remotex keys init {} --renew --host {0}`",
                    at.host, call.server
                ))
            }
            why => call.trouble(format_args!(
                "who listens at `{at}` is not the server that is meant: {why}"
            )),
        })
    }

    /// What a response means that is none of remotex.
    fn refused(&self, status: StatusCode, words: &str, size: usize) -> Error {
        let (call, at) = (self.call(), &self.site.at);
        let words = plain(words);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Error::Denied(call.trouble(format_args!(
                    "`{at}` does not let us in (`{status}`): the token here is not that of the server, or a proxy on the way wants another{words}"
                )))
            }
            StatusCode::REQUEST_TIMEOUT => Error::TimedOut(call.trouble(format_args!(
                "`{at}` has not got the call in time (`{status}`), and has not run it{words}"
            ))),
            StatusCode::PAYLOAD_TOO_LARGE => Error::Denied(call.trouble(format_args!(
                "something on the way to `{at}` does not let {size} bytes pass (`{status}`); raise its limit{words}"
            ))),
            status if status.is_server_error() => Error::Lost(
                call.trouble(format_args!(
                    "`{at}` answers `{status}`, which is no word of the server: something on the way does not reach it; the function may have run{words}"
                ))
                .after_sending(),
            ),
            status => {
                let trouble = call.trouble(format_args!(
                    "what listens at `{at}` is no remotex server: it answers `{status}`{words}"
                ));
                // It may have come through to one, and what that said was changed on its way.
                Error::Malformed(if status.is_success() {
                    trouble.after_sending()
                } else {
                    trouble
                })
            }
        }
    }
}

/// Words of somebody else, at the end of a sentence.
fn plain(words: &str) -> String {
    let line: Vec<_> = words.split_whitespace().collect();
    match line.join(" ") {
        words if words.is_empty() => words,
        words => format!("; it says: {words}"),
    }
}

fn is_frames(headers: &header::HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes() == FRAMES.as_bytes())
}

/// Whether it takes longer than it may.
fn is_late(e: &io::Error) -> bool {
    let inner = e.get_ref().and_then(|e| e.downcast_ref());
    matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// What is wrong with a certificate, if that is what an error says.
fn certificate(e: &(dyn std::error::Error + 'static)) -> Option<CertificateError> {
    let mut e = Some(e);
    while let Some(inner) = e {
        if let Some(rustls::Error::InvalidCertificate(why)) = inner.downcast_ref() {
            return Some(why.clone());
        }
        let boxed = inner.downcast_ref::<io::Error>();
        e = match boxed.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => inner.source(),
        };
    }
    None
}
