//! `remotex bench`: whether a server pays.

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use remotex::{Error, Function, Result, Server};
use serde_json::{Map, Value, json};

use crate::args::Bench;
use crate::call;
use crate::failure::Failure;
use crate::output::{self, LABEL, NAME, say};

/// As many runs of one kind are enough.
const MOST: u64 = 1_000_000;

/// So many processes are needed, however long they take, to say something about the next one.
const FEWEST_PROCESSES: usize = 5;

/// How long something took, each time that it was done.
struct Times(Vec<Duration>);

impl Times {
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// What so many of a hundred did not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }

    fn json(&self) -> Value {
        // A thousandth of a microsecond is all that a clock has.
        let micros = |percent| (self.percentile(percent).as_secs_f64() * 1e9).round() / 1e3;
        json!({ "runs": self.0.len(), "p50_us": micros(50), "p99_us": micros(99) })
    }
}

/// All that was measured.
struct Measured {
    /// Calls over a connection that is there.
    calls: Times,
    /// Processes that call once.
    callers: Times,
    /// The same work without the server, in one process and in one for each; or why that cannot be had.
    alone: Result<(Times, Times), Error>,
}

pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    let (server, function) = call::find(&bench.server, &bench.function)?;
    let arguments = call::by_name(&function, &bench.arguments)?;
    let within = Duration::from_secs(bench.seconds);
    let bar = ProgressBar::new(4 * within.as_millis() as u64).with_style(style());
    let measured = measure(server, &function, &arguments, within, &bar);
    bar.finish_and_clear();
    let measured = measured?;
    if bench.format.json {
        output::say_json(&in_json(&measured))
    } else {
        print(server, &function, &measured)
    }
}

fn style() -> ProgressStyle {
    let bar = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
    bar.unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn measure(
    server: &'static Server,
    function: &Function,
    arguments: &Map<String, Value>,
    within: Duration,
    bar: &ProgressBar,
) -> Result<Measured, Failure> {
    let each = |bar: &ProgressBar, kind: u32, words: &'static str| {
        bar.set_message(words);
        bar.set_position(u64::from(kind) * within.as_millis() as u64);
    };
    each(bar, 0, "calls");
    // The first one connects, and says whether the function does what it is for.
    call::make(server, function, arguments)?;
    let began = Instant::now();
    let tick = || bar.set_position(began.elapsed().as_millis() as u64);
    let calls = Times::new(server.time_calls(function, arguments, MOST, within, tick)?);
    each(bar, 1, "processes that call");
    let callers = again_and_again(within, bar, || caller(server, function, arguments))?;
    each(bar, 2, "the same without the server");
    let alone = match server.time_alone(function, arguments, MOST, within) {
        Err(e) => Err(e),
        Ok(here) => {
            each(bar, 3, "processes that do it all");
            let process = || {
                let began = Instant::now();
                server.time_alone(function, arguments, 1, within)?;
                Ok(began.elapsed())
            };
            Ok((Times::new(here), again_and_again(within, bar, process)?))
        }
    };
    Ok(Measured {
        calls,
        callers,
        alone,
    })
}

/// Does it until the time is over, and often enough.
fn again_and_again(
    within: Duration,
    bar: &ProgressBar,
    mut once: impl FnMut() -> Result<Duration, Failure>,
) -> Result<Times, Failure> {
    let (began, start) = (Instant::now(), bar.position());
    let mut times = Vec::new();
    while times.len() < FEWEST_PROCESSES || began.elapsed() < within {
        times.push(once()?);
        bar.set_position(start + began.elapsed().min(within).as_millis() as u64);
    }
    Ok(Times::new(times))
}

