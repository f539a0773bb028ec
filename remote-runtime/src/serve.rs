//! Serves a table of functions on a listening socket, until it is asked to stop.
//!
//! A connection on which something happens has a thread that reads, runs and writes; one that rests
//! has none: a poller tells when it goes on, and when another one comes. The thread that began waits
//! for a reason to stop: a signal, a client's request, or a long time without a call.
//!
//! The end has an order, so that no caller sees it. First every connection says
//! [`Goodbye`](Kind::Goodbye) when it is done with the call that it runs. Who connects from then on
//! is told the same, and kept waiting until all is over and the socket is gone: when the kernel
//! closes its connection, it may look for another server.

mod accept;
mod awake;
mod connection;
mod connections;
mod identity;
mod panic;
mod pool;
mod queue;
mod replies;
mod report;
mod run;
mod service;
mod signals;
mod taken;
mod tally;

pub(crate) use awake::Awake;
pub use awake::KeepAwake;
pub(crate) use panic::caught;
pub(crate) use service::{Footing, Service};

use std::io::{self, Write};
use std::mem;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use crate::link::Link;
use crate::network::Site;
use crate::session::{self, Sessions};
use crate::transport::{self, Bound, Stream};
use crate::wire::ending::Ending;
#[cfg(feature = "http")]
use crate::wire::report::Report;
use crate::wire::{Kind, frame};
use connection::Connection;
use connections::{Connections, Listed};
use identity::Compared;
use pool::Pool;
use replies::ReplyCache;
use tally::Total;

/// How often a server sees to what nobody tells it of: files far above its own.
const TENDING: Duration = Duration::from_secs(60);

/// The same, where nobody tells it of its own files either, or its log's disk is full.
const LOOKING: Duration = Duration::from_secs(1);

/// How long the calls that run may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A service that runs. Dropping it lets go those who wait for its end.
#[derive(Debug)]
pub(crate) struct Host {
    shared: Arc<Shared>,
    /// Readable when there is a reason to stop.
    asked: UnixStream,
    /// Closed to end the threads that wait.
    _quit: UnixStream,
    /// Signals ask to stop for as long as it is there.
    signals: Option<signals::Watch>,
}

/// What the threads of a service share.
#[derive(Debug)]
struct Shared {
    service: Service,
    /// What each connection begins with, and each that may lead beyond this machine.
    hello: Vec<u8>,
    far_hello: Vec<u8>,
    replies: Arc<ReplyCache>,
    compared: Compared,
    started: (Instant, SystemTime),
    pool: Pool,
    sessions: Arc<Sessions>,
    connections: Mutex<Connections>,
    /// Signalled when a connection ends.
    ended: Condvar,
    stopping: AtomicBool,
    /// Those who have called too late, and wait until a successor can start; `None` once it can.
    waiting: Mutex<Option<Vec<Arc<Stream>>>>,
    /// Those who have asked for the end, and wait for it.
    asking: Mutex<Vec<Arc<Stream>>>,
    /// Who goes on with the socket after the end.
    heir: Mutex<Option<Arc<Stream>>>,
    /// Written to when a client asks to stop.
    ask: UnixStream,
    /// A descriptor for the moment in which there is no other one.
    spare: Mutex<Option<OwnedFd>>,
}

impl Host {
    /// Begins to serve, and to listen on `socket`, if there is one. Without it, connections come by
    /// [`site`](Self::site) alone.
    pub(crate) fn begin(service: Service, socket: Option<Bound>) -> io::Result<Self> {
        panic::install_hook();
        panic::answer_exits()?;
        let (ask, asked) = UnixStream::pair()?;
        // Once somebody has asked, nobody reads it any more.
        ask.set_nonblocking(true)?;
        let (quit, quitted) = UnixStream::pair()?;
        let signals = signals::Watch::begin(&ask)?;
        let listener = socket.map(Bound::listen).transpose()?;
        if let Some(listener) = &listener {
            listener.set_nonblocking(true)?;
        }
        let pool = Pool::new(listener, quitted)?;
        let instance = u64::from_le_bytes(session::random()?);
        let sessions = Sessions::new(service.name, service.grace, service.max_references)?;
        let shared = Arc::new(Shared {
            hello: service.hello(None),
            far_hello: service.hello(Some(instance)),
            replies: Arc::new(ReplyCache::new(instance)),
            compared: Compared::default(),
            service,
            started: (Instant::now(), SystemTime::now()),
            pool,
            sessions: Arc::new(sessions),
            connections: Mutex::default(),
            ended: Condvar::new(),
            stopping: AtomicBool::new(false),
            waiting: Mutex::new(Some(Vec::new())),
            asking: Mutex::default(),
            heir: Mutex::default(),
            ask,
            spare: Mutex::new(accept::spare()),
        });
        Pool::begin(&shared)?;
        Ok(Self {
            shared,
            asked,
            _quit: quit,
            signals: Some(signals),
        })
    }

