//! The server's side: the objects that a client holds.

use std::any::Any;
use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::failures::{Failures, next_session};
use super::table::Usage;
use super::{home, random};
use crate::error::Details;
use crate::thread;
use crate::wire::reference::{Id, Reference};

/// An object as it is held, whatever its type: a counted pointer to it.
pub(crate) type Object = Box<dyn Any + Send + Sync>;

/// A client process, and what it holds.
#[derive(Debug)]
pub(crate) struct Session {
    /// The server that it is with.
    pub(super) server: &'static str,
    /// The process, for people.
    pub(super) process: u32,
    /// How many references it may hold.
    most: usize,
    used: Arc<Usage>,
    failures: Arc<Failures>,
    /// Tells its failures from those of others.
    number: u64,
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// How many connections it has.
    pub(super) connections: usize,
    /// Since when it has none.
    pub(super) cut: Option<Instant>,
    objects: HashMap<Id, Held>,
}

#[derive(Debug)]
struct Held {
    object: Object,
    /// The type, as it was written.
    what: &'static str,
}

impl Session {
    pub(super) fn new(
        server: &'static str,
        process: u32,
        most: usize,
        used: Arc<Usage>,
        failures: Arc<Failures>,
    ) -> Self {
        Self {
            server,
            process,
            most,
            used,
            failures,
            number: next_session(),
            state: Mutex::default(),
        }
    }

    /// Makes a reference to an object, which is held from now on; or says why there can be none.
    pub(super) fn export(
        &self,
        object: Object,
        what: &'static str,
        number: u64,
    ) -> Result<Reference, String> {
        let no_luck = |e| format!("cannot be made, since the system gives no random numbers: {e}");
        let (home, id) = home()
            .and_then(|home| Ok((home, random()?)))
            .map_err(no_luck)?;
        let mut state = self.state.lock();
        if state.objects.len() >= self.most {
            return Err(format!(
                "is one too many: its client holds {} references, as many as it may; drop some, or raise `.max_references` of the `Server`",
                self.most
            ));
        }
        state.objects.insert(id, Held { object, what });
        self.used.add();
        Ok(Reference {
            home,
            object: number,
            id,
        })
    }

    /// The object of a reference that this session holds; or why there is none.
    pub(super) fn find<T: Clone + 'static>(
        &self,
        reference: &Reference,
        what: &str,
    ) -> Result<T, String> {
        let gone =
            |why: &str| format!("the `{what}` that is meant is gone: {why}; get a new reference");
        if home().ok() != Some(reference.home) {
            return Err(gone("the server that had it has ended"));
        }
        let state = self.state.lock();
        let Some(held) = state.objects.get(&reference.id) else {
            return Err(gone(
                "this process does not hold it, since it has let go of it, was cut off for too long, or never did",
            ));
        };
        let found = held.object.downcast_ref().cloned();
        found.ok_or_else(|| gone(&format!("that reference is one to a `{}`", held.what)))
    }

    /// Keeps what a call has failed with, and returns what it is known by.
    pub(crate) fn note(&self, details: Details, backtrace: Option<Box<Backtrace>>) -> Option<Id> {
        self.failures.note(self.number, details, backtrace)
    }

    /// What a call has failed with.
    pub(crate) fn details(&self, id: &Id) -> Option<Details> {
        self.failures.details(self.number, id)
    }

    /// Lets go of what is held by these ids; some of them may be of nothing.
    pub(crate) fn release(&self, ids: impl Iterator<Item = Id>) {
        let mut state = self.state.lock();
        let released: Vec<_> = ids.filter_map(|id| state.objects.remove(&id)).collect();
        if state.objects.is_empty() {
            state.objects = HashMap::new();
        }
        drop(state);
        self.let_go(released);
    }

    /// The same, on a thread that nobody waits for.
    pub(crate) fn release_elsewhere(self: &Arc<Self>, ids: impl Iterator<Item = Id>) {
        let (session, ids) = (self.clone(), ids.collect::<Vec<_>>());
        // Without a thread they are held until the session ends.
        let release = move || session.release(ids.into_iter());
        let _ = thread::start("remotex release", Box::new(release));
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        let objects = std::mem::take(&mut self.state.lock().objects);
        self.let_go(objects.into_values().collect());
    }

    /// The end of an object is the user's code, which may take long, call us, or panic.
    fn let_go(&self, released: Vec<Held>) {
        let n = released.len();
        for held in released {
            thread::quietly(|| drop(held));
        }
        // Until then a server that ends waits for them.
        self.used.remove(n);
    }

    /// Whether nobody can ask for anything of it.
    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().objects.is_empty() && !self.failures.has_any(self.number)
    }

    /// How many references it holds of which type.
    pub(super) fn types(&self) -> Vec<(&'static str, u64)> {
        let mut types: Vec<(&str, u64)> = Vec::new();
        for Held { what, .. } in self.state.lock().objects.values() {
            match types.binary_search_by_key(what, |&(what, _)| what) {
                Ok(at) => types[at].1 += 1,
                Err(at) => types.insert(at, (what, 1)),
            }
        }
        types
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.failures.forget(self.number);
        self.clear();
    }
}
