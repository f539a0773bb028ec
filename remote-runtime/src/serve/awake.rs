//! What keeps an idle server from ending.

use std::time::Instant;

use parking_lot::Mutex;

/// The guards of a server, and when the last one went.
#[derive(Debug, Default)]
pub(crate) struct Awake(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    guards: usize,
    released: Option<Instant>,
}

impl Awake {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State {
            guards: 0,
            released: None,
        }))
    }

    /// Holds off the end of a server that is idle, until the guard is dropped.
    pub(crate) fn hold(&'static self) -> KeepAwake {
        self.0.lock().guards += 1;
        KeepAwake(self)
    }

    /// Returns `true` while there is a guard.
    pub(super) fn is_held(&self) -> bool {
        self.0.lock().guards > 0
    }

    /// The time at which the last guard went.
    pub(super) fn released(&self) -> Option<Instant> {
        self.0.lock().released
    }
}

/// Keeps a server awake: see [`Server::keep_awake`](crate::Server::keep_awake).
#[derive(Debug)]
#[must_use = "the server may end as soon as it is dropped"]
pub struct KeepAwake(&'static Awake);

impl Drop for KeepAwake {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.guards -= 1;
        state.released = Some(Instant::now());
    }
}
