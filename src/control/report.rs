//! What a server is doing, for people and for programs.

use std::fmt;
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};

use super::{Ended, Format, called, path, say, say_json};
use crate::{RunningCall, Server, Status};

/// What stands before a value.
const LABEL: Style = AnsiColor::BrightBlack.on_default();

pub(super) fn print(server: &'static Server, format: Format) -> Result<(), Ended> {
    let status = server.status()?;
    let (address, log) = (server.address()?, server.log().ok());
    let Status {
        pid,
        key,
        program,
        connections,
        running,
        calls,
        holders,
        running_calls,
        scope,
        ..
    } = &status;
    let since = status
        .started
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if format.json {
        return say_json(&json!({
            "server": server.name(),
            "key": key,
            "state": "running",
            "address": address,
            "pid": pid,
            "program": path(program),
            "log": log.as_deref().map(path),
            "started": since.as_secs_f64(),
            "connections": connections,
            "running": running,
            "calls": calls,
            "scope": scope,
            "running_calls": running_calls.iter().map(call_in_json).collect::<Vec<_>>(),
            "holders": holders.iter().map(|holder| json!({
                "pid": holder.pid,
                "connections": holder.connections,
                "is_cut": holder.is_cut,
                "references": holder.references.iter().map(|(ty, n)| (ty.clone(), json!(n))).collect::<Map<String, Value>>(),
            })).collect::<Vec<_>>(),
        }));
    }
    let age = status.started.elapsed().unwrap_or_default();
    say(&format_args!(
        "{} runs, for {}",
        called(server, key),
        Lasting(age)
    ))?;
    let line = |what: &str, value: &dyn fmt::Display| {
        say(&format_args!("  {LABEL}{what:<12}{LABEL:#}{value}"))
    };
    line("process", pid)?;
    line("program", &program.display())?;
    if !scope.is_empty() {
        line("is for", scope)?;
    }
    line("address", &address)?;
    if let Some(log) = &log {
        line("log", &log.display())?;
    }
    line("connections", connections)?;
    line("calls", &format_args!("{calls}, {running} of them running"))?;
    for call in running_calls {
        line("runs", &InWords(call))?;
    }
    for holder in holders {
        let references = holder.references.iter().map(|(ty, n)| format!("{n} {ty}"));
        let of = if holder.is_cut {
            "gone or cut off"
        } else {
            "connected"
        };
        let what = references.collect::<Vec<_>>().join(", ");
        line(
            "holds",
            &format_args!("process {} ({of}): {what}", holder.pid),
        )?;
    }
    Ok(())
}

fn call_in_json(call: &RunningCall) -> Value {
    let since = call.since.duration_since(SystemTime::UNIX_EPOCH);
    json!({
        "function": call.function,
        "pid": call.process,
        "program": path(&call.program),
        "since": since.unwrap_or_default().as_secs_f64(),
    })
}

/// A call that runs, in words.
struct InWords<'c>(&'c RunningCall);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.0;
        let age = Lasting(call.since.elapsed().unwrap_or_default());
        write!(
            f,
            "`{}`, for {age}, called by process {}",
            call.function, call.process
        )?;
        match call.program.as_os_str().is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", call.program.display()),
        }
    }
}

/// How long something lasts, as people say it.
struct Lasting(Duration);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (n, unit) = match seconds {
            0..120 => (seconds, "second"),
            120..7200 => (seconds / 60, "minute"),
            7200..172_800 => (seconds / 3600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        let plural = if n == 1 { "" } else { "s" };
        write!(f, "{n} {unit}{plural}")
    }
}