    /// What a way in over a network leads to.
    pub(crate) fn site(&self) -> Arc<dyn Site> {
        self.shared.clone()
    }

    /// Waits for a reason to stop, and returns it in words.
    pub(crate) fn wait(&self, footing: &dyn Footing) -> io::Result<&'static str> {
        loop {
            let idle = self.shared.until_idle();
            if idle.is_some_and(|idle| idle.is_zero()) {
                return Ok("nobody has called for as long as its idle timeout");
            }
            if let Some(why) = footing.is_lost() {
                return Ok(why);
            }
            let tended = footing.tend();
            let pause = match footing.is_pressed() {
                true => LOOKING,
                false => TENDING,
            };
            let sessions = &self.shared.sessions;
            // First, since it takes the requests to look again.
            let swept = sessions.sweep();
            let next = [Some(pause), tended, idle, swept, self.shared.end_overdue()];
            let on = [
                Some(self.asked.as_fd()),
                Some(sessions.woken()),
                footing.changes(),
                footing.printed(),
            ];
            let on: Vec<_> = on.into_iter().flatten().collect();
            transport::wait(&on, next.into_iter().flatten().min())?;
            if transport::wait(&[self.asked.as_fd()], Some(Duration::ZERO))? {
                if let Some(signals) = &self.signals {
                    signals.settle();
                }
                return Ok("it was asked to");
            }
        }
    }

    /// Lets the calls that run come to their end, and takes no more.
    ///
    /// Calls that take longer than a grace period are given up: they may still run, but nobody is
    /// told how they end, so that nothing is promised that `on_stop` does not see.
    pub(crate) fn drain(&self) {
        let shared = &self.shared;
        let deadline = Instant::now() + GRACE;
        shared.close();
        let mut connections = shared.connections.lock();
        while !connections.open.is_empty() {
            if shared
                .ended
                .wait_until(&mut connections, deadline)
                .timed_out()
            {
                for connection in connections.open.values() {
                    // Of one that has closed there is nothing to give up.
                    let _ = connection.stream.shutdown(Shutdown::Both);
                }
                return;
            }
        }
    }

    /// Lets signals have their default action again.
    pub(crate) fn unwatch_signals(&mut self) {
        self.signals = None;
    }

    /// Whether clients hold anything.
    pub(crate) fn is_held(&self) -> bool {
        self.shared.sessions.has_any()
    }

    /// Lets go of what clients hold: nobody is going to ask for it any more.
    pub(crate) fn release(&self) {
        self.shared.sessions.clear();
    }

    /// Tells those who have asked for the end how the saving of the state went.
    pub(crate) fn tell(&self, ending: &Ending) {
        self.shared.tell(ending);
    }

    /// Returns a function that tells them the same from another thread, while the service is there.
    pub(crate) fn teller(&self) -> impl Fn(&Ending) + Send + 'static {
        let shared = Arc::downgrade(&self.shared);
        move |ending| {
            if let Some(shared) = shared.upgrade() {
                shared.tell(ending);
            }
        }
    }

    /// Ends accepting, and hands the socket and `lock` to who has asked to go on with them; `false` if
    /// nobody has, or has gone.
    pub(crate) fn hand_over(&mut self, lock: BorrowedFd<'_>) -> bool {
        let Some(heir) = self.shared.heir.lock().take() else {
            return false;
        };
        let Some(listener) = self.shared.pool.stop_accepting() else {
            return false;
        };
        let handover = frame::of(Kind::Handover, |_| ());
        let descriptors = [lock, listener.as_fd()];
        let near = heir.near();
        near.and_then(|heir| transport::send_with(heir, &handover, &descriptors))
            .is_ok()
    }

    /// Leaves it to the kernel to let go those who have asked for the end, which is that of the process.
    pub(crate) fn end_with_process(self) {
        mem::forget(mem::take(&mut *self.shared.asking.lock()));
    }
}

impl Site for Shared {
    fn admit(&self, stream: Stream) {
        accept::admit(self, stream);
    }

    #[cfg(feature = "http")]
    fn name(&self) -> (&'static str, &str) {
        (self.service.name, &self.service.key)
    }

    #[cfg(feature = "http")]
    fn limit(&self) -> usize {
        self.service.limit
    }

    #[cfg(feature = "http")]
    fn report(&self) -> Report {
        Self::report(self)
    }

    #[cfg(feature = "http")]
    fn is_stopping(&self) -> bool {
        Self::is_stopping(self)
    }

    #[cfg(feature = "http")]
    fn table(&self) -> &crate::function::Table {
        &self.service.table
    }

