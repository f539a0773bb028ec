//! The numbered calls that this server has taken: each number of a session runs once.
//!
//! Over a network the same call can arrive several times, late and in any order. So the server
//! remembers the numbers of a session for as long as the session has a connection, and for
//! [`REMEMBERED`] more. A session that is forgotten moves a horizon: a call that may have been sent
//! before the horizon may be one of those that were forgotten, and does not run.
//!
//! The rule in one place, without clocks or locks, so that a model can try every order of events.

mod window;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::session::Token;
use crate::wire::call::Again;
use window::Window;

/// How long the numbers of a session are remembered after its last connection has ended.
const REMEMBERED: Duration = Duration::from_secs(300);

/// The same as a number, so that they take no more than some megabytes.
const MOST_LEFT: usize = 16 * 1024;

/// By how much two clocks may differ on how long ago a call was sent.
const SKEW: Duration = Duration::from_secs(1);

/// The calls that were taken.
#[derive(Debug)]
pub(super) struct Taken {
    sessions: HashMap<Token, Session>,
    /// The sessions that have lost their last connection, each once, about in that order. An entry is
    /// outdated if the session's own time differs.
    left: VecDeque<(Instant, Token)>,
    /// The latest time at which a forgotten session had a connection.
    horizon: Option<Instant>,
    /// How many sessions without a connection are remembered.
    most_left: usize,
    /// When this server began.
    began: Instant,
    /// A number that tells this server from the one before it.
    pub(super) instance: u64,
}

#[derive(Debug)]
struct Session {
    window: Window,
    connections: usize,
    /// When it was last used, if it has no connection.
    left: Option<Instant>,
    /// `true` if it has an entry in the list of those that have none.
    is_listed: bool,
    /// The horizon when this session was first seen.
    horizon: Option<Instant>,
}

impl Session {
    fn new(horizon: Option<Instant>) -> Self {
        Self {
            window: Window::default(),
            connections: 0,
            left: None,
            is_listed: false,
            horizon,
        }
    }
}

/// The way that a call has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    /// When the connection was accepted. A client sends a call only after it has heard this
    /// server's hello on that connection. (Over HTTP that is not so; there, a call that is sent
    /// again says that it may have been sent at any time.)
    pub(super) accepted: Instant,
    /// The time of the first sending, if this is not the first.
    pub(super) again: Option<Again>,
    /// `true` if the connection is a socket of this machine, which leads to no other server.
    pub(super) is_near: bool,
}

impl Taken {
    pub(super) fn new(instance: u64, began: Instant) -> Self {
        Self {
            sessions: HashMap::new(),
            left: VecDeque::new(),
            horizon: None,
            most_left: MOST_LEFT,
            began,
            instance,
        }
    }

    /// Takes a call if it has certainly not been taken before; returns whether it may run.
    pub(super) fn take(
        &mut self,
        token: Token,
        number: u64,
        sending: Sending,
        now: Instant,
    ) -> bool {
        self.forget(now);
        let Some(first_sent) = self.first_sent(sending) else {
            return false;
        };
        let horizon = self.horizon;
        let session = self.sessions.entry(token);
        let session = session.or_insert_with(|| Session::new(horizon));
        if session.connections == 0 {
            session.left = Some(now);
            if !std::mem::replace(&mut session.is_listed, true) {
                self.left.push_back((now, token));
            }
        }
        session.horizon.is_none_or(|horizon| horizon < first_sent) && session.window.take(number)
    }

    /// Counts a connection of a session, whose numbers are remembered until it [leaves](Self::leave).
    pub(super) fn attend(&mut self, token: Token) {
        let session = self.sessions.entry(token);
        let session = session.or_insert_with(|| Session::new(self.horizon));
        session.connections += 1;
        session.left = None;
    }

    /// Ends what [`attend`](Self::attend) has begun.
    pub(super) fn leave(&mut self, token: Token, now: Instant) {
        let Some(session) = self.sessions.get_mut(&token) else {
            return;
        };
        session.connections = session.connections.saturating_sub(1);
        if session.connections == 0 {
            session.left = Some(now);
            if !std::mem::replace(&mut session.is_listed, true) {
                self.left.push_back((now, token));
            }
        }
        self.forget(now);
    }

    /// The earliest time, on this server's clock, at which the client can have sent the call first;
    /// `None` if it was sent first to another server, or may have been.
    fn first_sent(&self, sending: Sending) -> Option<Instant> {
        let Sending {
            accepted,
            again,
            is_near,
        } = sending;
        let Some(again) = again else {
            return Some(accepted);
        };
        let first_sent = accepted.checked_sub(again.since)?.checked_sub(SKEW)?;
        let was_here = match again.instance {
            Some(instance) => instance == self.instance,
            // The client had heard the hello of a server, which began before it sent the call.
            None => is_near && self.began < first_sent,
        };
        was_here.then_some(first_sent)
    }

    /// Forgets the sessions that have had no connection for too long, and the oldest ones if there
    /// are too many.
    fn forget(&mut self, now: Instant) {
        while let Some(&(since, token)) = self.left.front() {
            let is_old = now.saturating_duration_since(since) > REMEMBERED;
            if !is_old && self.left.len() <= self.most_left {
                break;
            }
            self.left.pop_front();
            let Some(session) = self.sessions.get_mut(&token) else {
                continue;
            };
            match session.left {
                Some(left) if left == since => {
                    self.sessions.remove(&token);
                    self.horizon = self.horizon.max(Some(since));
                }
                Some(left) => self.left.push_back((left, token)),
                None => session.is_listed = false,
            }
        }
    }
}

#[cfg(test)]
mod tests;
