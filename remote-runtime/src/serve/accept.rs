//! Takes connections, and greets them.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Connection, send_fault};
use super::{Shared, goodbye};
use crate::link::{Link, PATIENCE};
use crate::poller::is_unread;
use crate::transport::Stream;
use crate::wire::fault::Fault;

/// How long to leave clients in the queue when the system has no descriptor to spare.
const RESPITE: Duration = Duration::from_millis(100);

/// How many connections there may be beyond `max_connections`: their calls are refused, but a server
/// can always be asked for its status, and to stop.
const RESERVE: usize = 16;

/// Takes the next connection, if there is one that is to be served.
pub(super) fn next(shared: &Shared) -> Option<Box<Connection>> {
    let accepted = shared.pool.accept();
    if let Err(e) = &accepted
        && !matches!(
            e.kind(),
            // Whoever waited has gone, or was taken by another thread.
            ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted
        )
    {
        // Out of descriptors or memory: others must end first, and end sooner if we let them. One
        // client is told.
        drop(shared.spare.lock().take());
        if let Ok(stream) = shared.pool.accept() {
            refuse(shared, stream);
        }
        *shared.spare.lock() = spare();
        shared.pool.pause(RESPITE);
    }
    shared.pool.accept_again();
    take(shared, accepted.ok()?)
}

/// A descriptor that is kept for the moment in which there is no other one.
pub(super) fn spare() -> Option<OwnedFd> {
    File::open("/dev/null").ok().map(OwnedFd::from)
}

/// Tells a client that there is no descriptor left for it.
fn refuse(shared: &Shared, stream: Stream) {
    let link = Link::new(Arc::new(stream));
    let why = "it has no descriptor left for another connection; raise its limit, or see what keeps them open";
    // Whether it hears of it or not, its connection ends.
    let _ = link.send(&shared.hello);
    send_fault(&link, &Fault::Busy(why.into()));
}

/// Returns true if the peer has closed.
pub(super) fn has_gone(stream: &Stream) -> bool {
    stream.socket().is_ok_and(is_unread)
}

/// Serves a connection that was made elsewhere, once something comes over it.
pub(super) fn admit(shared: &Shared, stream: Stream) {
    let Some(connection) = take(shared, stream) else {
        return;
    };
    let id = connection.id;
    if let Err(connection) = shared.rest(connection) {
        shared.pool.forget(&connection);
        shared.remove(id);
    }
}

fn take(shared: &Shared, stream: Stream) -> Option<Box<Connection>> {
    // A client that does not read its answers is let go.
    stream.set_write_timeout(PATIENCE).ok()?;
    let stream = Arc::new(stream);
    let link = Link::new(stream.clone());
    // The first thing on the wire, before anything is read, let alone run: a connection that ends
    // without it has run nothing.
    let hello = match link.stream().is_far() {
        true => &shared.far_hello,
        false => &shared.hello,
    };
    let mut connections = shared.connections.lock();
    if shared.is_stopping() {
        drop(connections);
        // At once, since the process may end in between: over a network, who has heard a hello and no
        // goodbye has to take its call for one that may have run.
        let _ = link.send(&[&hello[..], &goodbye(0)].concat());
        shared.keep_waiting(stream);
        return None;
    }
    let most = shared.service.max_connections;
    let is_extra = connections.open.len() >= most;
    if connections.open.len() >= most.saturating_add(RESERVE) {
        drop(connections);
        let _ = link.send(hello);
        send_fault(&link, &too_many());
        return None;
    }
    // Register before the hello, so that shutdown waits until this client has its goodbye.
    let (id, tally) = connections.add(stream);
    drop(connections);
    // First, since it notes the time before which the client has sent nothing.
    let connection = Box::new(Connection::new(id, link, tally, is_extra));
    connection.say_hello(hello);
    Some(connection)
}

/// To a client that is one too many.
pub(super) fn too_many() -> Fault {
    Fault::Busy(
        "it has as many connections as it takes; try again, or raise `.max_connections`".into(),
    )
}
