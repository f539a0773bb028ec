//! Where clients come in over a network: accepts them, gets to know each on a thread of its own, and
//! lets in whom it knows.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Door, Site, Welcome, tend};
use crate::link::PATIENCE;
use crate::thread;
use crate::transport;

/// How many there may be at once whom nobody knows yet. More wait to be accepted, so that strangers can
/// keep each other waiting, and nobody who is in.
const STRANGERS: usize = 64;

/// How long to leave them waiting when the system has no descriptor to spare.
const RESPITE: Duration = Duration::from_millis(100);

/// Where connections come in that carry bytes.
pub(super) struct StreamDoor {
    listener: Option<TcpListener>,
    welcome: Arc<Welcome>,
    opened: Option<(UnixStream, JoinHandle<()>)>,
}

impl StreamDoor {
    /// One that is shut: who comes waits.
    pub(super) fn new(listener: TcpListener, welcome: Welcome) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener: Some(listener),
            welcome: Arc::new(welcome),
            opened: None,
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
        let keeper = std::thread::Builder::new()
            .name("remotex door".into())
            .spawn(keep)?;
        self.opened = Some((quit, keeper));
        Ok(())
    }
}

impl Drop for StreamDoor {
    fn drop(&mut self) {
        if let Some((quit, keeper)) = self.opened.take() {
            drop(quit);
            // When it has ended, the address is free. Its panic is its end too.
            let _ = keeper.join();
        }
    }
}

fn keep(listener: &TcpListener, quit: &UnixStream, welcome: &Arc<Welcome>, site: &Arc<dyn Site>) {
    let strangers = Arc::new(Strangers::default());
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
                Strangers::add(&strangers, socket)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => {
                // Whoever waited has gone, or there is no descriptor; others must end first.
                let _ = transport::wait(&[quit.as_fd()], Some(RESPITE));
                continue;
            }
        };
        let (welcome, site) = (welcome.clone(), site.clone());
        let meet = move || stranger.meet(&welcome, &*site);
        // Without a thread it is let go.
        let _ = thread::start("remotex stranger", Box::new(meet));
    }
}

/// How many there are whom nobody knows yet.
#[derive(Default)]
struct Strangers {
    number: Mutex<usize>,
    fewer: Condvar,
}

/// One of them, who is counted until this is dropped.
struct Stranger {
    socket: Option<TcpStream>,
    among: Arc<Strangers>,
}

impl Strangers {
    /// Waits until there is room for one more.
    fn add(among: &Arc<Self>, socket: TcpStream) -> Stranger {
        let mut number = among.number.lock();
        // Each of them is done within a bounded time.
        while *number >= STRANGERS {
            among.fewer.wait(&mut number);
        }
        *number += 1;
        Stranger {
            socket: Some(socket),
            among: among.clone(),
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        *self.among.number.lock() -= 1;
        self.among.fewer.notify_one();
    }
}

impl Stranger {
    fn meet(mut self, welcome: &Welcome, site: &dyn Site) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        let whence = socket.peer_addr();
        let known = match tend(&socket) {
            Ok(()) => welcome(socket, Instant::now() + PATIENCE),
            Err(e) => Err(super::why(&e)),
        };
        drop(self);
        match (known, whence) {
            (Ok(stream), _) => site.admit(stream),
            (Err(why), Ok(whence)) => {
                // To the log, which may be on a disk that is full.
                let _ = writeln!(io::stderr(), "{whence} is not let in: {why}");
            }
            // It has gone already.
            (Err(_), Err(_)) => {}
        }
    }
}
