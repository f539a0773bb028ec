//! What became of calls whose clients may ask again: over a network, a connection can end while both of
//! its ends live on.
//!
//! Such a call has a number, which is its own in its client's session. Its answer is kept until that
//! client's next call on the same connection shows that it has arrived, or for a while. Who calls again
//! with the same number gets that answer, or waits for the run that still goes on; the function runs once.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::session::Token;
use crate::wire::call::Again;

/// For how long it is known what became of a call.
const KEPT: Duration = Duration::from_secs(300);

/// What a message may take on its way.
const TRAVEL: Duration = Duration::from_secs(1);

/// Of how many calls, and how many bytes of answers, in all and of one.
const MOST: usize = 16 * 1024;
const MOST_BYTES: usize = 64 * 1024 * 1024;
const LARGEST: usize = 8 * 1024 * 1024;

/// Which call it is: whose, and its number.
pub(super) type Key = (Token, u64);

/// What is known of calls.
#[derive(Debug)]
pub(super) struct Answers {
    known: Mutex<Known>,
    /// Signalled when a call has ended.
    ended: Condvar,
    /// Since when this server takes calls.
    began: Instant,
    /// What tells it from the one before.
    pub(super) instance: u64,
}

#[derive(Debug, Default)]
struct Known {
    calls: HashMap<Key, Fate>,
    /// Those that have ended, in that order, and some that nobody knows any more.
    order: VecDeque<(u64, Instant, Key)>,
    next: u64,
    bytes: usize,
    /// When something was forgotten last of which nobody said that it has arrived.
    forgotten: Option<Instant>,
}

/// What became of a call.
#[derive(Debug)]
enum Fate {
    Running,
    /// It has ended with this reply, unless that is too large to be kept.
    Ended {
        reply: Option<Vec<u8>>,
        at: u64,
    },
}

/// What is to be done with a call.
pub(super) enum Recalled<'a> {
    /// It has not run. It does now, and its end is put down here.
    New(Ticket<'a>),
    /// It has run, and this is the reply.
    Known(Vec<u8>),
    /// It may have run, and nobody knows how it ended.
    Forgotten,
}

impl Answers {
    pub(super) fn new(instance: u64) -> Self {
        Self {
            known: Mutex::default(),
            ended: Condvar::new(),
            began: Instant::now(),
            instance,
        }
    }

    /// Finds out whether a call has run; waits for it if it runs. It `is_near` if its way leads to no
    /// other server than this one.
    pub(super) fn recall(&self, key: Key, again: Option<Again>, is_near: bool) -> Recalled<'_> {
        let mut known = self.known.lock();
        known.sweep(Instant::now());
        loop {
            match known.calls.get(&key) {
                None => break,
                Some(Fate::Running) => self.ended.wait(&mut known),
                Some(Fate::Ended {
                    reply: Some(reply), ..
                }) => return Recalled::Known(reply.clone()),
                Some(Fate::Ended { reply: None, .. }) => return Recalled::Forgotten,
            }
        }
        if again.is_some_and(|again| !self.has_not_run(&known, again, is_near)) {
            return Recalled::Forgotten;
        }
        known.calls.insert(key, Fate::Running);
        Recalled::New(Ticket {
            answers: self,
            key,
            reply: None,
        })
    }

    /// Whether a call of which nothing is known has certainly not run, although it was sent before.
    fn has_not_run(&self, known: &Known, again: Again, is_near: bool) -> bool {
        let sent = Instant::now().checked_sub(again.since);
        let Some(sent) = sent.and_then(|sent| sent.checked_sub(TRAVEL)) else {
            return false;
        };
        // It was sent to this very server, and nothing was forgotten since.
        let was_here = match again.instance {
            Some(instance) => instance == self.instance,
            None => is_near && self.began < sent,
        };
        was_here && known.forgotten.is_none_or(|forgotten| forgotten < sent)
    }

    /// The client has got the answer to that call.
    pub(super) fn has_arrived(&self, key: &Key) {
        self.known.lock().remove(key);
    }
}

impl Known {
    /// Forgets what is too old or too much.
    fn sweep(&mut self, now: Instant) {
        while let Some(&(at, ended, key)) = self.order.front() {
            if self.is_known(at, &key) {
                let is_old = now.saturating_duration_since(ended) > KEPT;
                if !is_old && self.calls.len() <= MOST && self.bytes <= MOST_BYTES {
                    break;
                }
                self.remove(&key);
                self.forgotten = Some(now);
            }
            self.order.pop_front();
        }
        // Most of what is behind one that stays may have arrived.
        if self.order.len() > 2 * self.calls.len() + MOST {
            let mut order = mem::take(&mut self.order);
            order.retain(|(at, _, key)| self.is_known(*at, key));
            self.order = order;
        }
    }

