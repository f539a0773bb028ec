//! The replies to calls that may be asked for again: over a network, a connection can end while both
//! of its ends live on.
//!
//! Such a call has a number in its client's session. Its reply is kept until that client's next call
//! on the same connection shows that it has arrived, or for a while. A client that sends the call
//! again gets that reply, or waits for the run that still goes on. This is only a cache:
//! [`Taken`] alone decides that a call does not run twice.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::taken::{Sending, Taken};
use crate::session::Token;

/// How long a reply is kept.
const KEPT: Duration = Duration::from_secs(300);

/// How many replies are kept, and how many bytes of them, of all and of one.
const MOST: usize = 16 * 1024;
const MOST_BYTES: usize = 64 * 1024 * 1024;
const LARGEST: usize = 8 * 1024 * 1024;

/// How many bytes of the arguments tell a call from another one of the same number.
const COMPARED: usize = 64 * 1024;

/// A session, and the number of a call in it.
pub(super) type Key = (Token, u64);

/// The name of the function that a call asks for, and its encoded arguments.
pub(super) type Asked<'m> = (&'m str, &'m [u8]);

/// The replies that are kept, and the calls that run.
#[derive(Debug)]
pub(super) struct ReplyCache {
    state: Mutex<State>,
    /// Signalled when a call has ended.
    ended: Condvar,
}

#[derive(Debug)]
struct State {
    taken: Taken,
    calls: HashMap<Key, Kept>,
    /// The calls that have ended, in that order, some of which are not kept any more.
    order: VecDeque<(u64, Instant, Key)>,
    next: u64,
    bytes: usize,
}

/// A call that is known.
#[derive(Debug)]
struct Kept {
    state: CallState,
    /// Tells it from another call that is sent with the same number.
    digest: u64,
}

#[derive(Debug)]
enum CallState {
    Running,
    /// It has ended with this reply, unless that is too large to be kept.
    Ended {
        reply: Option<Vec<u8>>,
        at: u64,
    },
}

/// The answer to whether a call has run.
pub(super) enum Lookup<'a> {
    /// It has not. It may run now, and its reply is kept here.
    New(InFlight<'a>),
    /// It has run, with this reply.
    Known(Vec<u8>),
    /// It does not run: it may have run before, and its reply is not kept.
    Forgotten,
    /// Its number is that of another call.
    Reused,
}

impl ReplyCache {
    /// The cache of a server that begins now. The instance tells it from the server before it.
    pub(super) fn new(instance: u64) -> Self {
        Self {
            state: Mutex::new(State {
                taken: Taken::new(instance, Instant::now()),
                calls: HashMap::new(),
                order: VecDeque::new(),
                next: 0,
                bytes: 0,
            }),
            ended: Condvar::new(),
        }
    }

    /// Finds out whether a call has run; waits for it if it runs.
    pub(super) fn look_up(&self, key: Key, call: Asked<'_>, sending: Sending) -> Lookup<'_> {
        let digest = digest(call);
        let mut state = self.state.lock();
        let now = Instant::now();
        state.sweep(now);
        loop {
            match state.calls.get(&key) {
                None => break,
                Some(kept) if kept.digest != digest => return Lookup::Reused,
                Some(kept) => match &kept.state {
                    CallState::Running => self.ended.wait(&mut state),
                    CallState::Ended { reply, .. } => {
                        return reply.clone().map_or(Lookup::Forgotten, Lookup::Known);
                    }
                },
            }
        }
        let (token, number) = key;
        if !state.taken.take(token, number, sending, now) {
            return Lookup::Forgotten;
        }
        let running = Kept {
            state: CallState::Running,
            digest,
        };
        state.calls.insert(key, running);
        Lookup::New(InFlight {
            cache: self,
            key,
            digest,
            reply: None,
        })
    }

    /// Drops a reply that the client has received.
    pub(super) fn has_arrived(&self, key: &Key) {
        self.state.lock().remove(key);
    }

    /// Remembers which calls of a session were taken, for as long as the result lives and some
    /// minutes more.
    pub(super) fn attend(self: &Arc<Self>, token: Token) -> Attendance {
        self.state.lock().taken.attend(token);
        Attendance {
            cache: self.clone(),
            token,
        }
    }
}

/// A connection over which numbered calls come.
#[derive(Debug)]
pub(super) struct Attendance {
    cache: Arc<ReplyCache>,
    token: Token,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let mut state = self.cache.state.lock();
        state.taken.leave(self.token, Instant::now());
    }
}

impl State {
    /// Drops replies that are too old or too many.
    fn sweep(&mut self, now: Instant) {
        while let Some(&(at, ended, key)) = self.order.front() {
            if self.is_kept(at, &key) {
                let is_old = now.saturating_duration_since(ended) > KEPT;
                if !is_old && self.calls.len() <= MOST && self.bytes <= MOST_BYTES {
                    break;
                }
                self.remove(&key);
            }
            self.order.pop_front();
        }
        // Most of what is behind one that stays may have arrived.
        if self.order.len() > 2 * self.calls.len() + MOST {
            let mut order = mem::take(&mut self.order);
            order.retain(|(at, _, key)| self.is_kept(*at, key));
            self.order = order;
        }
    }

