//! The threads that serve: how many there are, and what each does next.
//!
//! Those that have nothing to do wait in the [`Poller`] for a connection to come, or for one that
//! rests to go on, and each serves what it was told of itself: nothing is handed from one thread to
//! another. Before it does, it sees to it that another one waits. If there may be no other, as beyond
//! [`THREADS`], it runs no functions: it answers questions and requests to stop, and puts calls into a
//! queue, from which the others take them when they are done with their own.

use std::fmt;
use std::io;
use std::iter;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::connection::{Connection, Left};
use super::queue::{LONGEST, PATIENCE, Queue};
use super::run::Runner;
use super::{Shared, accept};
use crate::poller::Poller;
use crate::transport::{self, Stream};
use crate::wire::fault::Fault;

/// How many threads there may be. One that runs a function may wait for another call, so that there
/// must be many more than processors.
const THREADS: usize = 512;

/// How many threads there may be besides, for calls that are made inside remote functions: if they
/// waited for a thread, they might wait for the very call that waits for them.
const EXTRA: usize = 512;

/// How many threads wait for ever; what comes after a rest then finds one, and no thread is started
/// for it.
const SPARE: usize = 2;

/// How long the others wait before they end.
const KEEP: Duration = Duration::from_secs(10);

/// The stack of a thread that runs functions, which are used to that of a main thread.
const STACK: usize = 8 * 1024 * 1024;

/// What the poller calls the listener, and the request to end; connections have numbers below.
const LISTENER: u64 = u64::MAX;
const QUIT: u64 = u64::MAX - 1;

/// The threads of a server, and what they share.
#[derive(Debug)]
pub(super) struct Pool {
    poller: Poller,
    crew: Mutex<Crew>,
    /// Whether calls wait for a thread.
    is_behind: AtomicBool,
    /// Where connections come from, until no more are taken.
    listener: Mutex<Option<UnixListener>>,
    /// Ends when the threads are to end.
    quit: UnixStream,
}

#[derive(Debug, Default)]
struct Crew {
    threads: usize,
    /// How many of them wait for something to do.
    waiting: usize,
    /// How many there have ever been.
    started: u64,
    /// How many threads there are besides, for what must not wait.
    extra: usize,
    /// The connections whose calls have come, and wait.
    queue: Queue<Box<Connection>>,
}

/// The duty of a thread that serves a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// It runs each call that comes, until none does for a while.
    Serve,
    /// No other thread waits for what comes on other connections. So it answers questions, waits for
    /// nothing, and runs nothing of the user's.
    Watch,
    /// It is one thread too many: it runs the one call that has come, which must not wait.
    RunOne,
}

/// What a thread is to do next.
enum Task {
    Accept,
    Serve(Box<Connection>),
}

impl Pool {
    /// Takes connections from `listener`, if there is one, as soon as there is a
    /// [thread](Self::begin), until `quit` ends.
    pub(super) fn new(listener: Option<UnixListener>, quit: UnixStream) -> io::Result<Self> {
        let poller = Poller::new()?;
        if let Some(listener) = &listener {
            poller.add(listener.as_fd(), LISTENER)?;
        }
        poller.add(quit.as_fd(), QUIT)?;
        Ok(Self {
            poller,
            crew: Mutex::default(),
            is_behind: AtomicBool::new(false),
            listener: Mutex::new(listener),
            quit,
        })
    }

    /// Starts the first threads.
    pub(super) fn begin(shared: &Arc<Shared>) -> io::Result<()> {
        (0..SPARE).try_for_each(|_| Self::start_thread(shared))
    }

    /// Takes no more connections, and returns where they came from, for a successor.
    pub(super) fn stop_accepting(&self) -> Option<UnixListener> {
        let listener = self.listener.lock().take()?;
        self.poller.forget(listener.as_fd());
        Some(listener)
    }

    /// The next connection, if one has come.
    pub(super) fn accept(&self) -> io::Result<Stream> {
        let Some(listener) = &*self.listener.lock() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let (socket, _) = listener.accept()?;
        // Some systems hand on that the listener does not block.
        if cfg!(not(target_os = "linux")) {
            socket.set_nonblocking(false)?;
        }
        Ok(Stream::Near(socket))
    }

