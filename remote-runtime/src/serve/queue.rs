//! The calls that have come and wait for a thread: so many, and for so long.

use std::collections::VecDeque;
use std::mem;
use std::time::{Duration, Instant};

/// How many calls may wait.
pub(super) const LONGEST: usize = 1024;

/// How long a call may wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Connections whose calls wait, and since when.
#[derive(Debug)]
pub(super) struct Queue<C>(VecDeque<(Instant, C)>);

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<C> Queue<C> {
    /// Adds a connection at the end. If the queue is full, those whose clients have gone are taken
    /// out of it, and returned.
    ///
    /// # Errors
    /// With the connection, if there is no room for it.
    pub(super) fn push(
        &mut self,
        connection: C,
        now: Instant,
        has_gone: impl Fn(&C) -> bool,
    ) -> Result<Vec<C>, C> {
        let mut gone = Vec::new();
        if self.0.len() >= LONGEST {
            for (since, waiting) in mem::take(&mut self.0) {
                match has_gone(&waiting) {
                    true => gone.push(waiting),
                    false => self.0.push_back((since, waiting)),
                }
            }
        }
        if self.0.len() >= LONGEST {
            return Err(connection);
        }
        self.0.push_back((now, connection));
        Ok(gone)
    }

    /// Takes the first one.
    pub(super) fn pop(&mut self) -> Option<C> {
        self.0.pop_front().map(|(_, connection)| connection)
    }

    /// How long the first one may still wait; `None` if none waits.
    pub(super) fn until_overdue(&self, now: Instant) -> Option<Duration> {
        let (since, _) = self.0.front()?;
        Some(PATIENCE.saturating_sub(now.saturating_duration_since(*since)))
    }

    /// Takes the first one, if it has waited for too long.
    pub(super) fn pop_overdue(&mut self, now: Instant) -> Option<C> {
        let is_overdue = self.until_overdue(now)?.is_zero();
        is_overdue.then(|| self.pop()).flatten()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_makes_room_only_of_those_that_have_gone() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for n in 0..LONGEST {
            assert_eq!(queue.push(n, now, |_| true), Ok(Vec::new()));
        }
        assert_eq!(queue.push(LONGEST, now, |_| false), Err(LONGEST));
        assert_eq!(
            queue.push(LONGEST, now, |n| [3, 5].contains(n)),
            Ok(vec![3, 5])
        );
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest.len(), LONGEST - 1);
        assert!(rest.is_sorted() && queue.is_empty());
    }

    #[test]
    fn the_first_is_overdue_first() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(queue.until_overdue(now), None);
        for n in 0..2 {
            queue.push(n, now + second * n, |_| false).unwrap();
        }
        assert_eq!(queue.until_overdue(now), Some(PATIENCE));
        assert_eq!(queue.pop_overdue(now + PATIENCE - second), None);
        assert_eq!(queue.pop_overdue(now + PATIENCE), Some(0));
        assert_eq!(queue.pop_overdue(now + PATIENCE), None);
        assert_eq!(queue.until_overdue(now + PATIENCE), Some(second));
    }
}
