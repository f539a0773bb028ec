//! The messages between a starter and the process that becomes the server, over a pair of sockets:
//! there the name, the locks and the socket; back a word when the server is ready.
//!
//! ```text
//! starter -> child   the server's name, its key, if it has one, and the scope of the starter's
//!                    program, with zeros between them; with that come three descriptors: both
//!                    locks, and the socket
//! child -> starter   INIT      `remotex::init` was reached
//!                    READY     calls are taken
//!                    FAILED    and why, until the end of the stream
//! ```
//!
//! A child may also be started to run one function by itself, for who measures how long that takes
//! (`trial`): see there.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::Instant;
use std::{env, fs, str};

use super::launch;
use super::lock::Lock;
use super::trial::{TRIAL, Trial};
use super::{Given, Which};
use crate::address::LONGEST_KEY;
use crate::program::Scope;
use crate::testing;
use crate::transport::{self, Bound};

/// How the child's first argument begins. An argument is not inherited by children of the child, as
/// a variable is.
pub(super) const MARK: &str = "remotex:";

pub(super) const INIT: u8 = b'i';
pub(super) const READY: u8 = b'r';
const FAILED: u8 = b'f';

/// As much as is ever said: a scope is the path of a folder or a program.
const LONGEST_WORDS: usize = 64 + 1 + LONGEST_KEY + 1 + 8192;

/// How much of a reason is read.
const LONGEST_REASON: u64 = 64 * 1024;

/// The purpose for which this process was started.
#[derive(Debug)]
pub(crate) enum Started {
    Server(Handover),
    Trial(Trial),
}

/// The things that a starter gives to its server.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) given: Given,
    pub(crate) starter: Starter,
}

/// The process that has started this one.
#[derive(Debug)]
pub(crate) struct Starter(pub(super) UnixStream);

/// How a start ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Ready,
    Failed(String),
    /// It ended without a word: before `remotex::init`, or after.
    Died {
        after_init: bool,
    },
    /// Time was up: before `remotex::init`, or after.
    Silent {
        after_init: bool,
    },
}

/// Hands over to the child at the other end of `to`.
pub(super) fn give(to: &UnixStream, which: Which<'_>, given: &Given) -> io::Result<()> {
    let Given {
        starting,
        lock,
        socket,
    } = given;
    let words = [
        which.name.as_bytes(),
        which.key.as_bytes(),
        &which.scope.words(),
    ]
    .join(&0);
    transport::send_with(
        to,
        &words,
        &[starting.as_fd(), lock.as_fd(), socket.as_fd()],
    )
}

/// Waits until the child says how its start ended.
pub(super) fn outcome(from: &UnixStream, deadline: Instant) -> io::Result<Outcome> {
    let mut after_init = false;
    loop {
        if !transport::wait_until(from, deadline)? {
            return Ok(Outcome::Silent { after_init });
        }
        let mut word = [0];
        match (&*from).read(&mut word) {
            Ok(0) => return Ok(Outcome::Died { after_init }),
            Ok(_) => match word[0] {
                INIT => after_init = true,
                READY => return Ok(Outcome::Ready),
                _ => {
                    let mut why = Vec::new();
                    // A reason that breaks off is still a reason.
                    let _ = from.take(LONGEST_REASON).read_to_end(&mut why);
                    return Ok(Outcome::Failed(String::from_utf8_lossy(&why).into_owned()));
                }
            },
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // It had not read all that it was given.
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => {
                return Ok(Outcome::Died { after_init });
            }
            Err(e) => return Err(e),
        }
    }
}

/// Takes what this process was started with, if it was started by remotex.
pub(crate) fn take() -> Option<io::Result<Started>> {
    let is_mark = |word: &OsString| word.as_bytes().starts_with(MARK.as_bytes());
    let is_ours = env::args_os().next().is_some_and(|word| is_mark(&word))
        // An AppImage tells its program in this way by which name it was started.
        || env::var_os("ARGV0").is_some_and(|word| is_mark(&word));
    is_ours.then(receive)
}

fn receive() -> io::Result<Started> {
    let starter = UnixStream::from(rustix::stdio::stdin().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(fs::File::open("/dev/null")?)?;
    let mut words = Vec::with_capacity(LONGEST_WORDS);
    let mut descriptors = Vec::new();
    transport::receive_with(&starter, &mut words, &mut descriptors)?;
    close_on_exec(starter.as_fd())?;
    if let Some(request) = words.strip_prefix(TRIAL) {
        return Trial::receive(Starter(starter), request.to_owned()).map(Started::Trial);
    }
    let not_ours = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "its standard input does not come from remotex",
        )
    };
    let [starting, lock, socket] = <[OwnedFd; 3]>::try_from(descriptors).map_err(|_| not_ours())?;
    let mut words = words.splitn(3, |&byte| byte == 0);
    let mut next = || words.next().ok_or_else(not_ours);
    let (name, key, scope) = (next()?, next()?, next()?);
    let text = |word: &[u8]| str::from_utf8(word).map(str::to_owned);
    let [name, key] = [name, key].map(|word| text(word).map_err(|_| not_ours()));
    let (name, key) = (name?, key?);
    Scope::inherit(Scope::read(scope).ok_or_else(not_ours)?);
    let starter = Starter(starter);
    testing::step("server: init");
    starter.say(&[INIT]);
    let given = Given {
        starting: Lock::handed_over(starting),
        lock: Lock::handed_over(lock),
        socket: Bound::handed_over(socket),
    };
    Ok(Started::Server(Handover {
        name,
        key,
        given,
        starter,
    }))
}

fn close_on_exec(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(
        descriptor,
        rustix::io::FdFlags::CLOEXEC,
    )?)
}

impl Starter {
    /// Calls are taken. Returns what ends when the starter does.
    pub(crate) fn ready(self) -> UnixStream {
        launch::started();
        self.say(&[READY]);
        self.0
    }

    /// This will not be what it was started for.
    pub(crate) fn failed(&self, why: &str) {
        self.say(&[&[FAILED], why.as_bytes()].concat());
    }

    pub(super) fn say(&self, words: &[u8]) {
        // A starter that has gone does not want to know.
        let _ = transport::send(&self.0, words);
    }
}
