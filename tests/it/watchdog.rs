//! Tells of a test that hangs, and of the processes that it may wait for. The limit of time of `.ci/run`
//! ends it.

use std::collections::BTreeMap;
use std::io::{Write, stderr};
use std::process::Command;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test may run. The slowest one takes a minute, and builds three programs.
const LIMIT: Duration = Duration::from_secs(600);

/// The tests that run: their names, and when they began.
static RUNNING: Mutex<BTreeMap<u64, (String, Instant)>> = Mutex::new(BTreeMap::new());

/// A test that is watched until this is dropped.
pub(crate) struct Watched(u64);

impl Watched {
    /// Watches the test of this thread.
    pub(crate) fn begin() -> Self {
        static START: Once = Once::new();
        START.call_once(|| drop(thread::spawn(watch)));
        let name = thread::current().name().unwrap_or("a test").to_owned();
        let mut running = RUNNING.lock().unwrap();
        let id = running.last_key_value().map_or(0, |(last, _)| last + 1);
        running.insert(id, (name, Instant::now()));
        Self(id)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        RUNNING.lock().unwrap().remove(&self.0);
    }
}

fn watch() {
    loop {
        thread::sleep(LIMIT / 10);
        let mut running = RUNNING.lock().unwrap();
        let overdue = running.extract_if(.., |_, (_, began)| began.elapsed() > LIMIT);
        for (_, (name, _)) in overdue {
            // Not by `eprintln`, which would be kept until the test ends.
            let _ = writeln!(stderr(), "{name} hangs; the processes there are:");
            let _ = Command::new("ps")
                .args(["axfwwo", "pid,stat,etimes,wchan:24,args"])
                .status();
        }
    }
}
