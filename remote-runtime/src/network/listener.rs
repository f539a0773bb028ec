//! Accepts connections over a network, and hands those whose clients have authenticated to the server.
//!
//! One thread does it: a connection waits in the poller until something arrives, and each step of
//! its handshake takes what is there. So neither a silent peer nor one that sends byte by byte
//! holds a thread, and accepting waits for neither.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use super::handshake::{Begin, Handshake};
use super::peer_group::{PeerGroup, PeerGroups};
use super::refusal_log::RefusalLog;
use super::waitlist::Waitlist;
use super::{Door, Keeper, RESPITE, Site, tend, why};
use crate::link::PATIENCE;
use crate::poller::Poller;
use crate::transport;

/// How many connections may be within their handshakes at once.
const MAX_PENDING_HANDSHAKES: usize = 4096;

/// How many connections are accepted before those that have sent something are seen to.
const AT_ONCE: usize = 32;

/// The names of the listening socket and of the request to end in the poller; connections have
/// numbers below.
const LISTENER: u64 = u64::MAX;
const QUIT: u64 = u64::MAX - 1;

/// Accepts connections that carry bytes.
pub(super) struct StreamListener {
    listener: Option<TcpListener>,
    begin: Arc<Begin>,
    keeper: Option<Keeper<UnixStream>>,
}

impl StreamListener {
    /// A listener that accepts nothing before it is opened: clients wait until then.
    pub(super) fn new(listener: TcpListener, begin: Begin) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: Some(listener),
            begin: Arc::new(begin),
            keeper: None,
        })
    }
}

impl Door for StreamListener {
    fn shows_figures(&self) -> bool {
        false
    }

    fn open(&mut self, site: Arc<dyn Site>) -> io::Result<()> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        let (quit, quitted) = UnixStream::pair()?;
        let poller = Poller::new()?;
        poller.add(listener.as_fd(), LISTENER)?;
        poller.add(quitted.as_fd(), QUIT)?;
        let mut pending = PendingHandshakes {
            poller,
            begin: self.begin.clone(),
            site,
            groups: PeerGroups::new(),
            next: 0,
            connections: BTreeMap::new(),
            waitlist: Waitlist::within_descriptors(MAX_PENDING_HANDSHAKES),
            refusals: RefusalLog::default(),
        };
        let keep = move || pending.run(&listener, &quitted);
        self.keeper = Some(Keeper::start("remotex listener", quit, keep)?);
        Ok(())
    }
}

/// The connections that are within their handshakes.
struct PendingHandshakes {
    poller: Poller,
    begin: Arc<Begin>,
    site: Arc<dyn Site>,
    groups: PeerGroups,
    next: u64,
    /// By number, and so in the order of their deadlines.
    connections: BTreeMap<u64, Pending>,
    waitlist: Waitlist<PeerGroup>,
    refusals: RefusalLog,
}

struct Pending {
    socket: TcpStream,
    peer: SocketAddr,
    handshake: Box<dyn Handshake>,
    deadline: Instant,
}

impl PendingHandshakes {
    /// Runs until `quit` ends.
    fn run(&mut self, listener: &TcpListener, quit: &UnixStream) {
        loop {
            let now = Instant::now();
            self.end_overdue(now);
            let oldest = self.connections.first_key_value();
            let patience = oldest.map(|(_, pending)| pending.deadline - now);
            match self.poller.wait(patience) {
                Ok(Some(QUIT)) => return,
                Ok(Some(LISTENER)) => {
                    self.accept(listener, quit);
                    if self.poller.again(listener.as_fd(), LISTENER).is_err() {
                        return;
                    }
                }
                Ok(Some(id)) => self.advance(id),
                Ok(None) => {}
                // The system has no memory for it just now.
                Err(_) => pause(quit),
            }
        }
    }

    fn accept(&mut self, listener: &TcpListener, quit: &UnixStream) {
        for _ in 0..AT_ONCE {
            match listener.accept() {
                // A connection that ends at once needs no line in the log.
                Ok((socket, peer)) => drop(self.add(socket, peer)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => {
                    // The system has no descriptor or no memory for it: another one makes room.
                    match self.waitlist.evict() {
                        Some(id) => self.evict(id),
                        None => pause(quit),
                    }
                    return;
                }
            }
        }
    }

    /// Begins the handshake on a new connection.
    fn add(&mut self, socket: TcpStream, peer: SocketAddr) -> io::Result<()> {
        let group = self.groups.of(socket.local_addr()?, peer);
        let handshake = match (self.begin)(&socket) {
            Ok(handshake) => handshake,
            Err(why) => {
                self.refusals.say(peer, &why);
                return Ok(());
            }
        };
        let id = self.next;
        self.next += 1;
        self.poller.add(socket.as_fd(), id)?;
        let deadline = Instant::now() + PATIENCE;
        let pending = Pending {
            socket,
            peer,
            handshake,
            deadline,
        };
        self.connections.insert(id, pending);
        if let Some(evicted) = self.waitlist.add(id, group) {
            self.evict(evicted);
        }
        Ok(())
    }

    /// Goes on with the handshake of a connection on which something has arrived.
    fn advance(&mut self, id: u64) {
        let Some(pending) = self.connections.get_mut(&id) else {
            return;
        };
        match pending.handshake.advance(&pending.socket) {
            Ok(false) => match self.poller.again(pending.socket.as_fd(), id) {
                Ok(()) => {}
                Err(e) => self.refuse(id, &why(&e)),
            },
            Ok(true) => self.admit(id),
            Err(why) => self.refuse(id, &why),
        }
    }

    /// Hands a connection to the server, since its client has authenticated.
    fn admit(&mut self, id: u64) {
        let Some(Pending {
            socket, handshake, ..
        }) = self.remove(id)
        else {
            return;
        };
        // One that cannot be tended has ended.
        if tend(&socket).is_ok()
            && let Some(stream) = handshake.finish(socket)
        {
            self.site.admit(stream);
        }
    }

    fn refuse(&mut self, id: u64, why: &str) {
        if let Some(pending) = self.remove(id) {
            self.refusals.say(pending.peer, why);
        }
    }

    fn evict(&mut self, id: u64) {
        self.refuse(
            id,
            "it makes room for others, since too many connections wait to be let in",
        );
    }

    fn end_overdue(&mut self, now: Instant) {
        while let Some((&id, pending)) = self.connections.first_key_value()
            && pending.deadline <= now
        {
            self.refuse(id, &why(&io::ErrorKind::TimedOut.into()));
        }
    }

    fn remove(&mut self, id: u64) -> Option<Pending> {
        self.waitlist.remove(id);
        let pending = self.connections.remove(&id)?;
        self.poller.forget(pending.socket.as_fd());
        Some(pending)
    }
}

/// Waits a moment for others to end, but not beyond the end of the listener.
fn pause(quit: &UnixStream) {
    // However it ends, it was a pause.
    let _ = transport::wait(&[quit.as_fd()], Some(RESPITE));
}
