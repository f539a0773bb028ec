//! What a service manager does for a server that it starts: it listens, and is told how the server
//! is. This is systemd's protocol, `sd_listen_fds(3)` and `sd_notify(3)`; without it nothing differs.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;

use crate::transport::Bound;

/// The socket at `path`, if this process was started to serve it.
///
/// # Errors
/// Where the socket lies that it was started with instead.
pub(crate) fn activated(path: &Path) -> Result<Option<Bound>, PathBuf> {
    let mut given = ListenFd::from_env();
    let mut other = None;
    for at in 0..given.len() {
        // What is no such socket was meant for somebody else.
        let Ok(Some(listener)) = given.take_unix_listener(at) else {
            continue;
        };
        let its = listener.local_addr().ok();
        match its.as_ref().and_then(|address| address.as_pathname()) {
            Some(its) if is_same(its, path) => {
                return Ok(Some(Bound::handed_over(OwnedFd::from(listener))));
            }
            its => other = its.map(Path::to_owned),
        }
    }
    other.map_or(Ok(None), Err)
}

/// Whether both paths lead to one file, however they are written.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b
        || a.canonicalize()
            .is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// Tells the manager, if there is one that wants to know.
pub(crate) fn notify(state: &str) {
    if let Some(socket) = env::var_os("NOTIFY_SOCKET") {
        // A manager that cannot be told finds out by itself.
        let _ = send(socket.as_bytes(), state);
    }
}

fn send(socket: &[u8], state: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    match socket {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            sender.send_to_addr(state.as_bytes(), &address)?;
        }
        path => {
            let path = Path::new(std::ffi::OsStr::from_bytes(path));
            sender.send_to(state.as_bytes(), path)?;
        }
    }
    Ok(())
}