    #[cfg(feature = "http")]
    fn figures(&self) -> Option<&crate::figures::Figures> {
        self.service.figures.as_ref()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.shared.pool.stop_accepting());
        let waiting = self.shared.waiting.lock().take().unwrap_or_default();
        let asking = mem::take(&mut *self.shared.asking.lock());
        for stream in waiting.iter().chain(&asking) {
            // A process that a function has forked may hold it open. One that is closed is let go.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// What ends a connection of which `taken` calls were taken.
fn goodbye(taken: u64) -> Vec<u8> {
    frame::of(Kind::Goodbye, |out| out.extend(taken.to_le_bytes()))
}

impl Shared {
    /// Takes no more calls from here on.
    fn close(&self) {
        let connections = self.connections.lock();
        self.stopping.store(true, Ordering::Release);
        for connection in connections.open.values() {
            // Who serves it reads what has come until now, then the end; one that rests is roused by
            // that. An error means that the client has closed, which has the same effect.
            let _ = connection.stream.shutdown(Shutdown::Read);
        }
        drop(connections);
        for connection in self.pool.close_queue() {
            connection.say_goodbye(self);
            self.pool.forget(&connection);
            self.remove(connection.id);
        }
    }

    /// Lets a connection rest, on which nothing comes for now; one that cannot comes back.
    fn rest(&self, mut connection: Box<Connection>) -> Result<(), Box<Connection>> {
        connection.rest();
        let (id, stream) = (connection.id, connection.stream().clone());
        let is_known = mem::replace(&mut connection.is_watched, true);
        let mut connections = self.connections.lock();
        let Some(listed) = connections.open.get_mut(&id) else {
            return Err(connection);
        };
        listed.unfinished = connection.unfinished();
        let is_unfinished = listed.unfinished.is_some();
        listed.resting = Some(connection);
        let wakes = is_unfinished && connections.wants_tending();
        drop(connections);
        if wakes {
            self.sessions.wake();
        }
        // From here on another thread may have it already.
        let watched = stream.socket();
        match watched.and_then(|socket| self.pool.watch(socket, id, is_known)) {
            Ok(()) => Ok(()),
            Err(_) => self.rouse(id).map_or(Ok(()), |connection| {
                connection.say_goodbye(self);
                Err(connection)
            }),
        }
    }

    /// Ends connections whose clients have owed a hello, or the rest of a message, for too long;
    /// returns how long until there may be another one, if any client owes something.
    fn end_overdue(&self) -> Option<Duration> {
        self.connections.lock().end_overdue()
    }

    /// Takes a connection that goes on from its rest.
    fn rouse(&self, id: u64) -> Option<Box<Connection>> {
        self.connections.lock().open.get_mut(&id)?.resting.take()
    }

    /// Takes a connection that has ended off the list.
    fn remove(&self, id: u64) {
        let mut connections = self.connections.lock();
        if let Some(Listed { tally, .. }) = connections.open.remove(&id) {
            connections.past = connections.past.with(&tally);
        }
        drop(connections);
        self.ended.notify_all();
    }

    /// Whether there are more connections than it takes.
    fn is_crowded(&self) -> bool {
        self.connections.lock().open.len() > self.service.max_connections
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// How long the server may still be idle; zero when that is over, `None` if for ever.
    fn until_idle(&self) -> Option<Duration> {
        let allowed = self.service.idle_timeout?;
        let Total {
            running, last_use, ..
        } = self.connections.lock().total();
        let awake = self.service.awake;
        let released = self.sessions.unused_since();
        let Some(released) = released.filter(|_| running == 0 && !awake.is_held()) else {
            return Some(allowed);
        };
        let released = awake.released().map_or(released, |at| at.max(released));
        let unused = self.started.0.elapsed();
        let unused = unused.saturating_sub(Duration::from_millis(last_use));
        Some(allowed.saturating_sub(unused.min(released.elapsed())))
    }

    /// Says goodbye on a connection of which `taken` calls were taken.
    fn say_goodbye(&self, link: &Link, taken: u64) {
        // A client that has gone needs no goodbye.
        let _ = link.send(&goodbye(taken));
    }

    /// Tells those who have asked for the end how the saving of the state went, if any is saved.
    fn tell(&self, ending: &Ending) {
        if !self.service.saves {
            return;
        }
        let frame = frame::of(Kind::Stopping, |out| ending.put(out));
        for stream in &*self.asking.lock() {
            // One that has gone does not want to know.
            let _ = Link::new(stream.clone()).send(&frame);
        }
    }

    /// Begins to stop.
    fn ask_to_stop(&self) {
        // If it is full, somebody has asked already.
        let _ = (&self.ask).write(&[1]);
    }

    /// Keeps a connection that has come too late open until a successor can start, or its client has
    /// gone.
    fn keep_waiting(&self, stream: Arc<Stream>) {
        if let Some(waiting) = &mut *self.waiting.lock() {
            waiting.retain(|stream| !accept::has_gone(stream));
            waiting.push(stream);
        }
    }
}