    /// Returns `true` if the reply to the `at`th call to end is still kept.
    fn is_kept(&self, at: u64, key: &Key) -> bool {
        let kept = self.calls.get(key);
        kept.is_some_and(
            |kept| matches!(kept.state, CallState::Ended { at: known, .. } if known == at),
        )
    }

    /// Drops the reply to a call; one that runs stays until it has ended.
    fn remove(&mut self, key: &Key) {
        if let Some(CallState::Ended { reply, .. }) = self.calls.get(key).map(|kept| &kept.state) {
            self.bytes -= reply.as_ref().map_or(0, Vec::len);
            self.calls.remove(key);
        }
    }
}

/// A call that runs, until this is dropped.
pub(super) struct InFlight<'a> {
    cache: &'a ReplyCache,
    key: Key,
    digest: u64,
    reply: Option<Vec<u8>>,
}

impl InFlight<'_> {
    /// Keeps its reply, of which these are the parts.
    pub(super) fn keep(mut self, parts: [&[u8]; 2]) {
        if parts.iter().map(|part| part.len()).sum::<usize>() <= LARGEST {
            self.reply = Some(parts.concat());
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.cache.state.lock();
        let (at, reply) = (state.next, mem::take(&mut self.reply));
        let now = Instant::now();
        state.next += 1;
        state.bytes += reply.as_ref().map_or(0, Vec::len);
        state.order.push_back((at, now, self.key));
        let ended = Kept {
            state: CallState::Ended { reply, at },
            digest: self.digest,
        };
        state.calls.insert(self.key, ended);
        state.sweep(now);
        drop(state);
        self.cache.ended.notify_all();
    }
}

/// Tells calls apart that a client sends with one number by mistake. The same process makes and
/// compares it, so that any hash of the standard library will do.
fn digest((name, arguments): Asked<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.write_usize(arguments.len());
    hasher.write(&arguments[..arguments.len().min(COMPARED)]);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::call::Again;

    const KEY: Key = ([7; 16], 1);
    const CALL: Asked<'_> = ("post", b"hello");

    fn first() -> Sending {
        Sending {
            accepted: Instant::now(),
            again: None,
            is_near: false,
        }
    }

    fn again() -> Sending {
        let again = Again {
            instance: Some(3),
            since: Duration::ZERO,
        };
        Sending {
            again: Some(again),
            ..first()
        }
    }

    fn run(cache: &ReplyCache, key: Key, reply: &[u8]) {
        match cache.look_up(key, CALL, first()) {
            Lookup::New(in_flight) => in_flight.keep([reply, b""]),
            _ => panic!("it has not run"),
        }
    }

    #[test]
    fn a_reply_is_kept_until_it_has_arrived() {
        let cache = ReplyCache::new(3);
        run(&cache, KEY, b"yes");
        for sending in [first(), again()] {
            let known = cache.look_up(KEY, CALL, sending);
            assert!(matches!(known, Lookup::Known(reply) if reply == b"yes"));
        }
        cache.has_arrived(&KEY);
        for sending in [first(), again()] {
            let known = cache.look_up(KEY, CALL, sending);
            assert!(matches!(known, Lookup::Forgotten), "it must not run again");
        }
        assert!(cache.state.lock().calls.is_empty());
    }

    #[test]
    fn replies_that_have_arrived_take_no_memory() {
        let cache = ReplyCache::new(3);
        for number in 0..10 * MOST as u64 {
            let key = ([7; 16], number);
            run(&cache, key, b"yes");
            cache.has_arrived(&key);
        }
        assert!(cache.state.lock().order.len() <= MOST + 1);
        assert_eq!(cache.state.lock().bytes, 0);
    }

    #[test]
    fn a_run_that_goes_on_is_waited_for() {
        let cache = ReplyCache::new(3);
        let Lookup::New(in_flight) = cache.look_up(KEY, CALL, first()) else {
            panic!()
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| cache.look_up(KEY, CALL, again()));
            in_flight.keep([b"late", b"r"]);
            let known = waiting.join().unwrap();
            assert!(matches!(known, Lookup::Known(reply) if reply == b"later"));
        });
    }

    #[test]
    fn another_call_of_the_same_number_is_refused() {
        let cache = ReplyCache::new(3);
        run(&cache, KEY, b"yes");
        for other in [("read", CALL.1), (CALL.0, b"bye")] {
            let lookup = cache.look_up(KEY, other, again());
            assert!(matches!(lookup, Lookup::Reused), "{other:?}");
        }
    }

    #[test]
    fn replies_that_are_too_many_or_too_large_are_dropped_and_their_calls_do_not_run_again() {
        let cache = ReplyCache::new(3);
        for number in 0..=MOST as u64 {
            run(&cache, ([7; 16], number), b"");
        }
        assert_eq!(cache.state.lock().calls.len(), MOST);
        let dropped = cache.look_up(([7; 16], 0), CALL, again());
        assert!(matches!(dropped, Lookup::Forgotten));
        let large = ([8; 16], 1);
        run(&cache, large, &vec![0; LARGEST + 1]);
        let lookup = cache.look_up(large, CALL, again());
        assert!(matches!(lookup, Lookup::Forgotten));
    }
}
