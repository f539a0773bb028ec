//! The server's side. One thread reads requests and writes responses (hyper, on a runtime of its own); what
//! they ask for is done where all calls are, by the threads of the server.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::super::{Door, Keeper, Keys, RESPITE, Site, tls};
use super::conversion;
use super::desk::Desk;
use super::guard::Guard;
use super::places::{Place, Places};
use super::reply::crowded;
use super::turn::{Turn, Watched};
use crate::address::{Network, Scheme};
use crate::error::{Call, Error};
use crate::link::PATIENCE;

/// For how long a connection is kept for the next request of somebody who was let in: longer than proxies
/// keep theirs, most of them for a minute, so that they never send a request to one that is just ending.
const KEPT: Duration = Duration::from_secs(75);

/// How large the head of a request may be, of which strangers may send as many as there are connections.
const LARGEST_HEAD: usize = 64 * 1024;

/// How long responses that are being written may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where requests come in.
struct HttpDoor {
    listener: Option<TcpListener>,
    guard: Option<Guard>,
    tls: Option<TlsAcceptor>,
    keeper: Option<Keeper<watch::Sender<()>>>,
}

/// Gets ready to take requests, which wait until it is opened.
pub(in super::super) fn welcome(
    call: Call<'_>,
    at: &Network,
    keys: &Keys,
    bind: impl FnOnce() -> Result<TcpListener, Error>,
) -> Result<Box<dyn Door>, Error> {
    let guard = Guard::new(keys.token_or_new(call)?);
    let tls = match at.scheme {
        Scheme::Https => Some(tls::server(call, keys)?),
        _ => None,
    };
    // Write the token before binding: a client that can connect must be able to read it.
    let listener = bind()?;
    let guard = guard.and_then(|guard| listener.set_nonblocking(true).map(|()| guard));
    let guard = guard.map_err(|e| call.io("it cannot serve over HTTP", e))?;
    Ok(Box::new(HttpDoor {
        listener: Some(listener),
        guard: Some(guard),
        tls: tls.map(TlsAcceptor::from),
        keeper: None,
    }))
}

impl Door for HttpDoor {
    fn shows_figures(&self) -> bool {
        true
    }

    fn open(&mut self, site: Arc<dyn Site>) -> io::Result<()> {
        let (Some(listener), Some(guard)) = (self.listener.take(), self.guard.take()) else {
            return Ok(());
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime
            .enable_all()
            .max_blocking_threads(conversion::THREADS)
            .thread_name("remotex json")
            .build()?;
        let (quit, quitted) = watch::channel(());
        let tls = self.tls.take();
        let desk = Arc::new(Desk::of(site, guard));
        let keep = move || {
            let listener = {
                let _entered = runtime.enter();
                tokio::net::TcpListener::from_std(listener)
            };
            if let Ok(listener) = listener {
                runtime.block_on(keep(&listener, tls, quitted, &desk));
            }
        };
        self.keeper = Some(Keeper::start("remotex http", quit, keep)?);
        Ok(())
    }
}

/// Accepts connections until the server quits; then lets responses be written.
async fn keep(
    listener: &tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    quit: watch::Receiver<()>,
    desk: &Arc<Desk>,
) {
    let places = Places::new();
    // Each connection has a sender, so that the receiver sees the end of the last one.
    let (open, mut all_closed) = mpsc::channel::<Infallible>(1);
    while let Some(accepted) = unless(&quit, listener.accept()).await {
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(_) => {
                // The system has no descriptor or no memory for it: another one makes room, or must
                // end first.
                if !places.make_room() {
                    sleep(RESPITE).await;
                }
                tokio::task::yield_now().await;
                continue;
            }
        };
        let Ok(local) = socket.local_addr() else {
            continue;
        };
        let place = places.reserve();
        let id = place.id();
        let (desk, quit, tls, open) = (desk.clone(), quit.clone(), tls.clone(), open.clone());
        let task = tokio::spawn(async move {
            // How a connection ends matters to its client only.
            let _ = serve(socket, tls, quit, &desk, place).await;
            drop(open);
        });
        places.occupy(id, local, peer, task.abort_handle());
    }
    drop(open);
    // Who reads too slowly does not get the rest.
    let _ = timeout(FAREWELL, all_closed.recv()).await;
}

/// What comes of `what`; `None` if the server quits before.
async fn unless<T>(quit: &watch::Receiver<()>, what: impl Future<Output = T>) -> Option<T> {
    let mut quit = quit.clone();
    let (mut quits, mut what) = (pin!(quit.changed()), pin!(what));
    std::future::poll_fn(|context| {
        if quits.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(None);
        }
        what.as_mut().poll(context).map(Some)
    })
    .await
}

async fn serve(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    quit: watch::Receiver<()>,
    desk: &Arc<Desk>,
    place: Place,
) -> Option<()> {
    let deadline = Instant::now() + PATIENCE;
    socket.set_nodelay(true).ok()?;
    let _counted = desk.count();
    let turn = Turn::until(deadline);
    match tls {
        None => converse(socket, quit, desk, place, turn).await,
        Some(tls) => {
            let sealed = timeout_at(deadline, tls.accept(socket)).await.ok()?.ok()?;
            converse(sealed, quit, desk, place, turn).await
        }
    }
}

async fn converse(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    quit: watch::Receiver<()>,
    desk: &Arc<Desk>,
    place: Place,
    turn: Turn,
) -> Option<()> {
    let (turn, place) = (Arc::new(turn), Arc::new(place));
    let (desk, its) = (desk.clone(), turn.clone());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (desk, turn, place) = (desk.clone(), its.clone(), place.clone());
        async move {
            turn.begin();
            let is_known = desk.lets_in(&request);
            let reply = if is_known && !place.begin() {
                crowded()
            } else {
                if is_known {
                    turn.is_shown();
                }
                desk.answer(request, is_known).await
            };
            turn.end(if place.end() { KEPT } else { PATIENCE });
            Ok::<_, Infallible>(reply)
        }
    });
    let socket = Watched::new(socket, turn.clone());
    let connection = http1::Builder::new()
        // A client that has said all that it will say still waits for the response.
        .half_close(true)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(socket), answer);
    let mut connection = pin!(connection);
    let within_turn = turn.keeps(connection.as_mut());
    if let Some(ended) = unless(&quit, within_turn).await {
        return ended?.ok();
    }
    connection.as_mut().graceful_shutdown();
    connection.await.ok()
}