    /// Lets another thread take the next connection.
    pub(super) fn accept_again(&self) {
        if let Some(listener) = &*self.listener.lock() {
            // It is there, since it was added.
            let _ = self.poller.again(listener.as_fd(), LISTENER);
        }
    }

    /// Waits, but not beyond the end.
    pub(super) fn pause(&self, pause: Duration) {
        // However it ends, it was a pause.
        let _ = transport::wait(&[self.quit.as_fd()], Some(pause));
    }

    /// Watches a connection that rests; `is_known` if it has rested before.
    pub(super) fn watch(&self, stream: BorrowedFd<'_>, id: u64, is_known: bool) -> io::Result<()> {
        if is_known {
            self.poller.again(stream, id)
        } else {
            self.poller.add(stream, id)
        }
    }

    /// Forgets a connection that has ended.
    pub(super) fn forget(&self, connection: &Connection) {
        if connection.is_watched
            && let Ok(socket) = connection.stream().socket()
        {
            self.poller.forget(socket);
        }
    }

    /// Whether a thread should let its connection rest, since calls of others wait.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    /// Puts a connection whose call has come into the queue; one that is turned away comes back.
    fn enqueue(&self, connection: Box<Connection>, shared: &Shared) -> Result<(), Box<Connection>> {
        let mut crew = self.crew.lock();
        if shared.is_stopping() {
            drop(crew);
            connection.say_goodbye(shared);
            return Err(connection);
        }
        let pushed = crew.queue.push(connection, Instant::now(), |waiting| {
            accept::has_gone(waiting.stream())
        });
        self.note_queue(&crew);
        drop(crew);
        match pushed {
            Ok(gone) => {
                gone.iter().for_each(|gone| self.end(shared, gone));
                Ok(())
            }
            Err(connection) => {
                connection.refuse(&Fault::Busy(format!(
                    "all its threads run calls, and {LONGEST} more wait; try again"
                )));
                Err(connection)
            }
        }
    }

    /// Refuses the calls that have waited for too long.
    fn refuse_overdue(&self, shared: &Shared) {
        loop {
            let mut crew = self.crew.lock();
            let Some(overdue) = crew.queue.pop_overdue(Instant::now()) else {
                return;
            };
            self.note_queue(&crew);
            drop(crew);
            overdue.refuse(&Fault::Busy(format!(
                "all its threads have run other calls for {} s; try again, or see in its status which ones",
                PATIENCE.as_secs()
            )));
            self.end(shared, &overdue);
        }
    }

    /// Ends a connection of the queue.
    fn end(&self, shared: &Shared, connection: &Connection) {
        self.forget(connection);
        shared.remove(connection.id);
    }

    fn note_queue(&self, crew: &Crew) {
        let is_behind = !crew.queue.is_empty();
        self.is_behind.store(is_behind, Ordering::Relaxed);
    }

    /// The first in the queue, for a thread beside which another one waits.
    fn dequeue(&self, crew: &mut Crew) -> Option<Box<Connection>> {
        if crew.waiting == 0 {
            return None;
        }
        let first = crew.queue.pop();
        self.note_queue(crew);
        first
    }

    /// Takes all out of the queue, once the server is stopping.
    pub(super) fn close_queue(&self) -> impl Iterator<Item = Box<Connection>> {
        let mut queue = mem::take(&mut self.crew.lock().queue);
        iter::from_fn(move || queue.pop())
    }

    /// Runs what has come on a connection in a thread of its own, since it must not wait; a
    /// connection that is refused comes back.
    fn run_extra(shared: &Arc<Shared>, connection: Box<Connection>) -> Result<(), Box<Connection>> {
        let refuse = |connection: Box<Connection>| {
            connection.refuse(&Fault::Busy(format!(
                "all its threads run calls, and so do {EXTRA} more, which there are for calls made inside remote functions; try again"
            )));
            Err(connection)
        };
        {
            let mut crew = shared.pool.crew.lock();
            if crew.extra == EXTRA {
                drop(crew);
                return refuse(connection);
            }
            crew.extra += 1;
        }
        let thread = Thread {
            shared: shared.clone(),
            is_extra: true,
        };
        // It is handed over in a place of its own, since a thread that cannot be started drops it.
        let place = Arc::new(Mutex::new(Some(connection)));
        let handed = place.clone();
        let started = Self::spawn(shared, "extra", move || {
            let taken = handed.lock().take();
            if let Some(connection) = taken {
                thread.serve(connection, &mut Runner::default(), Duty::RunOne);
            }
        });
        match started {
            Ok(()) => Ok(()),
            Err(_) => place.lock().take().map_or(Ok(()), refuse),
        }
    }

