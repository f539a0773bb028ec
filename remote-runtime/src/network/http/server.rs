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
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::super::{Door, Keeper, Keys, RESPITE, Site, tls};
use super::desk::Desk;
use super::guard::Guard;
use super::turn::{Turn, Watched};
use crate::address::{Network, Scheme};
use crate::error::{Call, Error};
use crate::link::PATIENCE;

/// How many connections there may be; more wait to be accepted.
const CONNECTIONS: usize = 1024;

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
    // Who finds that somebody listens finds the token too.
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
        let runtime = runtime.enable_all().build()?;
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

/// Takes connections until the server quits; then lets responses be written.
async fn keep(
    listener: &tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    quit: watch::Receiver<()>,
    desk: &Arc<Desk>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accept = async {
            let permit = room.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        let Some(accepted) = unless(&quit, accept).await else {
            break;
        };
        let (Ok((socket, _)), Ok(permit)) = accepted else {
            // Whoever waited has gone, or there is no descriptor: others must end first.
            sleep(RESPITE).await;
            continue;
        };
        let (desk, quit, tls) = (desk.clone(), quit.clone(), tls.clone());
        tokio::spawn(async move {
            // How a connection ends matters to its client only.
            let _ = serve(socket, tls, quit, &desk).await;
            drop(permit);
        });
    }
    let done = room.acquire_many(u32::try_from(CONNECTIONS).unwrap_or(u32::MAX));
    // Who reads too slowly does not get the rest.
    let _ = timeout(FAREWELL, done).await;
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
) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let _counted = desk.count();
    match tls {
        None => converse(socket, quit, desk).await,
        Some(tls) => {
            let sealed = timeout(PATIENCE, tls.accept(socket)).await.ok()?.ok()?;
            converse(sealed, quit, desk).await
        }
    }
}

async fn converse(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    quit: watch::Receiver<()>,
    desk: &Arc<Desk>,
) -> Option<()> {
    let turn = Arc::new(Turn::new(PATIENCE));
    let (desk, its) = (desk.clone(), turn.clone());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (desk, turn) = (desk.clone(), its.clone());
        async move {
            turn.begin();
            let is_known = desk.lets_in(&request);
            let reply = desk.answer(request, is_known).await;
            turn.end(if is_known { KEPT } else { PATIENCE });
            Ok::<_, Infallible>(reply)
        }
    });
    let socket = Watched::new(socket, turn.clone());
    let connection = http1::Builder::new()
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