    /// Whether that is known which has ended as the one `at` its place in the order.
    fn is_known(&self, at: u64, key: &Key) -> bool {
        matches!(self.calls.get(key), Some(Fate::Ended { at: known, .. }) if *known == at)
    }

    fn remove(&mut self, key: &Key) {
        // One that runs is known until it has ended.
        if let Some(Fate::Ended { reply, .. }) = self.calls.get(key) {
            self.bytes -= reply.as_ref().map_or(0, Vec::len);
            self.calls.remove(key);
        }
    }
}

/// A call that runs, whose end is known when this is dropped.
pub(super) struct Ticket<'a> {
    answers: &'a Answers,
    key: Key,
    reply: Option<Vec<u8>>,
}

impl Ticket<'_> {
    /// Keeps its reply, of which these are the parts.
    pub(super) fn keep(mut self, parts: [&[u8]; 2]) {
        if parts.iter().map(|part| part.len()).sum::<usize>() <= LARGEST {
            self.reply = Some(parts.concat());
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut known = self.answers.known.lock();
        let (at, reply) = (known.next, mem::take(&mut self.reply));
        known.next += 1;
        known.bytes += reply.as_ref().map_or(0, Vec::len);
        known.order.push_back((at, Instant::now(), self.key));
        known.calls.insert(self.key, Fate::Ended { reply, at });
        known.sweep(Instant::now());
        drop(known);
        self.answers.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = ([7; 16], 1);

    fn again(instance: Option<u64>) -> Option<Again> {
        let since = Duration::ZERO;
        Some(Again { instance, since })
    }

    fn run(answers: &Answers, key: Key, reply: &[u8]) {
        match answers.recall(key, None, true) {
            Recalled::New(ticket) => ticket.keep([reply, b""]),
            _ => panic!("it has not run"),
        }
    }

    #[test]
    fn a_call_runs_once() {
        let answers = Answers::new(3);
        run(&answers, KEY, b"yes");
        for again in [None, again(None), again(Some(9))] {
            let recalled = answers.recall(KEY, again, false);
            assert!(matches!(recalled, Recalled::Known(reply) if reply == b"yes"));
        }
        answers.has_arrived(&KEY);
        assert!(answers.known.lock().calls.is_empty());
        for number in 0..10 * MOST as u64 {
            let key = ([7; 16], number);
            run(&answers, key, b"yes");
            answers.has_arrived(&key);
        }
        assert!(answers.known.lock().order.len() <= MOST + 1);
        assert_eq!(answers.known.lock().bytes, 0);
    }

    #[test]
    fn a_run_that_goes_on_is_waited_for() {
        let answers = Answers::new(3);
        let Recalled::New(ticket) = answers.recall(KEY, None, true) else {
            panic!()
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| answers.recall(KEY, again(None), true));
            ticket.keep([b"late", b"r"]);
            let recalled = waiting.join().unwrap();
            assert!(matches!(recalled, Recalled::Known(reply) if reply == b"later"));
        });
    }

    #[test]
    fn what_was_sent_to_another_server_may_have_run_there() {
        let answers = Answers::new(3);
        let recalled = answers.recall(KEY, again(Some(4)), true);
        assert!(matches!(recalled, Recalled::Forgotten));
        let recalled = answers.recall(KEY, again(None), false);
        assert!(matches!(recalled, Recalled::Forgotten));
        let recalled = answers.recall(KEY, again(Some(3)), false);
        assert!(matches!(recalled, Recalled::New(_)));
    }

    #[test]
    fn what_was_forgotten_may_have_run() {
        let answers = Answers::new(3);
        for number in 0..=MOST as u64 {
            run(&answers, ([7; 16], number), b"");
        }
        let long_ago = Some(Again {
            instance: Some(3),
            since: Duration::from_millis(1),
        });
        // Of this one too it would not be known any more.
        let recalled = answers.recall(([8; 16], 0), long_ago, false);
        assert!(matches!(recalled, Recalled::Forgotten));
        assert_eq!(answers.known.lock().calls.len(), MOST);
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let answers = Answers::new(3);
        run(&answers, KEY, &vec![0; LARGEST + 1]);
        let recalled = answers.recall(KEY, again(Some(3)), true);
        assert!(matches!(recalled, Recalled::Forgotten));
    }
}
