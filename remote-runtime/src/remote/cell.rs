//! An object where it is, behind the lock that gives its methods their exclusion.

use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RecursiveRwLock, RecursiveRwLockReadGuard, RecursiveRwLockWriteGuard};

use super::Object;
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

/// How a thread has locked an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Read,
    Write,
}

thread_local! {
    /// The objects that this thread has locked: to wait for one of them would be to wait for itself.
    static LOCKED: RefCell<Vec<(u64, Hold, &'static str)>> = const { RefCell::new(Vec::new()) };
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

/// What is in the list of this thread while this lives, which is why it goes to no other.
#[derive(Debug)]
struct Locked(u64, PhantomData<*const ()>);

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

    /// Locks it for reading.
    pub(super) fn read(&self, who: Who) -> Result<Reading<'_, K>, Error> {
        match self.locked() {
            None => drop(self.turnstile.lock()),
            Some((Hold::Read, _)) => {}
            Some(other) => return Err(who.deadlock(other)),
        }
        Ok(Reading {
            guard: self.lock.read(),
            _locked: self.enlist(Hold::Read, who),
        })
    }

    /// Locks it for writing.
    pub(super) fn write(&self, who: Who) -> Result<Writing<'_, K>, Error> {
        if let Some(other) = self.locked() {
            return Err(who.deadlock(other));
        }
        let _closed = self.turnstile.lock();
        Ok(Writing {
            guard: self.lock.write(),
            _locked: self.enlist(Hold::Write, who),
        })
    }

    /// How this thread has locked it, and by which method.
    fn locked(&self) -> Option<(Hold, &'static str)> {
        let ours = LOCKED.try_with(|locked| {
            let locked = locked.borrow();
            let mut ours = locked.iter().filter(|(number, ..)| *number == self.number);
            ours.next_back().map(|&(_, how, method)| (how, method))
        });
        ours.ok().flatten()
    }

    fn enlist(&self, how: Hold, who: Who) -> Locked {
        let entry = (self.number, how, who.method);
        // A thread that ends has no list any more.
        let _ = LOCKED.try_with(|locked| locked.borrow_mut().push(entry));
        Locked(self.number, PhantomData)
    }
}

/// Who locks an object, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    method: &'static str,
    /// The object's type.
    what: &'static str,
    server: &'static str,
}

impl Who {
    pub(super) fn of<T: Object + ?Sized>(method: &'static str) -> Self {
        Self {
            method,
            what: T::NAME,
            server: T::server().name(),
        }
    }

    #[cold]
    fn deadlock(self, (how, other): (Hold, &str)) -> Error {
        let Self {
            method,
            what,
            server,
        } = self;
        let does = match how {
            Hold::Read => "reads",
            Hold::Write => "changes",
        };
        let words = format!(
            "`{method}` on server `{server}` would wait for ever, which is a deadlock: \
             `{other}` {does} the same `{what}` on this very thread; give it another object"
        );
        io::Error::new(io::ErrorKind::Deadlock, words).into()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = LOCKED.try_with(|locked| {
            let mut locked = locked.borrow_mut();
            if let Some(at) = locked.iter().rposition(|(number, ..)| *number == self.0) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    const WHO: Who = Who {
        method: "method",
        what: "Thing",
        server: "here",
    };

    #[test]
    fn who_waits_to_write_comes_before_later_readers() {
        let cell = Cell::new(Vec::new());
        let order = Mutex::new(Vec::new());
        let first = cell.read(WHO).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut list = cell.write(WHO).unwrap();
                order.lock().push("writer");
                list.push(1);
            });
            // The writer waits as soon as it has closed the turnstile.
            while !cell.turnstile.is_locked() {
                thread::yield_now();
            }
            let (begun, begins) = channel();
            let (cell, order) = (&cell, &order);
            scope.spawn(move || {
                begun.send(()).unwrap();
                let list = cell.read(WHO).unwrap();
                order.lock().push("reader");
                assert_eq!(*list, [1]);
            });
            begins.recv().unwrap();
            // The writer waits for this thread, which therefore must not wait for the writer.
            assert!(cell.read(WHO).unwrap().is_empty());
            drop(first);
        });
        assert_eq!(order.into_inner(), ["writer", "reader"]);
    }

    #[test]
    fn what_was_locked_is_forgotten_when_it_is_let_go_of() {
        let cell = Cell::new(0);
        let writing = cell.write(WHO).unwrap();
        assert!(cell.read(WHO).is_err());
        assert!(cell.write(WHO).is_err());
        drop(writing);
        let (one, other) = (cell.read(WHO), cell.read(WHO));
        drop(one);
        assert!(cell.write(WHO).is_err());
        drop(other);
        *cell.write(WHO).unwrap() += 1;
    }
}
