//! The server's side. One thread reads requests and writes responses (hyper, on a runtime of its own); what
//! they ask for is done where all calls are, by the threads of the server.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::super::{Door, Keys, Site, tls};
use super::gateway::exchange;
use super::guard::{Guard, is_from_elsewhere};
use super::page::{PAGE, policy};
use super::{CALL, CONTROL, FRAMES, JSON, decoded, metrics, openapi, path_of};
use crate::address::{Network, Scheme};
use crate::error::{Call, Error};
use crate::link::PATIENCE;
use crate::wire::call::LARGEST_HEAD;
use crate::wire::fault::Fault;
use crate::wire::hello::{Hello, LARGEST_HELLO};
use crate::wire::interface::Interface;
use crate::wire::report::Report;
use crate::wire::{Kind, frame};

/// How many connections there may be; more wait to be accepted.
const CONNECTIONS: usize = 1024;

/// How long a body may take as a whole, and how much longer for each so many bytes of it.
const BODY: Duration = Duration::from_secs(30);
const SLOWEST: usize = 64 * 1024;

/// How long responses that are being written may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long to leave clients waiting when the system has no descriptor to spare.
const RESPITE: Duration = Duration::from_millis(100);

/// Where requests come in.
struct HttpDoor {
    listener: Option<TcpListener>,
    guard: Option<Guard>,
    tls: Option<TlsAcceptor>,
    opened: Option<(watch::Sender<()>, JoinHandle<()>)>,
}

/// Gets ready to take requests, which wait until it is opened.
pub(in super::super) fn welcome(
    call: Call<'_>,
    at: &Network,
    keys: &Keys,
    listener: TcpListener,
) -> Result<Box<dyn Door>, Error> {
    let guard = Guard::new(keys.token_or_new(call)?);
    let tls = match at.scheme {
        Scheme::Https => Some(tls::server(call, keys)?),
        _ => None,
    };
    let guard = guard.and_then(|guard| listener.set_nonblocking(true).map(|()| guard));
    let guard = guard.map_err(|e| call.io("it cannot serve over HTTP", e))?;
    Ok(Box::new(HttpDoor {
        listener: Some(listener),
        guard: Some(guard),
        tls: tls.map(TlsAcceptor::from),
        opened: None,
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
        let (name, key) = site.name();
        let desk = Arc::new(Desk {
            interface: site.table().interface(name, key.to_owned()),
            policy: policy(),
            guard,
            site,
            room: Arc::new(Semaphore::new(CONNECTIONS)),
        });
        let keeper = std::thread::Builder::new()
            .name("remotex http".into())
            .spawn(move || {
                let listener = {
                    let _entered = runtime.enter();
                    tokio::net::TcpListener::from_std(listener)
                };
                if let Ok(listener) = listener {
                    runtime.block_on(keep(&listener, tls, quitted, &desk));
                }
            })?;
        self.opened = Some((quit, keeper));
        Ok(())
    }
}

impl Drop for HttpDoor {
    fn drop(&mut self) {
        if let Some((quit, keeper)) = self.opened.take() {
            drop(quit);
            // When it has ended, the address is free. Its panic is its end too.
            let _ = keeper.join();
        }
    }
}

/// Takes connections until the server quits; then lets responses be written.
async fn keep(
    listener: &tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    quit: watch::Receiver<()>,
    desk: &Arc<Desk>,
) {
    let room = desk.room.clone();
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
            let _ = serve(socket, tls, quit, desk).await;
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
    desk: Arc<Desk>,
) -> Option<()> {
    socket.set_nodelay(true).ok()?;
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
    desk: Arc<Desk>,
) -> Option<()> {
    let answer = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(socket), answer);
    let mut connection = pin!(connection);
    if let Some(ended) = unless(&quit, connection.as_mut()).await {
        return ended.ok();
    }
    connection.as_mut().graceful_shutdown();
    connection.await.ok()
}

/// Where requests are answered.
struct Desk {
    site: Arc<dyn Site>,
    interface: Interface,
    guard: Guard,
    policy: String,
    /// For how many connections there is room.
    room: Arc<Semaphore>,
}

type Reply = Response<Full<Bytes>>;

/// What a body is that cannot be had.
enum NoBody {
    TooLarge,
    Slow,
    Cut,
}

impl Desk {
    /// What the server is doing; who has come in here is connected too.
    fn report(&self) -> Report {
        let mut report = self.site.report();
        report.connections += (CONNECTIONS - self.room.available_permits()) as u64;
        report
    }

    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let mut reply = self.answer_to(request).await;
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            reply
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        reply
    }

    async fn answer_to(&self, request: Request<Incoming>) -> Reply {
        let path = request.uri().path().to_owned();
        let name = path.strip_prefix(CALL).map(decoded);
        let wants = match (&*path, &name) {
            ("/" | "/healthz" | "/interface" | "/openapi.json" | "/status" | "/metrics", _) => {
                Method::GET
            }
            (CONTROL, _) | (_, Some(_)) => Method::POST,
            _ if !self.guard.lets_in(request.headers()) => return unknown(),
            _ => {
                return refusal(
                    StatusCode::NOT_FOUND,
                    "UnknownFunction",
                    "there is nothing at this path; `/` shows what there is",
                );
            }
        };
        let is_healthz = path == "/healthz";
        if !is_healthz && !self.guard.lets_in(request.headers()) {
            return unknown();
        }
        let method = request.method();
        if *method != wants && !(*method == Method::HEAD && wants == Method::GET) {
            let why = format!("`{path}` is asked with {wants}");
            let reply = refusal(StatusCode::METHOD_NOT_ALLOWED, "Malformed", &why);
            return with(reply, header::ALLOW, wants.as_str());
        }
        match (&*path, name) {
            ("/", _) => {
                let reply = text(StatusCode::OK, "text/html; charset=utf-8", PAGE);
                with(reply, header::CONTENT_SECURITY_POLICY, &self.policy)
            }
            ("/healthz", _) if self.site.is_stopping() => {
                text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "ending\n")
            }
            ("/healthz", _) => text(StatusCode::OK, PLAIN, "ok\n"),
            ("/interface", _) => in_json(StatusCode::OK, &super::json::interface(&self.interface)),
            ("/openapi.json", _) => in_json(StatusCode::OK, &openapi::document(&self.interface)),
            ("/status", _) => in_json(
                StatusCode::OK,
                &super::json::status(&*self.site, &self.report()),
            ),
            ("/metrics", _) => text(
                StatusCode::OK,
                metrics::KIND,
                &metrics::text(&*self.site, &self.report()),
            ),
            (path, name) => {
                let path = path.to_owned();
                self.run(request, &path, name.flatten()).await
            }
        }
    }

    /// Answers what is more than a question: a call, or frames.
    async fn run(&self, request: Request<Incoming>, path: &str, name: Option<String>) -> Reply {
        if is_from_elsewhere(request.headers()) {
            let why = "a page of another site asks";
            return refusal(StatusCode::FORBIDDEN, "Denied", why);
        }
        let (is_frames, is_json) = match kind(request.headers()) {
            Some(kind) => (kind == FRAMES, kind == JSON && path != CONTROL),
            None => (false, false),
        };
        if !is_frames && !is_json {
            let why = format!("the body must be `{JSON}`, and say so in `content-type`");
            return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Malformed", &why);
        }
        let limit = self.site.limit();
        let most = match is_frames {
            true => limit.saturating_add(LARGEST_HELLO + LARGEST_HEAD),
            false => limit,
        };
        let body = match read(request.into_body(), most).await {
            Ok(body) => body,
            Err(NoBody::TooLarge) if is_frames => return self.too_large(limit),
            Err(NoBody::TooLarge) => {
                let why = format!(
                    "the body is larger than {limit} bytes; send less, or raise `.max_message` of the `Server`"
                );
                return refusal(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", &why);
            }
            Err(NoBody::Slow) => {
                let why = "the body did not come in time";
                return refusal(StatusCode::REQUEST_TIMEOUT, "TimedOut", why);
            }
            Err(NoBody::Cut) => {
                return refusal(StatusCode::BAD_REQUEST, "Malformed", "the body is cut off");
            }
        };
        match name {
            Some(name) if is_json => {
                let (status, value) =
                    super::json::call(&self.site, &self.interface, &name, &body).await;
                in_json(status, &value)
            }
            _ => self.pass(path, &body).await,
        }
    }

    /// Passes frames on, and the reply back.
    async fn pass(&self, path: &str, frames: &[u8]) -> Reply {
        // What a proxy lets pass is what the path says.
        if path_of(frames).as_deref() != Some(path) {
            let why = "the body is no message of remotex, or one for another path";
            return refusal(StatusCode::BAD_REQUEST, "Malformed", why);
        }
        match exchange(&self.site, frames).await {
            Ok(reply) => bytes(StatusCode::OK, FRAMES, reply),
            Err(_) => refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Lost",
                "the server has ended before it was done; the function may have run",
            ),
        }
    }

    fn too_large(&self, limit: usize) -> Reply {
        let (name, key) = self.site.name();
        let mut frames = Vec::new();
        let hello = Hello {
            key: key.to_owned(),
            ..Hello::here(name, limit)
        };
        hello.put(&mut frames);
        let fault = Fault::TooLarge {
            size: limit as u64 + 1,
            limit: limit as u64,
            answer: false,
        };
        frame::put(&mut frames, Kind::Fault, |out| fault.put(out));
        bytes(StatusCode::PAYLOAD_TOO_LARGE, FRAMES, frames)
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// What a body says that it is.
fn kind(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, _) = kind.split_once(';').unwrap_or((kind, ""));
    Some(kind.trim().to_ascii_lowercase())
}

