//! Responses: of frames, of texts, in JSON, and those that refuse.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::JSON;

pub(super) type Reply = Response<Full<Bytes>>;

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

pub(super) fn bytes(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

pub(super) fn text(status: StatusCode, kind: &'static str, text: &str) -> Reply {
    bytes(status, kind, text.to_owned())
}

pub(super) fn in_json(status: StatusCode, value: &Value) -> Reply {
    bytes(status, JSON, value.to_string())
}

pub(super) fn refusal(status: StatusCode, kind: &str, message: &str) -> Reply {
    let may_have_run = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
    let error =
        json!({ "kind": kind, "message": message, "causes": [], "may_have_run": may_have_run });
    in_json(status, &json!({ "error": error }))
}

/// The reply to a request on a connection that is one too many.
pub(super) fn crowded() -> Reply {
    let why = "requests run on as many connections as the server keeps; try again";
    let reply = refusal(StatusCode::SERVICE_UNAVAILABLE, "Busy", why);
    with(reply, header::CONNECTION, "close")
}

/// To who is not known.
pub(super) fn unknown() -> Reply {
    let why = "the token of the server lets in, as `Authorization: Bearer TOKEN` or as the password of any user; it lies in `~/.config/remotex/SERVER/token` where the server runs";
    let reply = refusal(StatusCode::UNAUTHORIZED, "Denied", why);
    with(
        reply,
        header::WWW_AUTHENTICATE,
        "Basic realm=\"remotex\", charset=\"UTF-8\"",
    )
}

pub(super) fn with(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}
