//! The list of the connections of a server, and what their clients owe.

use std::collections::HashMap;
use std::mem;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::tally::{Tally, Total};
use crate::link::PATIENCE;
use crate::transport::Stream;

/// How often a server looks at most for clients that have owed something for too long.
const TOGETHER: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Connections {
    next: u64,
    pub(super) open: HashMap<u64, Listed>,
    /// `true` if the thread that tends the server is going to look for clients that owe something.
    is_tended: bool,
    /// The counts of connections that have ended.
    pub(super) past: Total,
}

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) stream: Arc<Stream>,
    pub(super) tally: Arc<Tally>,
    /// All else of one that rests, which no thread has then.
    pub(super) resting: Option<Box<Connection>>,
    /// Since when the client owes its hello, or the rest of a message, on one that rests.
    pub(super) unfinished: Option<Instant>,
}

impl Connections {
    /// Adds one, and returns its number and what is counted on it.
    pub(super) fn add(&mut self, stream: Arc<Stream>) -> (u64, Arc<Tally>) {
        let (id, tally) = (self.next, Arc::new(Tally::default()));
        self.next += 1;
        let listed = Listed {
            stream,
            tally: tally.clone(),
            resting: None,
            unfinished: None,
        };
        self.open.insert(id, listed);
        (id, tally)
    }

    /// All that was counted by now.
    pub(super) fn total(&self) -> Total {
        let tallies = self.open.values().map(|connection| &*connection.tally);
        tallies.fold(self.past, Total::with)
    }

    /// Returns `true` if the thread that tends the server is to be woken, since a client owes something and no
    /// other one has before; from here on it knows.
    pub(super) fn wants_tending(&mut self) -> bool {
        !mem::replace(&mut self.is_tended, true)
    }

    /// Ends connections whose clients have owed a hello, or the rest of a message, for too long;
    /// returns how long until there may be another one, if any client owes something.
    pub(super) fn end_overdue(&mut self) -> Option<Duration> {
        let mut next: Option<Duration> = None;
        for connection in self.open.values_mut() {
            let Some(since) = connection
                .unfinished
                .filter(|_| connection.resting.is_some())
            else {
                continue;
            };
            let left = PATIENCE.saturating_sub(since.elapsed());
            if left.is_zero() {
                connection.unfinished = None;
                // The thread that is told of it ends it. One that has closed is told of that.
                let _ = connection.stream.shutdown(Shutdown::Both);
            } else {
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        self.is_tended = next.is_some();
        // Many at once are looked at together.
        next.map(|next| next.max(TOGETHER))
    }
}
