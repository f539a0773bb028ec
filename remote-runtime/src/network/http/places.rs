//! The connections that there may be: a few for clients that have not shown the token yet, and others
//! for those that have.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::super::peer_group::{PeerGroup, PeerGroups};
use super::super::waitlist::Waitlist;

/// How many connections may be open on which the token was not shown. Each may keep a TLS record and
/// the head of a request.
const MAX_UNAUTHENTICATED: usize = 1024;

/// How many connections are kept on which the token was shown.
const MAX_AUTHENTICATED: usize = 1024;

/// The open connections.
pub(super) struct Places {
    groups: PeerGroups,
    state: Mutex<State>,
}

struct State {
    next: u64,
    tasks: HashMap<u64, AbortHandle>,
    unauthenticated: Waitlist<PeerGroup>,
    authenticated: Authenticated,
}

/// The connections on which the token was shown.
struct Authenticated {
    most: usize,
    all: HashSet<u64>,
    /// Those that wait for a request, the longest first: when each began to wait, counted.
    idle: BTreeMap<u64, u64>,
    since: HashMap<u64, u64>,
    clock: u64,
}

impl Authenticated {
    fn of(most: usize) -> Self {
        Self {
            most,
            all: HashSet::new(),
            idle: BTreeMap::new(),
            since: HashMap::new(),
            clock: 0,
        }
    }

    /// Begins a request on a connection. For one that is new here, and one too many, the connection
    /// that is idle for longest is removed, and returned.
    ///
    /// # Errors
    /// If requests run on all of them.
    fn begin(&mut self, id: u64) -> Result<Option<u64>, ()> {
        if let Some(since) = self.since.remove(&id) {
            self.idle.remove(&since);
        }
        let mut evicted = None;
        if !self.all.contains(&id) && self.all.len() >= self.most {
            evicted = Some(self.evict().ok_or(())?);
        }
        self.all.insert(id);
        Ok(evicted)
    }

    /// Ends a request; `false` if the token was not shown on that connection.
    fn end(&mut self, id: u64) -> bool {
        if !self.all.contains(&id) {
            return false;
        }
        // A request without the token does not make a connection busier than it was.
        if !self.since.contains_key(&id) {
            self.idle.insert(self.clock, id);
            self.since.insert(id, self.clock);
            self.clock += 1;
        }
        true
    }

    /// Removes the connection that is idle for longest.
    fn evict(&mut self) -> Option<u64> {
        let (_, &id) = self.idle.first_key_value()?;
        self.remove(id);
        Some(id)
    }

    fn remove(&mut self, id: u64) {
        self.all.remove(&id);
        if let Some(since) = self.since.remove(&id) {
            self.idle.remove(&since);
        }
    }
}

impl Places {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            groups: PeerGroups::new(),
            state: Mutex::new(State {
                next: 0,
                tasks: HashMap::new(),
                unauthenticated: Waitlist::within_descriptors(MAX_UNAUTHENTICATED),
                authenticated: Authenticated::of(MAX_AUTHENTICATED),
            }),
        })
    }

    /// Gives a new connection a place, which the task that serves it [takes](Self::occupy).
    pub(super) fn reserve(self: &Arc<Self>) -> Place {
        let mut state = self.state.lock();
        let id = state.next;
        state.next += 1;
        let places = self.clone();
        Place { places, id }
    }

    /// Lets `task` serve the connection at the place of that number, from `peer` to `local`; if there
    /// are too many of those on which no token was shown, another one ends.
    pub(super) fn occupy(&self, id: u64, local: SocketAddr, peer: SocketAddr, task: AbortHandle) {
        let group = self.groups.of(local, peer);
        let mut state = self.state.lock();
        state.tasks.insert(id, task);
        let evicted = state.unauthenticated.add(id, group);
        let evicted = evicted.and_then(|id| state.tasks.remove(&id));
        drop(state);
        abort(evicted);
    }

    /// Ends a connection of which little is lost, since there is no descriptor for another one; `false`
    /// if there is none.
    pub(super) fn make_room(&self) -> bool {
        let mut state = self.state.lock();
        let evicted = state.unauthenticated.evict();
        let evicted = evicted.or_else(|| state.authenticated.evict());
        let evicted = evicted.and_then(|id| state.tasks.remove(&id));
        drop(state);
        abort(evicted)
    }
}

fn abort(task: Option<AbortHandle>) -> bool {
    task.inspect(AbortHandle::abort).is_some()
}

/// The place of a connection, which is free again when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
}

impl Place {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Begins a request with the token: the connection is one that is kept from here on; `false` if
    /// requests run on as many as that may be.
    pub(super) fn begin(&self) -> bool {
        let mut state = self.places.state.lock();
        let Ok(evicted) = state.authenticated.begin(self.id) else {
            return false;
        };
        state.unauthenticated.remove(self.id);
        let evicted = evicted.and_then(|id| state.tasks.remove(&id));
        drop(state);
        abort(evicted);
        true
    }

    /// Ends a request; `false` if the token was not shown on this connection.
    pub(super) fn end(&self) -> bool {
        self.places.state.lock().authenticated.end(self.id)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state.lock();
        state.tasks.remove(&self.id);
        state.unauthenticated.remove(self.id);
        state.authenticated.remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_connection_that_is_idle_for_longest_makes_room() {
        let mut places = Authenticated::of(2);
        assert!(!places.end(0), "the token was not shown on it");
        assert_eq!(places.begin(0), Ok(None));
        assert_eq!(places.begin(1), Ok(None));
        assert_eq!(places.begin(2), Err(()));
        assert!(places.end(1) && places.end(0));
        // It goes on, and so was idle for less long than the other.
        assert_eq!(places.begin(1), Ok(None));
        assert!(places.end(1));
        assert_eq!(places.begin(2), Ok(Some(0)));
        assert_eq!(places.begin(3), Ok(Some(1)));
        assert_eq!(places.begin(4), Err(()));
        places.remove(2);
        assert_eq!(places.begin(4), Ok(None));
    }

    proptest! {
        #[test]
        fn no_connection_is_removed_within_a_request(
            most in 1_usize..6,
            steps in prop::collection::vec((0_u64..10, 0_u8..3), 1..200),
        ) {
            let mut places = Authenticated::of(most);
            let mut running = HashSet::new();
            for (id, step) in steps {
                match step {
                    0 => {
                        let began = places.begin(id);
                        if let Ok(Some(evicted)) = began {
                            prop_assert!(!running.contains(&evicted));
                        }
                        match began {
                            Ok(_) => drop(running.insert(id)),
                            Err(()) => prop_assert_eq!(running.len(), most),
                        }
                    }
                    1 => {
                        places.end(id);
                        running.remove(&id);
                    }
                    _ => {
                        places.remove(id);
                        running.remove(&id);
                    }
                }
                prop_assert!(places.all.len() <= most);
                prop_assert!(running.is_subset(&places.all));
                prop_assert_eq!(places.idle.len(), places.since.len());
            }
        }
    }
}
