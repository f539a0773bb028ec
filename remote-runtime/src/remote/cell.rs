//! An object where it is, behind the lock that gives its methods their exclusion.

use std::cell::RefCell;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RecursiveRwLock, RecursiveRwLockReadGuard, RecursiveRwLockWriteGuard};

use crate::error::Error;

/// An object, and what it is known by.
#[derive(Debug)]
pub struct Cell<K: ?Sized> {
    /// No other object of this process has ever had it.
    number: u64,
    /// A turnstile ("The Little Book of Semaphores", 4.2.5): who waits to write keeps it closed, so that
    /// readers who come later do not keep the writer waiting for ever. A thread that reads already goes
    /// past it, since the writer waits for that one.
    turnstile: Mutex<()>,
    lock: RecursiveRwLock<K>,
}

/// What a thread does with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Write,
}

thread_local! {
    /// The objects that this thread has locked: to wait for one of them would be to wait for itself.
    static LOCKED: RefCell<Vec<(u64, Use)>> = const { RefCell::new(Vec::new()) };
}

/// An object that is read; others may read it too.
#[derive(Debug)]
pub struct Reading<'c, K: ?Sized> {
    guard: RecursiveRwLockReadGuard<'c, K>,
    _locked: Locked,
}

/// An object that is changed, by nobody else.
#[derive(Debug)]
pub struct Writing<'c, K: ?Sized> {
    guard: RecursiveRwLockWriteGuard<'c, K>,
    _locked: Locked,
}

/// What is in the list while this lives.
#[derive(Debug)]
struct Locked(u64);

impl<K> Cell<K> {
    /// An object that is here from now on.
    pub fn new(value: K) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            turnstile: Mutex::new(()),
            lock: RecursiveRwLock::new(value),
        }
    }
}

impl<K: ?Sized> Cell<K> {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Locks it for reading by `who`, in words.
    pub(super) fn read(&self, who: &str, what: &str) -> Result<Reading<'_, K>, Error> {
        match self.locked() {
            None => drop(self.turnstile.lock()),
            Some(Use::Read) => {}
            Some(Use::Write) => return Err(deadlock(who, what, "a `&mut self` method of it runs")),
        }
        Ok(Reading {
            guard: self.lock.read(),
            _locked: self.enlist(Use::Read),
        })
    }

    /// Locks it for writing.
    pub(super) fn write(&self, who: &str, what: &str) -> Result<Writing<'_, K>, Error> {
        if self.locked().is_some() {
            return Err(deadlock(who, what, "another method of it runs"));
        }
        let _closed = self.turnstile.lock();
        Ok(Writing {
            guard: self.lock.write(),
            _locked: self.enlist(Use::Write),
        })
    }

    /// How this thread has locked it.
    fn locked(&self) -> Option<Use> {
        LOCKED.with_borrow(|locked| {
            let mut ours = locked.iter().filter(|(number, _)| *number == self.number);
            ours.next_back().map(|(_, how)| *how)
        })
    }

    fn enlist(&self, how: Use) -> Locked {
        LOCKED.with_borrow_mut(|locked| locked.push((self.number, how)));
        Locked(self.number)
    }
}

fn deadlock(who: &str, what: &str, why: &str) -> Error {
    let words = format!(
        "{who} would wait for itself, which is a deadlock: {why} on this very thread, and both are of one `{what}`"
    );
    io::Error::new(io::ErrorKind::Deadlock, words).into()
}

impl Drop for Locked {
    fn drop(&mut self) {
        LOCKED.with_borrow_mut(|locked| {
            if let Some(at) = locked.iter().rposition(|(number, _)| *number == self.0) {
                locked.remove(at);
            }
        });
    }
}

impl<K: ?Sized> Deref for Reading<'_, K> {
    type Target = K;
    fn deref(&self) -> &K {
        &self.guard
    }
}

impl<K: ?Sized> Deref for Writing<'_, K> {
    type Target = K;
    fn deref(&self) -> &K {
        &self.guard
    }
}

impl<K: ?Sized> DerefMut for Writing<'_, K> {
    fn deref_mut(&mut self) -> &mut K {
        &mut self.guard
    }
}
