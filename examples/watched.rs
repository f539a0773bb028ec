//! A server that looks at its calls: it refuses those of who calls too often, and logs all of them.
//!
//! ```sh
//! cargo run --example watched -- 8      # calls eight times: after five in a minute, it is refused
//! cargo run --example watched -- log    # what the server has noted
//! cargo run --example watched -- stop
//! ```

use std::collections::HashMap;
use std::time::{Duration, Instant};

use remotex::{Call, Error, Mutex, Outcome, Server, remote};

static SERVER: Server = Server::new("watched")
    .autostart()
    .idle_timeout(Duration::from_secs(600))
    .before(limit_rate)
    .after(log_access);

/// How often a process may call in a minute.
const MOST: u32 = 5;

fn limit_rate(call: &Call) -> Result<(), Error> {
    static CALLERS: Mutex<Option<HashMap<u32, (Instant, u32)>>> = Mutex::new(None);
    if call.function() != "roll" {
        return Ok(());
    }
    let mut callers = CALLERS.lock();
    let callers = callers.get_or_insert_default();
    callers.retain(|_, (since, _)| since.elapsed() < Duration::from_secs(60));
    let (_, calls) = callers
        .entry(call.caller().pid())
        .or_insert((Instant::now(), 0));
    *calls += 1;
    match *calls > MOST {
        true => Err(format!("{MOST} calls in a minute are enough; wait a little").into()),
        false => Ok(()),
    }
}

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn log_access(call: &Call, outcome: &Outcome) {
    LOG.lock().push(format!(
        "process {} calls {}: {} B in, {} B out: {outcome}",
        call.caller().pid(),
        call.function(),
        call.argument_bytes(),
        outcome.answer_bytes(),
    ));
}

/// Rolls a die.
#[remote(SERVER)]
fn roll() -> remotex::Result<u128> {
    Ok(Instant::now().elapsed().as_nanos() % 6 + 1)
}

/// What was noted of all calls before this one.
#[remote(SERVER)]
fn log() -> remotex::Result<Vec<String>> {
    Ok(LOG.lock().clone())
}

fn main() -> remotex::Result<()> {
    remotex::init();
    match std::env::args().nth(1).as_deref() {
        Some("log") => log()?.iter().for_each(|line| println!("{line}")),
        Some("stop") => SERVER.stop()?,
        Some(times) => {
            for _ in 0..times.parse().map_err(Error::failed)? {
                println!("{}", roll()?);
            }
        }
        None => return Err("usage: watched TIMES | log | stop".into()),
    }
    Ok(())
}