    fn spawn(
        shared: &Shared,
        number: impl fmt::Display,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        std::thread::Builder::new()
            .name(format!("{} {number}", shared.service.name))
            .stack_size(STACK)
            .spawn(work)?;
        Ok(())
    }

    fn start_thread(shared: &Arc<Shared>) -> io::Result<()> {
        let number = {
            let mut crew = shared.pool.crew.lock();
            if crew.threads == THREADS {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            crew.threads += 1;
            crew.started += 1;
            crew.started
        };
        let thread = Thread {
            shared: shared.clone(),
            is_extra: false,
        };
        Self::spawn(shared, number, move || thread.work())
    }
}

/// One of the threads, which is counted until it is dropped.
struct Thread {
    shared: Arc<Shared>,
    /// `true` if the thread is one beyond the limit.
    is_extra: bool,
}

impl Drop for Thread {
    fn drop(&mut self) {
        let mut crew = self.shared.pool.crew.lock();
        match self.is_extra {
            true => crew.extra -= 1,
            false => crew.threads -= 1,
        }
    }
}

impl Thread {
    fn work(&self) {
        let mut runner = Runner::default();
        while let Some((task, duty)) = self.next() {
            let connection = match task {
                Task::Accept => accept::next(&self.shared),
                Task::Serve(connection) => Some(connection),
            };
            if let Some(connection) = connection {
                self.serve(connection, &mut runner, duty);
            }
        }
    }

    /// Waits for something to do; `None` if the thread is to end.
    fn next(&self) -> Option<(Task, Duty)> {
        let shared = &self.shared;
        let pool = &shared.pool;
        loop {
            pool.refuse_overdue(shared);
            let mut crew = pool.crew.lock();
            if let Some(connection) = pool.dequeue(&mut crew) {
                drop(crew);
                if accept::has_gone(connection.stream()) {
                    pool.end(shared, &connection);
                    continue;
                }
                return Some((Task::Serve(connection), Duty::Serve));
            }
            crew.waiting += 1;
            let patience = crew.queue.until_overdue(Instant::now());
            let patience = patience.or((crew.waiting > SPARE).then_some(KEEP));
            drop(crew);
            // That it cannot wait is as good as that nothing has come.
            let ready = pool.poller.wait(patience).unwrap_or(None);
            let mut crew = pool.crew.lock();
            crew.waiting -= 1;
            let others = crew.waiting;
            drop(crew);
            let task = match ready {
                None if others >= SPARE => return None,
                None => continue,
                Some(QUIT) => {
                    // The next one is told by this one.
                    let _ = pool.poller.again(pool.quit.as_fd(), QUIT);
                    return None;
                }
                Some(LISTENER) => Task::Accept,
                Some(id) => match shared.rouse(id) {
                    Some(connection) => Task::Serve(connection),
                    None => continue,
                },
            };
            let is_last = others == 0 && Pool::start_thread(shared).is_err();
            let duty = if is_last { Duty::Watch } else { Duty::Serve };
            return Some((task, duty));
        }
    }

    /// Serves a connection until it ends or rests.
    fn serve(&self, mut connection: Box<Connection>, runner: &mut Runner, duty: Duty) {
        let shared = &self.shared;
        let ending = Ending {
            shared,
            id: connection.id,
        };
        let left = connection.serve(shared, runner, duty);
        runner.trim();
        let kept = match left {
            Left::Over => Err(connection),
            Left::Resting => shared.rest(connection),
            Left::Waiting if connection.is_urgent() => Pool::run_extra(shared, connection),
            Left::Waiting => shared.pool.enqueue(connection, shared),
        };
        match kept {
            Ok(()) => ending.has_not_come(),
            Err(connection) => shared.pool.forget(&connection),
        }
    }
}

/// Takes a connection off the list when it ends, however that comes.
struct Ending<'s> {
    shared: &'s Shared,
    id: u64,
}

impl Ending<'_> {
    fn has_not_come(self) {
        mem::forget(self);
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.shared.remove(self.id);
    }
}
