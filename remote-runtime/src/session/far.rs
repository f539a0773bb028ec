//! The client's side: references that it holds, and those that it has dropped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::wire::reference::{Id, Reference};
use crate::wire::{Kind, frame};

/// How many ids a frame has at the most.
const BATCH: usize = 1024;

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

    /// Appends the frames that tell the server what was dropped.
    #[inline]
    pub(crate) fn put_dropped(&self, out: &mut Vec<u8>) {
        if self.dropped.load(Ordering::Acquire) > 0 {
            self.put(out);
        }
    }

    #[cold]
    fn put(&self, out: &mut Vec<u8>) {
        // If somebody else has the list, the next call tells it.
        let Some(mut list) = self.list.try_lock() else {
            return;
        };
        let ids = std::mem::take(&mut *list);
        self.dropped.store(0, Ordering::Release);
        drop(list);
        for batch in ids.chunks(BATCH) {
            let at = frame::begin(out);
            out.extend_from_slice(batch.as_flattened());
            frame::end(out, at, Kind::Release);
        }
    }
}
