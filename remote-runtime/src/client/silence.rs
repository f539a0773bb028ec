//! Servers that say nothing, and the reason for it as far as the system tells.

use std::time::Duration;

use super::Route;
use crate::error::{Call, Trouble};
use crate::transport::{self, Peer, Stream};

/// Says that the server at the other end of `stream` did not do `what` within `patience`.
pub(super) fn trouble(
    call: Call<'_>,
    route: &dyn Route,
    stream: &Stream,
    what: &str,
    patience: Duration,
) -> Trouble {
    let process = Peer::of(stream).ok().and_then(|peer| peer.pid);
    let reason = match process.filter(|&process| transport::is_stopped(process)) {
        Some(process) => format!(
            "its process {process} is stopped by a signal; continue it with `kill -CONT {process}`"
        ),
        None => "it may be stopped or overloaded".into(),
    };
    call.trouble(format_args!(
        "the server at `{}` did not {what} within {} s; {reason}",
        route.address(),
        patience.as_secs()
    ))
}
