//! The top of `main`: where a process finds out whether it is a server.

use std::fmt;
use std::io::{self, Write};
use std::process;
use std::sync::atomic::Ordering;

use super::INITIALISED;
use crate::daemon::handover;
use crate::registry;

/// Lets [`autostart`](crate::Server::autostart) and [`start`](crate::Server::start) run this same
/// program as the server; in the process that was started so, this serves, and never returns.
///
/// It belongs at the top of `main`: before arguments are parsed, and before an async runtime or
/// any thread starts.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// fn main() {
///     remotex::init();
///     // From here on, this is a client.
/// }
/// ```
pub fn init() {
    INITIALISED.store(true, Ordering::Release);
    let handover = match handover::take() {
        None => return,
        Some(Ok(handover)) => handover,
        Some(Err(e)) => {
            say(&format_args!(
                "this process was to become a remotex server, and was not handed what that takes: {e}"
            ));
            process::exit(1);
        }
    };
    let Some(server) = registry::server(&handover.name) else {
        let why = format!(
            "no function of this program is remote on server `{}`",
            handover.name
        );
        handover.starter.failed(&why);
        process::exit(1);
    };
    if let Err(e) = server.serve_as_daemon(handover) {
        say(&e);
        process::exit(1);
    }
    process::exit(0);
}

/// To the log, which may be on a disk that is full.
fn say(words: &dyn fmt::Display) {
    let _ = writeln!(io::stderr(), "{words}");
}
