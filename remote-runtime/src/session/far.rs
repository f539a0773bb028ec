//! The client's side: references that it holds, and those that it has dropped.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::wire::call::LARGEST_HEAD;
use crate::wire::reference::{Id, Reference};
use crate::wire::{Kind, frame};

/// How many ids a frame has at the most: no server refuses one for its size, whatever its `max_message`.
const BATCH: usize = LARGEST_HEAD / size_of::<Id>();

/// How long a drop may wait for the list: only in a child of fork(2) it can be taken for ever.
const LIST: Duration = Duration::from_secs(1);

/// What this process holds of one server.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) server: &'static str,
    /// Which one it is of those that there are for each key.
    pub(crate) key: &'static str,
    /// How many references there are.
    held: AtomicUsize,
    /// How many were dropped of which the server has not been told.
    dropped: AtomicUsize,
    list: Mutex<Vec<Id>>,
}

/// A reference that this process holds; to drop it is to let go of the object.
#[derive(Debug)]
pub struct Far {
    reference: Reference,
    holdings: &'static Holdings,
}

impl Far {
    pub(crate) fn new(reference: Reference, holdings: &'static Holdings) -> Self {
        holdings.held.fetch_add(1, Ordering::Relaxed);
        Self {
            reference,
            holdings,
        }
    }

    pub(crate) fn reference(&self) -> &Reference {
        &self.reference
    }

    /// What it belongs to.
    pub(crate) fn holdings(&self) -> &'static Holdings {
        self.holdings
    }

    /// The object, among those of all servers.
    pub(crate) fn object(&self) -> (u64, u64) {
        (self.reference.home, self.reference.object)
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        let Holdings {
            held,
            dropped,
            list,
            ..
        } = self.holdings;
        held.fetch_sub(1, Ordering::Relaxed);
        if let Some(mut list) = list.try_lock_for(LIST) {
            list.push(self.reference.id);
            dropped.store(list.len(), Ordering::Release);
        }
    }
}

impl Holdings {
    pub(crate) const fn new(server: &'static str, key: &'static str) -> Self {
        Self {
            server,
            key,
            held: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            list: Mutex::new(Vec::new()),
        }
    }

    /// Whether there is a reference that is to be kept.
    pub(crate) fn has_any(&self) -> bool {
        self.held.load(Ordering::Relaxed) > 0
    }

    /// What was dropped, of which the server is to be told.
    #[inline]
    pub(crate) fn take_dropped(&self) -> Vec<Id> {
        if self.dropped.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        self.take()
    }

    #[cold]
    fn take(&self) -> Vec<Id> {
        // If somebody else has the list, the next call tells it.
        let Some(mut list) = self.list.try_lock() else {
            return Vec::new();
        };
        self.dropped.store(0, Ordering::Release);
        mem::take(&mut *list)
    }

    /// Keeps for the next call what the server may not have heard of. To tell it twice does no harm.
    #[cold]
    pub(crate) fn put_back(&self, ids: &[Id]) {
        if let Some(mut list) = self.list.try_lock_for(LIST) {
            list.extend_from_slice(ids);
            self.dropped.store(list.len(), Ordering::Release);
        }
    }
}

/// Appends the frames that say what was dropped.
pub(crate) fn put_dropped(ids: &[Id], out: &mut Vec<u8>) {
    for batch in ids.chunks(BATCH) {
        let at = frame::begin(out);
        out.extend_from_slice(batch.as_flattened());
        frame::end(out, at, Kind::Release);
    }
}
