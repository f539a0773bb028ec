//! Takes connections, each to a thread of its own.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Shared, connection};
use crate::link::{Link, PATIENCE};
use crate::transport;
use crate::wire::fault::Fault;

/// How long to leave clients in the queue when the system has no descriptor or thread to spare.
const RESPITE: Duration = Duration::from_millis(100);

/// How many connections there may be beyond `max_connections`: their calls are refused, but a server
/// can always be asked for its status, and to stop.
const RESERVE: usize = 16;

/// The stack of a thread that runs functions, which are used to that of a main thread.
const STACK: usize = 8 * 1024 * 1024;

/// Accepts until `quit` is closed; the listener is of use to a successor.
pub(super) fn run(shared: &Arc<Shared>, listener: UnixListener, quit: &UnixStream) -> UnixListener {
    let mut spare = spare();
    loop {
        match transport::wait(&[quit.as_fd(), listener.as_fd()], None)
            .and_then(|_| listener.accept())
        {
            Ok((stream, _)) => take(shared, stream),
            Err(e) => {
                let respite = match e.kind() {
                    // Whoever waited has been taken; if somebody else woke us, it is `quit`.
                    ErrorKind::WouldBlock
                    | ErrorKind::Interrupted
                    | ErrorKind::ConnectionAborted => Duration::ZERO,
                    // Out of descriptors or memory: others must end first, and end sooner if we
                    // let them. One client is told.
                    _ => {
                        drop(spare.take());
                        if let Ok((stream, _)) = listener.accept() {
                            refuse(shared, stream);
                        }
                        spare = self::spare();
                        RESPITE
                    }
                };
                if transport::wait(&[quit.as_fd()], Some(respite)).unwrap_or(false) {
                    return listener;
                }
            }
        }
    }
}

/// A descriptor that is kept for the moment in which there is no other one.
fn spare() -> Option<OwnedFd> {
    File::open("/dev/null").ok().map(OwnedFd::from)
}

/// Tells a client that there is no descriptor left for it.
fn refuse(shared: &Shared, stream: UnixStream) {
    let link = Link::new(Arc::new(stream));
    let why = "it has no descriptor left for another connection; raise its limit, or see what keeps them open";
    // Whether it hears of it or not, its connection ends.
    let _ = link.send(&shared.hello());
    connection::send_fault(&link, &Fault::Busy(why.into()));
}

/// Whether who is at the other end has closed.
pub(super) fn has_gone(stream: &UnixStream) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|n| n > 0)
        && polled[0]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR)
}

fn take(shared: &Arc<Shared>, stream: UnixStream) {
    // Some systems hand on that the listener does not block.
    if cfg!(not(target_os = "linux")) && stream.set_nonblocking(false).is_err() {
        return;
    }
    // A client that does not read its answers is let go.
    if stream.set_write_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let stream = Arc::new(stream);
    let link = Link::new(stream.clone());
    // The first thing on the wire, before anything is read, let alone run: a connection that ends
    // without it has run nothing. A client that has gone already is noticed when it is read from.
    let _ = link.send(&shared.hello());
    let mut connections = shared.connections.lock();
    if shared.is_stopping() {
        drop(connections);
        shared.say_goodbye(&link, 0);
        return shared.keep_waiting(stream);
    }
    let most = shared.service.max_connections;
    if connections.open.len() >= most.saturating_add(RESERVE) {
        drop(connections);
        return connection::send_fault(&link, &busy());
    }
    let is_busy = connections.open.len() >= most;
    let id = connections.next;
    connections.next += 1;
    connections.open.insert(id, stream.clone());
    drop(connections);
    let ending = Ending {
        shared: shared.clone(),
        id,
    };
    let serving = std::thread::Builder::new()
        .name(format!("{} {id}", shared.service.name))
        .stack_size(STACK)
        .spawn(move || connection::serve(&ending.shared, link, is_busy));
    if serving.is_err() {
        connection::send_fault(&Link::new(stream), &busy());
    }
}

/// To a client that is one too many.
pub(super) fn busy() -> Fault {
    Fault::Busy(
        "it has as many connections as it takes; try again, or raise `.max_connections`".into(),
    )
}

/// Takes a connection off the list when its thread ends, however it does.
struct Ending {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.connections.lock().open.remove(&self.id);
        self.shared.ended.notify_all();
    }
}
