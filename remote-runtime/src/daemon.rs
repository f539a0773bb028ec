//! How a server comes to be when nobody has started it: its own program, in the background.
//!
//! Two locks make it one server, however many processes call at once. `NAME.start` is held while a
//! server starts: by the caller that starts it, and by the server itself until it is ready. The
//! others wait for it in the kernel, and then find the server. `NAME.lock` is taken by that caller
//! too, and handed to the server together with its socket: it is held for exactly as long as the
//! server lives, and who holds it may remove the socket that a dead one left.
//!
//! Nothing here knows of calls or functions.

mod changes;
mod circle;
mod environment;
pub(crate) mod handover;
mod launch;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod manager;
pub(crate) mod note;
pub(crate) mod place;
pub(crate) mod trial;

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::address::Files;
use crate::error::{Call, Error};
use crate::link::PATIENCE;
use crate::program::Scope;
use crate::transport::{Bound, Peer, Stream};
use crate::{explain, paths, testing, transport};
pub(crate) use circle::ByHand;
use lock::Lock;

/// Which server is started, and what it keeps of the environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which<'a> {
    pub(crate) name: &'a str,
    /// Empty if there is one server of that name only.
    pub(crate) key: &'a str,
    /// Variables beyond those that every server keeps.
    pub(crate) env: &'a [&'a str],
    /// The program that becomes it; `None` if it is the one that this process runs.
    pub(crate) program: Option<&'a Path>,
    /// The variable that tells it where it is, if that is not where it would be by itself.
    pub(crate) moved: Option<(&'a str, &'a OsStr)>,
    /// The programs that share it, if it has no address of its own.
    pub(crate) scope: &'a Scope,
    /// `true` if it ends with this process, which is a test.
    pub(crate) is_for_test: bool,
}

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, key, .. } = self;
        match *key {
            "" => f.write_str(name),
            key => write!(f, "{name} {key}"),
        }
    }
}

/// Starts the server, unless it runs by now, and connects. Others may be starting it, or be waiting for
/// one to end so that they can; all of that takes until `deadline` at the most.
pub(crate) fn start(
    call: Call<'_>,
    which: Which<'_>,
    files: &Files,
    deadline: Instant,
) -> Result<Stream, Error> {
    loop {
        let starting = begin(call, files, deadline)?;
        if let Some(stream) = connect(call, files, PATIENCE)? {
            return Ok(stream);
        }
        let given = match prepare(call, files, starting, deadline) {
            Err(e) if is_gone(&e, deadline) => continue,
            prepared => prepared?,
        };
        launch::launch(call, which, given, files.logs(), deadline)?;
        if let Some(stream) = connect(call, files, PATIENCE)? {
            return Ok(stream);
        }
        // It has started, and somebody has stopped it at once.
        if Instant::now() > deadline {
            return Err(Error::TimedOut(
                call.trouble("each server that has started was stopped at once"),
            ));
        }
    }
}

/// Keeps all others from starting the server.
pub(crate) fn begin(call: Call<'_>, files: &Files, deadline: Instant) -> Result<Lock, Error> {
    loop {
        make_folder(call, &files.socket)?;
        refuse_file(call, &files.socket)?;
        circle::refuse(call, &files.start())?;
        match lock(call, &files.start(), deadline) {
            Err(e) if is_gone(&e, deadline) => {}
            locked => {
                return locked.inspect(|lock| {
                    lock.touch();
                    circle::sign(lock, call.server);
                });
            }
        }
    }
}

/// Whether somebody has removed the folder that was just made, and there is time to make it again.
fn is_gone(e: &Error, deadline: Instant) -> bool {
    let is_gone =
        matches!(e, Error::Io(trouble) if trouble.io_kind() == Some(io::ErrorKind::NotFound));
    is_gone && Instant::now() < deadline
}

/// Takes and makes what a server is started with.
fn prepare(
    call: Call<'_>,
    files: &Files,
    starting: Lock,
    deadline: Instant,
) -> Result<Given, Error> {
    testing::step("start: start lock taken");
    let lock = lock(call, &files.lock(), deadline)?;
    testing::step("start: lock taken");
    let given = Given {
        starting,
        lock,
        socket: bind(call, files)?,
    };
    testing::step("start: socket made");
    Ok(given)
}

/// Starts a server that goes on with the lock and the socket of the one before.
pub(crate) fn succeed(
    call: Call<'_>,
    which: Which<'_>,
    files: &Files,
    given: Given,
    deadline: Instant,
) -> Result<(), Error> {
    launch::launch(call, which, given, files.logs(), deadline)
}

/// Refuses to wait for a start that waits for this process.
pub(crate) fn refuse_circle(call: Call<'_>, files: &Files) -> Result<(), Error> {
    circle::refuse(call, &files.start())
}

