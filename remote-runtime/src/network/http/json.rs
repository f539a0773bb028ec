//! JSON for everybody who has no compiled types: of calls, and of what a server says of itself.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Site;
use super::conversion::convert;
use super::gateway::{CROWDED, Gateway, NoReply, reply_in};
use crate::error::{Call, Error};
use crate::figures::Figures;
use crate::json::{FunctionSchemas, Raised, Schemas, answer, encoded, is_callable};
use crate::wire::call::Head;
use crate::wire::fault;
use crate::wire::hello::Hello;
use crate::wire::interface::{Function, Interface};
use crate::wire::report::{Report, RunningCall};
use crate::wire::{Kind, frame};

/// Calls a function with its arguments as JSON; returns the body of the response, which is JSON too.
pub(super) async fn call(
    gateway: &Gateway,
    interface: &Arc<Interface>,
    name: String,
    arguments: Vec<u8>,
) -> (StatusCode, String) {
    let call = JsonCall {
        interface: interface.clone(),
        name,
    };
    let made = {
        let (call, site) = (call.clone(), gateway.site.clone());
        convert(arguments.len(), move || call.frames(&*site, &arguments)).await
    };
    let frames = match made {
        Some(Ok(frames)) => frames,
        Some(Err(e)) => return in_text(&error(&e)),
        None => {
            let trouble = call.call().trouble(UNCONVERTED);
            return in_text(&error(&Error::Lost(trouble)));
        }
    };
    let reply = match gateway.exchange(&frames).await {
        Ok(reply) => reply,
        Err(none) => return in_text(&error(&call.unanswered(&none))),
    };
    drop(frames);
    let answered = {
        let call = call.clone();
        convert(reply.len(), move || in_text(&call.answer(&reply))).await
    };
    answered.unwrap_or_else(|| {
        let trouble = call.call().trouble(UNCONVERTED);
        in_text(&error(&Error::Lost(trouble.after_sending())))
    })
}

fn in_text((status, value): &(StatusCode, Value)) -> (StatusCode, String) {
    (*status, value.to_string())
}

/// The call of a function by its name.
#[derive(Clone)]
struct JsonCall {
    interface: Arc<Interface>,
    name: String,
}

impl JsonCall {
    fn call(&self) -> Call<'_> {
        Call::of(&self.interface.server, &self.name)
    }

    /// The frames of the call.
    fn frames(&self, site: &dyn Site, arguments: &[u8]) -> Result<Vec<u8>, Error> {
        let call = self.call();
        let function = self.interface.function(&self.name)?;
        let arguments: Map<String, Value> = match serde_json::from_slice(arguments) {
            Ok(Value::Object(arguments)) => arguments,
            Ok(_) => return Err(unreadable(call, "it is JSON, but no object")),
            Err(e) => return Err(unreadable(call, e)),
        };
        Ok(frames(
            site,
            function,
            &encoded(function, call, &arguments)?,
        ))
    }

    /// The words of the reply, and the status that is nearest to it.
    fn answer(&self, reply: &[u8]) -> (StatusCode, Value) {
        match self.read(reply) {
            Ok(Ok(answer)) => (StatusCode::OK, answer),
            Ok(Err(Raised { text, value })) => {
                let failed = || format!("{} has failed with a value", self.call());
                let message = text.unwrap_or_else(failed);
                let error = json!({ "kind": "Raised", "message": message, "causes": [], "may_have_run": true, "value": value });
                (StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": error }))
            }
            Err(e) => error(&e),
        }
    }

    fn read(&self, reply: &[u8]) -> Result<Result<Value, Raised>, Error> {
        let call = self.call();
        let replied = reply_in(reply).map_err(|_| self.unanswered(&NoReply::Lost))?;
        let (kind, body) = replied.unwrap_or((Kind::Goodbye, b""));
        match kind {
            Kind::Answer | Kind::Raised | Kind::Told => answer(call, kind, body),
            Kind::Fault => Err(fault::error(call, body)),
            // It has not run.
            _ => Err(Error::Busy(
                call.trouble("the server is ending just now; try again"),
            )),
        }
    }

    fn unanswered(&self, none: &NoReply) -> Error {
        let call = self.call();
        match none {
            NoReply::Unsent => Error::Busy(call.trouble(CROWDED)),
            NoReply::Lost => {
                let why = "the server has ended before it was done; the function may have run";
                Error::Lost(call.trouble(why).after_sending())
            }
        }
    }
}

/// The end of a conversion that has panicked.
const UNCONVERTED: &str = "its JSON cannot be converted; see the server's log";

fn unreadable(call: Call<'_>, why: impl std::fmt::Display) -> Error {
    Error::Unsendable {
        what: "the body".into(),
        why: call.with(
            format!("it must be an object with the arguments: {why}"),
            false,
        ),
    }
}