/// How long a process of this program takes that makes the call.
fn caller(
    server: &'static Server,
    function: &Function,
    arguments: &Map<String, Value>,
) -> Result<Duration, Failure> {
    let arguments = Value::Object(arguments.clone()).to_string();
    let mut command = Command::new(env::current_exe()?);
    command.args(["call", server.name(), &function.name, "--json", &arguments]);
    let key = server.key();
    if !key.is_empty() {
        command.arg(format!("--key={key}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let ended = command.status()?;
    let took = began.elapsed();
    if ended.success() {
        Ok(took)
    } else {
        Err(Failure::Use(format!(
            "a process that calls `{}` has failed",
            function.name
        )))
    }
}

fn in_json(measured: &Measured) -> Value {
    let alone = measured.alone.as_ref();
    json!({
        "calls": measured.calls.json(),
        "callers": measured.callers.json(),
        "alone": alone.map(|(here, _)| here.json()).ok(),
        "alone_each": alone.map(|(_, each)| each.json()).ok(),
        "why_not_alone": alone.err().map(ToString::to_string),
        "verdict": verdict(measured),
    })
}

fn print(server: &Server, function: &Function, measured: &Measured) -> Result<(), Failure> {
    say(format_args!(
        "{NAME}{}{NAME:#} on server `{}`",
        function.name,
        server.name()
    ))?;
    say(format_args!(
        "  {LABEL}{:<44}{:>10}{:>12}{:>12}{LABEL:#}",
        "", "runs", "p50", "p99"
    ))?;
    row("a call over an open connection", &measured.calls)?;
    if let Ok((here, _)) = &measured.alone {
        row("the same work in one process", here)?;
        difference(&measured.calls, here)?;
    }
    row("a process that calls (`remotex call`)", &measured.callers)?;
    if let Ok((_, each)) = &measured.alone {
        row("a process that loads and does it all itself", each)?;
        difference(&measured.callers, each)?;
    }
    say("")?;
    say(verdict(measured))
}

fn row(what: &str, times: &Times) -> Result<(), Failure> {
    let (half, most) = (times.percentile(50), times.percentile(99));
    say(format_args!(
        "  {what:<44}{:>10}{:>12}{:>12}",
        times.0.len(),
        shown(half),
        shown(most)
    ))
}

/// What the server costs, or saves.
fn difference(server: &Times, alone: &Times) -> Result<(), Failure> {
    let cell = |percent| {
        let (server, alone) = (server.percentile(percent), alone.percentile(percent));
        let sign = if server < alone { '-' } else { '+' };
        format!("{sign}{}", shown(server.abs_diff(alone)))
    };
    say(format_args!(
        "  {LABEL}{:<44}{:>10}{:>12}{:>12}{LABEL:#}",
        "  through the server",
        "",
        cell(50),
        cell(99)
    ))
}

/// Whether to keep the server, in a sentence.
fn verdict(measured: &Measured) -> String {
    let caller = measured.callers.percentile(50);
    match &measured.alone {
        Ok((_, each)) => {
            let alone = each.percentile(50);
            let (saved, times) = (shown(alone.abs_diff(caller)), |a: Duration, b: Duration| {
                a.as_secs_f64() / b.as_secs_f64().max(1e-9)
            });
            if alone.abs_diff(caller) < caller.max(alone) / 20 {
                format!(
                    "The server makes no difference in time: {} for a process that calls it, {} for one that does it all itself.",
                    shown(caller),
                    shown(alone)
                )
            } else if caller < alone {
                format!(
                    "The server pays: a process that calls it is done {saved} sooner ({:.1} times as fast) than one that does it all itself.",
                    times(alone, caller)
                )
            } else {
                format!(
                    "The server does not pay in time: a process that does it all itself is done {saved} sooner ({:.1} times as fast) than one that calls; keep the server for what it remembers.",
                    times(caller, alone)
                )
            }
        }
        Err(e) => format!(
            "A call costs {}, and a process that calls {}; what it costs without the server cannot be measured ({e}).",
            shown(measured.calls.percentile(50)),
            shown(caller)
        ),
    }
}

/// A time, as people read it.
fn shown(time: Duration) -> String {
    let nanos = time.as_nanos();
    match nanos {
        0..1000 => format!("{nanos} ns"),
        1000..1_000_000 => format!("{:.1} µs", time.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}
