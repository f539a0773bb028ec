//! The connections that wait for the next call.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::connection::Connection;

/// How many there are at the most; one that is used more is closed.
const MOST: usize = 64;

/// Places for connections. No thread waits for another: each begins at a place of its own, where it
/// finds what it has put there, and passes by those that somebody is looking at.
#[derive(Debug)]
pub(super) struct Idle([Place; MOST]);

/// A place for one, in a cache line of its own: else threads would pass each other's places from
/// processor to processor.
#[derive(Debug)]
#[repr(align(64))]
struct Place(Mutex<Option<Box<Connection>>>);

impl Idle {
    pub(super) const fn new() -> Self {
        Self([const { Place(Mutex::new(None)) }; MOST])
    }

    /// A connection to the server of that key, or the buffer for one.
    pub(super) fn take(&self, key: &str) -> Box<Connection> {
        let found = self.places().find_map(|place| {
            let mut place = place.0.try_lock()?;
            place.take_if(|connection| connection.leads_to(key))
        });
        found.unwrap_or_default()
    }

    /// Whether there is a connection to the server of that key, as far as nobody is looking at it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.places().any(|place| {
            let place = place.0.try_lock();
            place.is_some_and(|place| place.as_ref().is_some_and(|it| it.leads_to(key)))
        })
    }

    /// Keeps a connection that is open, if there is room.
    pub(super) fn put(&self, connection: Box<Connection>) {
        if !connection.is_open() {
            return;
        }
        let free = self.places().find_map(|place| {
            let place = place.0.try_lock()?;
            place.is_none().then_some(place)
        });
        if let Some(mut place) = free {
            *place = Some(connection);
        }
    }

    /// All places, this thread's first.
    fn places(&self) -> impl Iterator<Item = &Place> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static FIRST: usize = THREADS.fetch_add(1, Ordering::Relaxed) % MOST;
        }
        let first = FIRST.try_with(|&first| first).unwrap_or(0);
        let (after, from) = self.0.split_at(first);
        from.iter().chain(after)
    }
}