/// The frames of a call whose arguments are CBOR.
fn frames(site: &dyn Site, function: &Function, arguments: &[u8]) -> Vec<u8> {
    let (name, key) = site.name();
    let mut frames = Vec::new();
    let hello = Hello {
        key: key.to_owned(),
        // Whose call it is nobody knows.
        pid: 0,
        ..Hello::here(name, site.limit())
    };
    hello.put(&mut frames);
    frame::put(&mut frames, Kind::Call, |out| {
        let head = Head {
            name: &function.name,
            fingerprint: function.fingerprint,
            program: Some(&function.package),
            is_plain: true,
            ..Head::default()
        };
        head.put(out);
        out.extend_from_slice(arguments);
    });
    frames
}

/// An error as JSON, and the status that is nearest to it.
pub(super) fn error(e: &Error) -> (StatusCode, Value) {
    let status = match e {
        Error::UnknownFunction(_) => StatusCode::NOT_FOUND,
        Error::Denied(_) => StatusCode::FORBIDDEN,
        Error::Unsendable { .. } | Error::Malformed(_) if e.may_have_run() => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        Error::Unsendable { .. } | Error::Malformed(_) => StatusCode::BAD_REQUEST,
        Error::TooLarge { .. } if e.may_have_run() => StatusCode::INTERNAL_SERVER_ERROR,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::Failed { .. } | Error::Gone(_) | Error::Mismatch(_) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Error::Busy(_) | Error::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let causes = match e {
        Error::Failed { causes, .. } => &**causes,
        _ => &[],
    };
    let error = json!({
        "kind": e.variant(),
        "message": e.to_string(),
        "causes": causes,
        "may_have_run": e.may_have_run(),
    });
    (status, json!({ "error": error }))
}

/// What a server offers.
pub(super) fn interface(interface: &Interface) -> Value {
    let schemas = Schemas::of(interface, "#/schemas/");
    let functions = interface.functions.iter().zip(schemas.functions());
    json!({
        "server": interface.server,
        "key": interface.key,
        "program": interface.program.to_string_lossy(),
        "functions": functions.map(|(it, its)| function(it, its)).collect::<Vec<_>>(),
        "schemas": schemas.named,
    })
}

fn function(function: &Function, schemas: Option<&FunctionSchemas>) -> Value {
    let words = function.in_words();
    let arguments = function.arguments.iter().enumerate();
    let arguments = arguments.map(|(at, (name, ty))| {
        let what = words.as_ref().and_then(|words| words.arguments.get(at));
        json!({
            "name": name,
            "type": ty,
            "what": what.map(|what| &what.words),
            "optional": function.is_optional(at),
            "schema": schemas.and_then(|schemas| schemas.arguments.get(name)),
        })
    });
    json!({
        "name": function.name,
        "docs": function.docs,
        "package": function.package,
        "file": function.file,
        "line": function.line,
        "idempotent": function.idempotent,
        "or_local": function.or_local,
        "callable": is_callable(function),
        "arguments": arguments.collect::<Vec<_>>(),
        "answer": { "type": function.output, "schema": schemas.map(|schemas| &schemas.answer) },
    })
}

/// A call that runs, in JSON.
fn running_call(call: &RunningCall) -> Value {
    json!({
        "function": call.function,
        "pid": call.process,
        "program": call.program.to_string_lossy(),
        "since": seconds(call.since),
    })
}

/// What a server is doing.
pub(super) fn status(site: &dyn Site, report: &Report) -> Value {
    let (name, key) = site.name();
    let functions: Map<_, _> = site.figures().map(functions).unwrap_or_default();
    let failures = site.figures().map(Figures::failures).unwrap_or_default();
    let failures = failures.iter().map(|failed| {
        json!({ "function": failed.function, "message": failed.message, "when": seconds(failed.when) })
    });
    json!({
        "server": name,
        "key": key,
        "pid": std::process::id(),
        "program": report.program.to_string_lossy(),
        "started": seconds(report.started),
        "now": seconds(SystemTime::now()),
        "connections": report.connections,
        "running": report.running,
        "running_calls": report.running_calls.iter().map(running_call).collect::<Vec<_>>(),
        "calls": report.calls,
        "functions": functions,
        "failures": failures.collect::<Vec<_>>(),
    })
}

fn functions(figures: &Figures) -> Map<String, Value> {
    let functions = figures.read().map(|(name, reading)| {
        let quantile = |share| reading.quantile(share).map(|took| took.as_secs_f64());
        let function = json!({
            "calls": reading.calls,
            "errors": reading.errors,
            "running": reading.running,
            "p50": quantile(0.5),
            "p99": quantile(0.99),
        });
        (name.to_owned(), function)
    });
    functions.collect()
}

/// Seconds since 1970.
fn seconds(when: SystemTime) -> f64 {
    let since = when.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
