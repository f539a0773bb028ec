//! Where requests are answered, each by what it asks for.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode, Version};
use serde_json::Value;
use tokio::time::timeout;

use super::super::Site;
use super::gateway::{CROWDED, Counted, Gateway, NoReply};
use super::guard::{Guard, is_from_elsewhere};
use super::key::{Place, place};
use super::page::{PAGE, policy};
use super::reply::{PLAIN, Reply, bytes, in_json, refusal, text, unknown, with};
use super::{CALL, CONTROL, FRAMES, JSON, decoded, encoded, metrics, openapi, path_of};
use crate::link::PATIENCE;
use crate::wire::call::LARGEST_HEAD;
use crate::wire::fault::Fault;
use crate::wire::hello::{Hello, LARGEST_HELLO};
use crate::wire::interface::Interface;
use crate::wire::report::Report;
use crate::wire::{Kind, frame};

/// How long a body may take as a whole, and how much longer for each so many bytes of it.
const BODY: Duration = Duration::from_secs(30);
const SLOWEST: usize = 64 * 1024;

/// Where requests are answered.
pub(super) struct Desk {
    site: Arc<dyn Site>,
    interface: Arc<Interface>,
    /// What `/interface` and `/openapi.json` say, once they were asked for.
    described: [OnceLock<Value>; 2],
    guard: Guard,
    policy: String,
    gateway: Gateway,
    /// How many connections there are.
    open: AtomicU64,
}

/// What a body is that cannot be had.
enum NoBody {
    TooLarge,
    Slow,
    Cut,
}

impl Desk {
    pub(super) fn of(site: Arc<dyn Site>, guard: Guard) -> Self {
        let (name, key) = site.name();
        Self {
            interface: Arc::new(site.table().interface(name, key.to_owned())),
            described: [const { OnceLock::new() }; 2],
            policy: policy(),
            guard,
            gateway: Gateway::to(site.clone()),
            site,
            open: AtomicU64::new(0),
        }
    }

    /// Counts a connection until that is dropped.
    pub(super) fn count(&self) -> Counted<'_> {
        Counted::on(&self.open)
    }

    pub(super) fn lets_in(&self, request: &Request<Incoming>) -> bool {
        self.guard.lets_in(request.headers())
    }

    /// What the server is doing; who has come in here is connected too.
    fn report(&self) -> Report {
        let mut report = self.site.report();
        // Whose requests go on as connections is not connected twice.
        report.connections = report.connections.saturating_sub(self.gateway.passing());
        report.connections += self.open.load(Ordering::Relaxed);
        report
    }

    /// Answers a request of somebody who knows the token, if it `is_known`.
    pub(super) async fn answer(&self, request: Request<Incoming>, is_known: bool) -> Reply {
        let mut reply = match is_addressed(&request) {
            true => self.answer_to(request, is_known).await,
            false => {
                let why = "a request has one `host`";
                refusal(StatusCode::BAD_REQUEST, "Malformed", why)
            }
        };
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

    async fn answer_to(&self, request: Request<Incoming>, is_known: bool) -> Reply {
        let whole = request.uri().path().to_owned();
        if !is_known && whole != "/healthz" {
            return unknown();
        }
        let (server, key) = self.site.name();
        let path = match place(&whole, key) {
            Place::Here(path) => path.to_owned(),
            Place::Slash => {
                let last = whole.rsplit('/').next().unwrap_or_default();
                let reply = text(StatusCode::PERMANENT_REDIRECT, PLAIN, "");
                return with(reply, header::LOCATION, &format!("./{last}/"));
            }
            Place::Elsewhere(_) if whole == "/healthz" => whole,
            // The server reads the key in their hello, and says what is wrong with it.
            Place::Elsewhere(path)
                if kind(request.headers()).is_some_and(|kind| kind == FRAMES) =>
            {
                path.to_owned()
            }
            Place::Elsewhere(_) => {
                let why = format!(
                    "this is server `{server}` for `{key}`, whose paths begin with `/key/{}/`",
                    encoded(key)
                );
                return refusal(StatusCode::NOT_FOUND, "Mismatch", &why);
            }
        };
        let name = path.strip_prefix(CALL).map(decoded);
        let wants = match (&*path, &name) {
            ("/" | "/healthz" | "/interface" | "/openapi.json" | "/status" | "/metrics", _) => {
                Method::GET
            }
            (CONTROL, _) | (_, Some(Some(_))) => Method::POST,
            _ => {
                return refusal(
                    StatusCode::NOT_FOUND,
                    "UnknownFunction",
                    "there is nothing at this path; `/` shows what there is",
                );
            }
        };
        let method = request.method();
        if *method != wants && !(*method == Method::HEAD && wants == Method::GET) {
            let why = format!("`{path}` is asked with {wants}");
            let reply = refusal(StatusCode::METHOD_NOT_ALLOWED, "Malformed", &why);
            let allowed = if wants == Method::GET {
                "GET, HEAD"
            } else {
                "POST"
            };
            return with(reply, header::ALLOW, allowed);
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
            ("/interface", _) => in_json(
                StatusCode::OK,
                self.described[0].get_or_init(|| super::json::interface(&self.interface)),
            ),
            ("/openapi.json", _) => in_json(
                StatusCode::OK,
                self.described[1].get_or_init(|| openapi::document(&self.interface)),
            ),
            ("/status", _) => in_json(
                StatusCode::OK,
                &super::json::status(&*self.site, &self.report()),
            ),
            ("/metrics", _) => text(
                StatusCode::OK,
                metrics::KIND,
                &metrics::text(&*self.site, &self.report()),
            ),
            (path, name) => self.run(request, path, name.flatten()).await,
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
                let (status, answer) =
                    super::json::call(&self.gateway, &self.interface, name, body).await;
                bytes(status, JSON, answer)
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
        match self.gateway.exchange(frames).await {
            Ok(reply) => bytes(StatusCode::OK, FRAMES, reply),
            Err(NoReply::Unsent) => refusal(StatusCode::SERVICE_UNAVAILABLE, "Busy", CROWDED),
            Err(NoReply::Lost) => refusal(
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

/// Whether a request says once where it goes (RFC 9112, 3.2); before version 1.1 it need not say so.
fn is_addressed(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

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