/// Connects, if somebody listens.
///
/// Connecting, and each send, pauses for `patience` at the most.
pub(crate) fn connect(
    call: Call<'_>,
    files: &Files,
    patience: Duration,
) -> Result<Option<Stream>, Error> {
    if !is_trusted(call, &files.socket)? {
        return Ok(None);
    }
    let socket = files.socket.display();
    match transport::connect(&files.socket, patience) {
        Ok(stream) => {
            explain::say(call, || format!("somebody listens at `{socket}`"));
            check_peer(call, files, &stream).map(|()| Some(stream))
        }
        Err(e) if transport::is_nobody(&e) => {
            explain::say(call, || format!("nobody listens at `{socket}`: {e}"));
            Ok(None)
        }
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
            Err(Error::TimedOut(call.trouble(format_args!(
                "the server at `{}` takes no connection; it may be stopped or overloaded",
                files.socket.display()
            ))))
        }
        Err(e) => Err(at_path(call, "it cannot be connected to", &files.socket, e)),
    }
}

/// Checks that it is our server who listens: in a folder of the system's anybody may.
fn check_peer(call: Call<'_>, files: &Files, stream: &Stream) -> Result<(), Error> {
    let peer = Peer::of(stream).map_err(|e| call.io("its user cannot be checked", e))?;
    if peer.is_us() {
        return Ok(());
    }
    Err(Error::Denied(call.trouble(format_args!(
        "who listens at `unix:{}` is user {}, and not you; set another address",
        files.socket.display(),
        peer.uid
    ))))
}

/// What a server is started with.
#[derive(Debug)]
pub(crate) struct Given {
    /// `NAME.start`, which the server lets go when it is ready: also if its starter has died, others
    /// wait until then.
    pub(crate) starting: Lock,
    /// `NAME.lock`, which it never lets go.
    pub(crate) lock: Lock,
    pub(crate) socket: Bound,
}

/// Makes the socket, in place of one that nobody listens at any more. The caller holds `NAME.lock`.
pub(crate) fn bind(call: Call<'_>, files: &Files) -> Result<Bound, Error> {
    let path = &files.socket;
    refuse_file(call, path)?;
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(at_path(call, "the old socket cannot be removed", path, e));
        }
        _ => {}
    }
    Bound::at(path).map_err(|e| at_path(call, "its socket cannot be made", path, e))
}

/// Refuses to touch what is no socket.
fn refuse_file(call: Call<'_>, path: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            let what = if there.is_dir() { "folder" } else { "file" };
            Err(Error::Denied(call.trouble(format_args!(
                "`{}` is a {what}, and no socket; set another address",
                path.display()
            ))))
        }
        // Whatever is wrong with it, whoever makes the socket says it.
        _ => Ok(()),
    }
}

/// Makes the folder of a socket, and sees that it can be trusted.
fn make_folder(call: Call<'_>, socket: &Path) -> Result<(), Error> {
    let folder = socket.parent().unwrap_or(socket);
    paths::create(folder).map_err(|e| at_path(call, "its folder cannot be made", folder, e))?;
    is_trusted(call, socket).map(drop)
}

/// Whether the folder of a socket is there; an error if it cannot be trusted.
fn is_trusted(call: Call<'_>, socket: &Path) -> Result<bool, Error> {
    let folder = socket.parent().unwrap_or(socket);
    paths::check(folder).map_err(|e| Error::Denied(call.trouble(e)))
}

/// Takes a lock, waiting for it until the deadline.
pub(crate) fn lock(call: Call<'_>, path: &Path, deadline: Instant) -> Result<Lock, Error> {
    let began = Instant::now();
    let lock = Lock::take(path, deadline)
        .map_err(|e| at_path(call, "its lock cannot be taken", path, e))?;
    explain::say(call, || {
        let what = lock.as_ref().map_or("others hold", |_| "it holds");
        format!("{what} `{}`, after {:?}", path.display(), began.elapsed())
    });
    lock.ok_or_else(|| {
        Error::TimedOut(call.trouble(format_args!(
            "another process has held `{}` for {} s; see which one with `fuser {0}`",
            path.display(),
            began.elapsed().as_secs()
        )))
    })
}

fn at_path(call: Call<'_>, step: &str, path: &Path, e: io::Error) -> Error {
    let remedy = match e.kind() {
        _ if e.raw_os_error() == Some(rustix::io::Errno::NAMETOOLONG.raw_os_error()) => {
            "; the path of a socket has at most 104 bytes, set a shorter XDG_RUNTIME_DIR or address"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder that you can write, by XDG_RUNTIME_DIR or the server's address"
        }
        io::ErrorKind::StorageFull => {
            "; make room on that disk, or choose a folder on another, by XDG_RUNTIME_DIR or the server's address"
        }
        _ => "",
    };
    call.io(format_args!("{step} at `{}`{remedy}", path.display()), e)
}
