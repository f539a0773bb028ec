//! What a service manager does for a server that it starts: it listens, and is told how the server
//! is. This is systemd's protocol, `sd_listen_fds(3)` and `sd_notify(3)`; without it nothing differs.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::net::{SocketAddrUnix, getsockname};

use crate::transport::Bound;

/// The first descriptor that a manager hands over.
const FIRST: RawFd = 3;

/// More than any manager does.
const MOST: RawFd = 1024;

/// The socket at `path`, if this process was started with it. Those at other paths are left to the
/// program.
pub(crate) fn activated(path: &Path) -> Option<Bound> {
    given().find_map(|given| {
        let is_ours = listens_at(given).is_some_and(|at| is_same(&at, path));
        is_ours.then(|| taken(given))?.map(Bound::handed_over)
    })
}

/// The path of a socket that this process was started with and that looks like one of another key of
/// the server of that name.
pub(crate) fn misplaced(name: &str) -> Option<PathBuf> {
    given().find_map(|given| {
        let path = listens_at(given)?;
        let rest = path.file_name()?.to_str()?.strip_prefix(name)?;
        let is_its = rest == ".sock" || rest.starts_with('@');
        is_its.then_some(path)
    })
}

/// The listener at that port, if this process was started with one. Those at other ports are left to the
/// program.
pub(crate) fn activated_at(port: u16) -> Option<TcpListener> {
    given().find_map(|given| {
        listens_at_network(given).filter(|at| at.port() == port)?;
        taken(given).map(TcpListener::from)
    })
}

/// A descriptor of ours for what this process was started with.
fn taken(given: BorrowedFd<'_>) -> Option<OwnedFd> {
    let ours = fcntl_dupfd_cloexec(given, 0).ok()?;
    // It is none of a child's either; if that cannot be, it is as the manager has left it.
    let _ = fcntl_setfd(given, FdFlags::CLOEXEC);
    Some(ours)
}

/// The paths of sockets that this process was started with, none of which is `path`, and the addresses of
/// those that are not at `port`.
pub(crate) fn left_alone(path: &Path, port: Option<u16>) -> impl Iterator<Item = String> {
    given().filter_map(move |given| match listens_at(given) {
        Some(at) => (!is_same(&at, path)).then(|| at.display().to_string()),
        None => listens_at_network(given)
            .filter(|at| Some(at.port()) != port)
            .map(|at| at.to_string()),
    })
}

/// How often the manager wants to hear that this process is well; it gives up after twice as long.
pub(crate) fn watchdog() -> Option<Duration> {
    let is_for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == i64::from(process::id()));
    let micros = number("WATCHDOG_USEC").filter(|&micros| is_for_us && micros > 0)?;
    Some(Duration::from_micros(micros.unsigned_abs() / 2))
}

/// The descriptors that this process was started with.
fn given() -> impl Iterator<Item = BorrowedFd<'static>> {
    let is_for_us = number("LISTEN_PID") == Some(process::id().into());
    let many = number("LISTEN_FDS").filter(|_| is_for_us).unwrap_or(0);
    let many = RawFd::try_from(many).unwrap_or(0).clamp(0, MOST);
    // SAFETY: whoever set these variables for this very process has left these descriptors open in
    // it, and nobody closes what is not theirs.
    (FIRST..FIRST + many).map(|descriptor| unsafe { BorrowedFd::borrow_raw(descriptor) })
}

#[inline(never)]
fn number(variable: &str) -> Option<i64> {
    env::var(variable).ok()?.parse().ok()
}

fn listens_at(socket: BorrowedFd<'_>) -> Option<PathBuf> {
    let address = SocketAddrUnix::try_from(getsockname(socket).ok()?).ok()?;
    let path = Path::new(std::ffi::OsStr::from_bytes(address.path_bytes()?));
    is_listener(socket).then(|| path.to_owned())
}

fn listens_at_network(socket: BorrowedFd<'_>) -> Option<SocketAddr> {
    let address = SocketAddr::try_from(getsockname(socket).ok()?).ok()?;
    is_listener(socket).then_some(address)
}

fn is_listener(socket: BorrowedFd<'_>) -> bool {
    #[cfg(not(target_vendor = "apple"))]
    let is_listener = rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false);
    #[cfg(target_vendor = "apple")]
    let is_listener = is_without_peer(socket);
    is_listener
}

/// Returns true for a stream socket that has no peer. On macOS, which does not tell whether a socket
/// listens, this stands for it: it leaves out connections, which have their listener's path.
#[cfg(any(test, target_vendor = "apple"))]
fn is_without_peer(socket: BorrowedFd<'_>) -> bool {
    use rustix::net::sockopt::socket_type;
    use rustix::net::{SocketType, getpeername};

    socket_type(socket) == Ok(SocketType::STREAM)
        && matches!(getpeername(socket), Err(rustix::io::Errno::NOTCONN))
}

/// Whether both paths lead to one file, however they are written.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b
        || a.canonicalize().is_ok_and(|a| {
            b.canonicalize()
                .is_ok_and(|b| a.as_os_str() == b.as_os_str())
        })
}

/// Tells the manager what has changed, if there is one that wants to know.
pub(crate) fn notify(state: &str) {
    tell(state, CHANGE);
}

/// Tells the manager that this process is well.
pub(crate) fn notify_well() {
    tell("WATCHDOG=1", WELL);
}

/// How long to wait for a manager that does not read. Without the message, it would wait for the change
/// in vain.
const CHANGE: Duration = Duration::from_secs(1);

/// The same, of what comes again soon.
const WELL: Duration = Duration::from_millis(1);

fn tell(state: &str, patience: Duration) {
    if let Some(socket) = env::var_os("NOTIFY_SOCKET") {
        // A manager that cannot be told finds out by itself.
        let _ = send(socket.as_bytes(), state, patience);
    }
}

fn send(socket: &[u8], state: &str, patience: Duration) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.set_write_timeout(Some(patience))?;
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

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn of_sockets_that_have_one_address_the_listener_alone_is_without_a_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let datagrams = UnixDatagram::unbound().unwrap();
        assert_eq!(
            accepted.local_addr().unwrap(),
            listener.local_addr().unwrap()
        );
        for (socket, listens) in [
            (listener.as_fd(), true),
            (client.as_fd(), false),
            (accepted.as_fd(), false),
            (datagrams.as_fd(), false),
        ] {
            assert_eq!(is_without_peer(socket), listens);
            assert_eq!(is_listener(socket), listens);
        }
    }
}