/// All of a body, if it comes, and is not too large.
async fn read(body: Incoming, most: usize) -> Result<Vec<u8>, NoBody> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(NoBody::TooLarge);
    }
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    let began = tokio::time::Instant::now();
    while let Some(frame) = timeout(PATIENCE, body.frame())
        .await
        .map_err(|_| NoBody::Slow)?
    {
        let Ok(data) = frame.map_err(|_| NoBody::Cut)?.into_data() else {
            continue;
        };
        if data.len() > most - bytes.len() {
            return Err(NoBody::TooLarge);
        }
        bytes.extend_from_slice(&data);
        let allowed = BODY + Duration::from_secs((bytes.len() / SLOWEST) as u64);
        if began.elapsed() > allowed {
            return Err(NoBody::Slow);
        }
    }
    Ok(bytes)
}

fn bytes(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

fn text(status: StatusCode, kind: &'static str, text: &str) -> Reply {
    bytes(status, kind, text.to_owned())
}

fn in_json(status: StatusCode, value: &Value) -> Reply {
    bytes(status, JSON, value.to_string())
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Reply {
    let error = json!({ "kind": kind, "message": message, "causes": [], "may_have_run": status.is_server_error() });
    in_json(status, &json!({ "error": error }))
}

/// To who is not known.
fn unknown() -> Reply {
    let why = "the token of the server lets in, as `Authorization: Bearer TOKEN` or as the password of any user; `remotex keys init` says where it lies";
    let reply = refusal(StatusCode::UNAUTHORIZED, "Denied", why);
    with(
        reply,
        header::WWW_AUTHENTICATE,
        "Basic realm=\"remotex\", charset=\"UTF-8\"",
    )
}

fn with(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}
