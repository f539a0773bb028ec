//! The lines of the server's log about connections that were refused.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::logline;

/// How often one reason is logged at most.
const SILENCE: Duration = Duration::from_secs(1);

/// How many reasons are told apart.
const REASONS: usize = 16;

/// The latest reasons: peers that connect again and again do not fill the log.
#[derive(Default)]
pub(super) struct RefusalLog(Vec<Reason>);

struct Reason {
    why: String,
    said: Instant,
    /// How many connections were refused for it since.
    unsaid: usize,
}

impl RefusalLog {
    /// Logs why the connection of the peer at `whence` was refused, unless that was logged just now.
    pub(super) fn say(&mut self, whence: SocketAddr, why: &str) {
        let Self(reasons) = self;
        let mut others = String::new();
        if let Some(reason) = reasons.iter_mut().find(|reason| reason.why == why) {
            if reason.said.elapsed() < SILENCE {
                reason.unsaid += 1;
                return;
            }
            if reason.unsaid > 0 {
                others = format!("; {} others since the last line like this", reason.unsaid);
            }
            (reason.said, reason.unsaid) = (Instant::now(), 0);
        } else {
            if reasons.len() == REASONS {
                reasons.remove(0);
            }
            reasons.push(Reason {
                why: why.to_owned(),
                said: Instant::now(),
                unsaid: 0,
            });
        }
        logline::write(format_args!("{whence} is not let in: {why}{others}"));
    }
}
