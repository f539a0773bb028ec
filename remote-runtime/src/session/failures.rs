//! The details of failed calls, which their clients may ask for: those of all sessions of a server
//! together, so that they are bounded together.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::random;
use crate::error::Details;
use crate::wire::reference::Id;

/// How many failures are kept of a session.
const OF_SESSION: usize = 16;

/// How many are kept of all sessions, and how many bytes of them.
const MOST: usize = 1024;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How much is kept of one text of a failure, in bytes.
pub(crate) const LONGEST_TEXT: usize = 64 * 1024;

/// The same of a cause, of which there may be many.
const LONGEST_CAUSE: usize = 1024;

/// The bytes that a backtrace counts for: about as many as it takes once it was made readable.
const BACKTRACE: usize = 64 * 1024;

/// The failures of a server's calls, the latest last.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    failures: VecDeque<Failure>,
    bytes: usize,
}

#[derive(Debug)]
struct Failure {
    id: Id,
    /// The session whose call it was.
    session: u64,
    noted: Arc<Noted>,
    bytes: usize,
}

/// The details of one failure. A backtrace is made readable when a client asks for it, because that
/// takes long.
#[derive(Debug)]
struct Noted {
    details: Details,
    backtrace: Option<Box<Backtrace>>,
}

/// The number of the next session of this process.
pub(super) fn next_session() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Failures {
    /// Keeps a failure, and returns its id; `None` if the system gives no random numbers.
    pub(super) fn note(
        &self,
        session: u64,
        mut details: Details,
        backtrace: Option<Box<Backtrace>>,
    ) -> Option<Id> {
        let cut = |text: &mut String, most| text.truncate(text.floor_char_boundary(most));
        cut(&mut details.message, LONGEST_TEXT);
        for cause in &mut details.causes {
            cut(cause, LONGEST_CAUSE);
        }
        let id = random().ok()?;
        let bytes = memory_of(&details) + backtrace.as_ref().map_or(0, |_| BACKTRACE);
        let noted = Arc::new(Noted { details, backtrace });
        let mut kept = self.0.lock();
        kept.bytes += bytes;
        kept.failures.push_back(Failure {
            id,
            session,
            noted,
            bytes,
        });
        kept.bound(session);
        Some(id)
    }

    /// The details of a failure of that session.
    pub(super) fn details(&self, session: u64, id: &Id) -> Option<Details> {
        let noted = {
            let kept = self.0.lock();
            let mut failures = kept.failures.iter();
            let found = failures.find(|kept| kept.id == *id && kept.session == session);
            found?.noted.clone()
        };
        let backtrace = noted.backtrace.as_ref().map(ToString::to_string);
        let details = noted.details.clone();
        Some(Details {
            backtrace,
            ..details
        })
    }

    /// Returns `true` if any failure of that session is kept.
    pub(super) fn has_any(&self, session: u64) -> bool {
        let kept = self.0.lock();
        kept.failures.iter().any(|kept| kept.session == session)
    }

    /// Drops the failures of a session.
    pub(super) fn forget(&self, session: u64) {
        self.0.lock().retain(|failure| failure.session != session);
    }
}

impl Kept {
    /// Drops the oldest failures that are too many, of that session and of all.
    fn bound(&mut self, session: u64) {
        let is_its = |failure: &&Failure| failure.session == session;
        if self.failures.iter().filter(is_its).count() > OF_SESSION
            && let Some(oldest) = self.failures.iter().position(|kept| is_its(&kept))
        {
            self.remove(oldest);
        }
        while self.failures.len() > MOST || self.bytes > MOST_BYTES {
            self.remove(0);
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(removed) = self.failures.remove(at) {
            self.bytes -= removed.bytes;
        }
    }

    fn retain(&mut self, stays: impl Fn(&Failure) -> bool) {
        self.failures.retain(stays);
        self.bytes = self.failures.iter().map(|failure| failure.bytes).sum();
    }
}

/// About how much memory details take, in bytes.
fn memory_of(details: &Details) -> usize {
    let Details {
        function,
        message,
        causes,
        debug,
        location,
        arguments,
        ..
    } = details;
    let texts = [
        Some(function),
        Some(message),
        debug.as_ref(),
        location.as_ref(),
    ];
    let texts = texts.into_iter().flatten().chain(causes);
    let names = arguments.iter().map(|(name, _)| name);
    let each = texts
        .chain(names)
        .map(|text| text.len() + size_of::<String>());
    size_of::<Failure>() + size_of::<Noted>() + each.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(bytes: usize) -> Details {
        Details::of("f".into(), "x".repeat(bytes))
    }

    #[test]
    fn a_session_keeps_its_latest_failures_and_no_others() {
        let failures = Failures::default();
        let ids: Vec<_> = (0..=OF_SESSION)
            .map(|n| failures.note(1, details(n), None).unwrap())
            .collect();
        let other = failures.note(2, details(7), None).unwrap();
        assert_eq!(failures.details(1, &ids[0]), None);
        assert_eq!(failures.details(1, &ids[1]).unwrap().message.len(), 1);
        assert_eq!(failures.details(1, &other), None, "it is another one's");
        failures.forget(1);
        assert!(!failures.has_any(1) && failures.has_any(2));
        failures.forget(2);
        assert_eq!(failures.0.lock().bytes, 0);
    }

    #[test]
    fn the_failures_of_many_sessions_are_bounded_together() {
        let failures = Failures::default();
        for session in 0..10_000 {
            failures.note(session, details(LONGEST_TEXT + 1), None);
            let kept = failures.0.lock();
            assert!(kept.bytes <= MOST_BYTES && kept.failures.len() <= MOST);
        }
        assert!(failures.has_any(9_999) && !failures.has_any(0));
    }
}
