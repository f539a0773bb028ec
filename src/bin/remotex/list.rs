//! `remotex ls`: the servers that there are.

use std::time::Duration;

use remotex::Format;
use remotex::discovery::{self, Found, State};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;

pub(crate) fn run(format: Format) -> Result<(), Failure> {
    let servers = discovery::servers()?;
    if format.json {
        return output::say_json(&servers.iter().map(in_json).collect());
    }
    if servers.is_empty() && output::is_for_people() {
        return output::say("No server runs here, and none has; run a program that uses remotex.");
    }
    let mut head = vec![
        "SERVER", "KEY", "STATE", "PROCESS", "CALLS", "FOR", "PROGRAM",
    ];
    let mut rows: Vec<_> = servers.iter().map(in_columns).collect();
    // Where a name and a key do not say which server it is, its address does.
    let is_twin = |(at, found): (usize, &Found)| {
        let others = servers.iter().enumerate().filter(|(other, _)| *other != at);
        let mut others = others.map(|(_, other)| (&other.name, &other.key));
        others.any(|other| other == (&found.name, &found.key))
    };
    if servers.iter().enumerate().any(is_twin) {
        head.push("ADDRESS");
        for (row, found) in rows.iter_mut().zip(&servers) {
            row.push(found.address.clone());
        }
    }
    output::table(&head, &rows)
}

/// What a server does, in a word.
fn word(state: &State) -> &'static str {
    match state {
        State::Running(_) => "running",
        State::Starting => "starting",
        State::Silent(_) => "silent",
        _ => "stopped",
    }
}

/// How long something lasts, in a few letters.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn in_columns(found: &Found) -> Vec<String> {
    let state = found.state();
    let (pid, calls, age) = match &state {
        State::Running(status) => (
            status.pid.to_string(),
            status.calls.to_string(),
            short(status.started.elapsed().unwrap_or_default()),
        ),
        _ => ("-".into(), "-".into(), "-".into()),
    };
    let or_none = |text: String| if text.is_empty() { "-".into() } else { text };
    let program = or_none(found.program.display().to_string());
    let (name, key) = (found.name.clone(), or_none(found.key.clone()));
    vec![name, key, word(&state).into(), pid, calls, age, program]
}

fn in_json(found: &Found) -> Value {
    let state = found.state();
    let mut value = json!({
        "server": found.name,
        "key": found.key,
        "state": word(&state),
        "address": found.address,
        "program": found.program.to_string_lossy(),
    });
    match &state {
        State::Running(status) => {
            value["pid"] = status.pid.into();
            value["calls"] = status.calls.into();
            value["scope"] = (*status.scope).into();
            let since = status
                .started
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            value["started"] = since.as_secs_f64().into();
        }
        State::Silent(e) => value["why"] = e.to_string().into(),
        _ => {}
    }
    value
}
