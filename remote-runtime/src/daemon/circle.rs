//! Servers that wait for each other to start.
//!
//! Each start has an id, which stands with the server's name in the start lock while that is held.
//! The process of the server, and each process that it starts, finds it in a variable, behind the
//! starts that led to its own. A process that wants a start lock of one of these would wait for
//! itself.

use std::env;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;

use super::lock::{self, Lock};
use crate::error::{Call, Error};
use crate::session;

/// The starts that led to this process. No server's own variable has small letters.
const VARIABLE: &str = "REMOTEX_starting";

/// The most bytes of it, and of a lock, that are read.
const LONGEST: usize = 4096;

/// A little longer than another process needs to write its own id into a lock that it has taken.
const WRITING: Duration = Duration::from_millis(20);

/// The starts of servers that this process has begun by hand, in the form of [`VARIABLE`].
static BY_HAND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Writes a new id of a start of `server` into the lock of that start.
pub(super) fn sign(starting: &Lock, server: &str) {
    // Without an id, a circle ends after the time that a start may take.
    if let Ok(id) = session::random() {
        let _ = starting.write(format!("{:016x}:{server}", u64::from_le_bytes(id)).as_bytes());
    }
}

/// Returns the variable of a process that `starting` is held for.
pub(super) fn variable(starting: &Lock) -> (&'static str, String) {
    let mut starts = starts();
    starts.extend(signature(starting));
    (VARIABLE, starts.join(","))
}

/// Refuses to wait for a lock at `path` that is held for a start that led to this process.
pub(super) fn refuse(call: Call<'_>, path: &Path) -> Result<(), Error> {
    let starts = starts();
    if starts.is_empty() {
        return Ok(());
    }
    let position = || {
        let written = lock::look(path)
            .ok()
            .and_then(|file| Lock::text(&file, LONGEST))?;
        let position = starts.iter().position(|start| *start == written)?;
        Lock::is_held(path).then_some(position)
    };
    let Some(first) = position() else {
        return Ok(());
    };
    // Another process may have taken it only just now.
    std::thread::sleep(WRITING);
    if position() != Some(first) {
        return Ok(());
    }
    Err(Error::Unreachable(call.trouble(format_args!(
        "it is starting, and waits for this call to end: {}; let one of them call the other after its start",
        circle(&starts[first..], call.server)
    ))))
}

/// Says which start waits for which.
fn circle(starts: &[String], again: &str) -> String {
    let names = starts.iter().filter_map(|start| start.split_once(':'));
    let names = names.map(|(_, name)| format!("`{name}`"));
    let names: Vec<_> = names.chain([format!("`{again}`")]).collect();
    match &names[..] {
        [one, _] => format!("the start of {one} runs a program that calls {one} again"),
        _ => format!(
            "the start of each of these calls the next one, in a circle: {}",
            names.join(", ")
        ),
    }
}

fn starts() -> Vec<String> {
    static INHERITED: OnceLock<Vec<String>> = OnceLock::new();
    let inherited = INHERITED.get_or_init(|| {
        let value = env::var(VARIABLE).unwrap_or_default();
        let starts = value.split(',').filter(|start| !start.is_empty());
        let starts = starts.map(str::to_owned);
        if value.len() > LONGEST {
            Vec::new()
        } else {
            starts.collect()
        }
    });
    [&inherited[..], &BY_HAND.lock()[..]].concat()
}

fn signature(starting: &Lock) -> Option<String> {
    starting.read(LONGEST).filter(|text| !text.is_empty())
}

/// A start of a server by hand, until this is dropped.
#[derive(Debug)]
pub(crate) struct ByHand(Option<String>);

impl ByHand {
    pub(crate) fn begin(starting: &Lock) -> Self {
        let start = signature(starting);
        BY_HAND.lock().extend(start.clone());
        Self(start)
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let mut starts = BY_HAND.lock();
        let ours = starts
            .iter()
            .position(|start| Some(start) == self.0.as_ref());
        ours.map(|at| starts.remove(at));
    }
}

#[cfg(test)]
mod tests {
    use super::circle;

    #[test]
    fn a_circle_is_told_from_the_server_on_that_is_called_again() {
        let starts = ["01:a", "02:b", "03:c"].map(str::to_owned);
        let said = circle(&starts[1..], "b");
        assert!(said.ends_with("in a circle: `b`, `c`, `b`"), "{said}");
        let said = circle(&starts[2..], "c");
        assert_eq!(said, "the start of `c` runs a program that calls `c` again");
    }
}
