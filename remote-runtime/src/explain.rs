//! `REMOTEX_EXPLAIN=1`: a client says on stderr what it decided, and why.

use std::env;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::error::Call;

/// When the first step was explained; `None` if nobody wants to know.
static BEGAN: OnceLock<Option<Instant>> = OnceLock::new();

/// Says a step of `call`, with the time since the first one.
pub(crate) fn say(call: Call<'_>, words: impl FnOnce() -> String) {
    if let Some(time) = time() {
        print(call, time, &words());
    }
}

// These two are there once, and not in each `say`.

/// The time since the first step, if somebody wants to know.
#[inline(never)]
fn time() -> Option<Duration> {
    let began = BEGAN.get_or_init(|| is_on("REMOTEX_EXPLAIN").then(Instant::now));
    began.map(|began| began.elapsed())
}

#[cold]
fn print(call: Call<'_>, time: Duration, words: &str) {
    // Without floating-point or large numbers, which take much code.
    let millis = time.as_secs() * 1000 + u64::from(time.subsec_millis());
    let rest = time.subsec_micros() % 1000;
    // Who has closed stderr does not want to read it.
    let _ = writeln!(
        io::stderr(),
        "remotex +{millis}.{rest:03} ms: {call}: {words}"
    );
}

/// Whether a variable that is a switch is on.
pub(crate) fn is_on(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}
