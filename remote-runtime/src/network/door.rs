//! Where clients come in over a network: accepts them, gets to know each on a thread of its own, and
//! lets in whom it knows.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Door, Keeper, RESPITE, Site, Welcome, tend};
use crate::link::PATIENCE;
use crate::thread;
use crate::transport;

/// How many there may be at once whom nobody knows yet.
const STRANGERS: usize = 64;

/// For how long each of them is heard in any case, if others wait.
const HEARING: Duration = Duration::from_secs(1);

/// How long the log is told of nobody else who is not let in for the same reason.
const SILENCE: Duration = Duration::from_secs(1);

/// Where connections come in that carry bytes.
pub(super) struct StreamDoor {
    listener: Option<TcpListener>,
    welcome: Arc<Welcome>,
    keeper: Option<Keeper<UnixStream>>,
}

impl StreamDoor {
    /// One that is shut: who comes waits.
    pub(super) fn new(listener: TcpListener, welcome: Welcome) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: Some(listener),
            welcome: Arc::new(welcome),
            keeper: None,
        })
    }
}

impl Door for StreamDoor {
    fn shows_figures(&self) -> bool {
        false
    }

    fn open(&mut self, site: Arc<dyn Site>) -> io::Result<()> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        let (quit, quitted) = UnixStream::pair()?;
        let welcome = self.welcome.clone();
        let keep = move || keep(&listener, &quitted, &welcome, &site);
        self.keeper = Some(Keeper::start("remotex door", quit, keep)?);
        Ok(())
    }
}

fn keep(listener: &TcpListener, quit: &UnixStream, welcome: &Arc<Welcome>, site: &Arc<dyn Site>) {
    let strangers = Arc::new(Strangers::default());
    let mut ids = 0..;
    while transport::wait(&[listener.as_fd(), quit.as_fd()], None).is_ok() {
        if transport::wait(&[quit.as_fd()], Some(Duration::ZERO)).unwrap_or(true) {
            return;
        }
        let stranger = match listener.accept() {
            Ok((socket, _)) => {
                // Some systems hand on that the listener does not block; what fails here fails later.
                if cfg!(not(target_os = "linux")) {
                    let _ = socket.set_nonblocking(false);
                }
                Strangers::add(&strangers, ids.next().unwrap_or_default(), socket)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => {
                // Whoever waited has gone, or there is no descriptor; others must end first.
                let _ = transport::wait(&[quit.as_fd()], Some(RESPITE));
                continue;
            }
        };
        // Without a descriptor or a thread it is let go.
        let Ok(stranger) = stranger else { continue };
        let (welcome, site) = (welcome.clone(), site.clone());
        let meet = move || stranger.meet(&welcome, &*site);
        let _ = thread::start("remotex stranger", Box::new(meet));
    }
}

/// Those whom nobody knows yet.
#[derive(Default)]
struct Strangers {
    /// The oldest first.
    waiting: Mutex<VecDeque<Waiting>>,
    /// Signalled when there is one less.
    fewer: Condvar,
    refused: Mutex<Refused>,
}

/// How one of them is put out.
struct Waiting {
    id: u64,
    since: Instant,
    socket: TcpStream,
}

/// One of them, who is among them until this is dropped.
struct Stranger {
    id: u64,
    socket: Option<TcpStream>,
    among: Arc<Strangers>,
}

impl Strangers {
    /// Adds one. If there are too many, this waits, and the oldest one is put out once it has had its time:
    /// many who come at once do not put each other out.
    fn add(among: &Arc<Self>, id: u64, socket: TcpStream) -> io::Result<Stranger> {
        let own = socket.try_clone()?;
        let mut waiting = among.waiting.lock();
        while waiting.len() >= STRANGERS
            && let Some(oldest) = waiting.front()
        {
            let left = HEARING.saturating_sub(oldest.since.elapsed());
            if left.is_zero() {
                // Who has gone by now need not be put out.
                let _ = oldest.socket.shutdown(Shutdown::Both);
                waiting.pop_front();
            } else {
                among.fewer.wait_for(&mut waiting, left);
            }
        }
        waiting.push_back(Waiting {
            id,
            since: Instant::now(),
            socket: own,
        });
        let (socket, among) = (Some(socket), among.clone());
        Ok(Stranger { id, socket, among })
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut waiting = self.among.waiting.lock();
        waiting.retain(|waiting| waiting.id != self.id);
        drop(waiting);
        self.among.fewer.notify_one();
    }
}

impl Stranger {
    fn meet(mut self, welcome: &Welcome, site: &dyn Site) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        let among = self.among.clone();
        let whence = socket.peer_addr();
        let known = match tend(&socket) {
            Ok(()) => welcome(socket, Instant::now() + PATIENCE),
            Err(e) => Err(super::why(&e)),
        };
        drop(self);
        match (known, whence) {
            (Ok(stream), _) => site.admit(stream),
            (Err(why), Ok(whence)) => among.refused.lock().say(whence, &why),
            // It has gone already.
            (Err(_), Err(_)) => {}
        }
    }
}

/// Why somebody was not let in, as far as the log is told: who comes again and again does not fill it.
#[derive(Default)]
struct Refused(Vec<Reason>);

struct Reason {
    why: String,
    said: Instant,
    /// How many have come with it since.
    unsaid: usize,
}

/// How many reasons are told apart.
const REASONS: usize = 16;

impl Refused {
    fn say(&mut self, whence: SocketAddr, why: &str) {
        let Self(reasons) = self;
        let mut others = String::new();
        if let Some(reason) = reasons.iter_mut().find(|reason| reason.why == why) {
            if reason.said.elapsed() < SILENCE {
                reason.unsaid += 1;
                return;
            }
            if reason.unsaid > 0 {
                others = format!("; {} others since the last line like this", reason.unsaid);
            }
            (reason.said, reason.unsaid) = (Instant::now(), 0);
        } else {
            if reasons.len() == REASONS {
                reasons.remove(0);
            }
            reasons.push(Reason {
                why: why.to_owned(),
                said: Instant::now(),
                unsaid: 0,
            });
        }
        // To the log, which may be on a disk that is full.
        let _ = writeln!(io::stderr(), "{whence} is not let in: {why}{others}");
    }
}
