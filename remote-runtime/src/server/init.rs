//! The top of `main`: where a process finds out whether it is a server.

use std::fmt;
use std::io::{self, Write};
use std::process;
use std::sync::atomic::Ordering;

use super::INITIALISED;
use super::role::serves;
use crate::bridge::{self, Manner, Wanted};
use crate::daemon::handover::{self, Started};
use crate::daemon::trial::Trial;
use crate::registry;

/// Lets [`autostart`](crate::Server::autostart) and [`start`](crate::Server::start) run this same
/// program as the server; in the process that was started so, this serves, and never returns.
///
/// It belongs at the top of `main`: before arguments are parsed, and before an async runtime or
/// any thread starts. Called again, or in a remote function, it does nothing.
///
/// Under `#[tokio::main]` the runtime has started before `main`'s first line. Put that attribute on a
/// function of another name, which `main` calls after this: `fn main() { remotex::init(); run() }`.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// fn main() {
///     remotex::init();
///     // From here on, this is a client.
/// }
/// ```
pub fn init() {
    // In a function of a server, the process has found out already what it is for.
    if serves() || INITIALISED.swap(true, Ordering::AcqRel) {
        return;
    }
    if let Some(wanted) = bridge::wanted() {
        process::exit(relay(&wanted));
    }
    let started = match handover::take() {
        None => return,
        Some(Ok(started)) => started,
        Some(Err(e)) => {
            say(&format_args!(
                "this process was to become a remotex server, and was not handed what that takes: {e}"
            ));
            process::exit(1);
        }
    };
    let handover = match started {
        Started::Server(handover) => handover,
        Started::Trial(trial) => {
            attempt(&trial);
            process::exit(0);
        }
    };
    let Some(server) = registry::server(&handover.name) else {
        handover.starter.failed(&no_server(&handover.name));
        process::exit(1);
    };
    // A failure is in the log already.
    process::exit(i32::from(server.serve_as_daemon(handover).is_err()));
}

/// Carries the bytes of a client, or serves it alone, and returns with which code to end.
fn relay(wanted: &Wanted) -> i32 {
    let Some(server) = registry::server(&wanted.server) else {
        say(&no_server(&wanted.server));
        return bridge::FAILED;
    };
    let ended = match wanted.manner {
        Manner::Serve => server.serve_alone(wanted).map(|()| true),
        Manner::Listen => server.listen_for_manager(wanted).map(|()| true),
        Manner::Start | Manner::Find => server.relay(wanted),
    };
    match ended {
        Ok(true) => 0,
        Ok(false) => bridge::NOT_RUNNING,
        Err(e) => {
            say(&e);
            bridge::FAILED
        }
    }
}

/// Runs a function without a server, for who measures.
fn attempt(trial: &Trial) {
    match registry::server(&trial.request.server) {
        Some(server) => server.attempt(trial),
        None => trial.failed(&no_server(&trial.request.server)),
    }
}

fn no_server(name: &str) -> String {
    format!("no function of this program is remote on server `{name}`")
}

/// Tells the starter, by the standard error that this process has from it.
fn say(words: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "{words}");
}
