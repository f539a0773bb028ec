//! Bytes that go over the input and output of a process instead of a socket: to a server on another
//! machine, through the system's own `ssh`.
//!
//! Here, [`connect`] runs ssh, which runs the server's program there; its input and output are one end of
//! a pair of sockets, so that all above is as if it had connected to the server itself. There, the top of
//! `main` finds out that it is to [`relay`]: it connects to the server that runs, or starts it, and carries
//! bytes to and fro.

use std::env;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::address::Ssh;
use crate::error::{Call, Error};
use crate::link::START;
use crate::wire::MAGIC;
use crate::{explain, thread, transport};

/// What tells a program that it is to relay: its value is how, and then the server's name.
const VARIABLE: &str = "_REMOTEX_RELAY";
/// The server's key, beside it.
const KEY: &str = "_REMOTEX_RELAY_KEY";

/// How much of what ssh says is quoted.
const LONGEST_WORDS: u64 = 4096;

/// What a relay does where no server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It starts one, as a call does.
    Start,
    /// It ends.
    Find,
}

/// What a process was asked to relay.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) manner: Manner,
    pub(crate) server: String,
    pub(crate) key: String,
}

/// How long ssh may take to connect, the server there to start, and the first bytes to come.
pub(crate) const ALL_PATIENCE: Duration = Duration::from_secs(START.as_secs() + 20);

/// Connects to the server of that name and key through ssh, within `patience`.
///
/// # Errors
/// With what ssh says: it asks nobody for a password.
pub(crate) fn connect(
    call: Call<'_>,
    ssh: &Ssh,
    key: &str,
    manner: Manner,
    patience: Duration,
) -> Result<Option<UnixStream>, Error> {
    let Ssh {
        destination,
        program,
    } = ssh;
    let how = match manner {
        Manner::Start => "start",
        Manner::Find => "find",
    };
    let set = |name: &str, value: &str| format!("{name}={}", quoted(value));
    let there = format!(
        "env {} {} {}",
        set(VARIABLE, &format!("{how}:{}", call.server)),
        set(KEY, key),
        quoted(program)
    );
    explain::say(call, || {
        format!("it runs `ssh {destination}`, and there `{there}`")
    });
    let mut command = Command::new("ssh");
    // It asks nobody for a password, and notices a network that has gone.
    let options = [
        "BatchMode=yes",
        "ConnectTimeout=20",
        "ServerAliveInterval=15",
    ];
    command.arg("-T");
    for option in options {
        command.args(["-o", option]);
    }
    command.args(["--", destination, &there]);
    let run = || {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        let child = command
            .stdin(Stdio::from(theirs.try_clone()?))
            .stdout(Stdio::from(theirs))
            .stderr(Stdio::piped())
            .spawn()?;
        // Only the child has the other end from here on, so that its end is seen.
        drop(command);
        Ok((ours, child))
    };
    let (ours, child) = run().map_err(|e: io::Error| call.io("`ssh` cannot be run", e))?;
    greeted(call, &ours, child, ssh, manner, patience).map(|is_there| is_there.then_some(ours))
}

/// Waits until the other side has begun to speak; `false` if it has found no server.
fn greeted(
    call: Call<'_>,
    ours: &UnixStream,
    mut child: Child,
    ssh: &Ssh,
    manner: Manner,
    patience: Duration,
) -> Result<bool, Error> {
    let spoke = transport::wait(&[ours.as_fd()], Some(patience));
    let first = spoke.and_then(|spoke| match spoke {
        true => transport::peek(ours, MAGIC.len()).map(Some),
        false => Ok(None),
    });
    let first = first.map_err(|e| call.io("`ssh` cannot be read from", e))?;
    match first.as_deref() {
        Some([first, ..]) if *first == MAGIC[0] => {
            // It ends when its input does, and somebody must take note of that; and of what it says, so
            // that it is not kept from saying more.
            let wait = move || {
                if let Some(mut said) = child.stderr.take() {
                    let _ = io::copy(&mut said, &mut io::sink());
                }
                let _ = child.wait();
            };
            thread::start("remotex ssh", Box::new(wait))
                .map_err(|e| call.io("no thread can wait for `ssh`", e))?;
            return Ok(true);
        }
        // Nobody is to be kept waiting for who says nothing, or something else.
        Some([]) => {}
        _ => drop(child.kill()),
    }
    let mut words = Vec::new();
    if let Some(said) = child.stderr.take() {
        let _ = said.take(LONGEST_WORDS).read_to_end(&mut words);
    }
    let code = child.wait().ok().and_then(|ended| ended.code());
    let words = String::from_utf8_lossy(&words);
    let words = words.trim();
    if manner == Manner::Find && code == Some(NOT_RUNNING) {
        return Ok(false);
    }
    let Ssh {
        destination,
        program,
    } = ssh;
    Err(match (first.as_deref(), code) {
        (None, _) => Error::TimedOut(call.trouble(format_args!("`ssh {destination}` has not led to a server in time"))),
        (Some([_, ..]), _) => Error::Malformed(call.trouble(format_args!(
            "what `ssh {destination} {program}` prints is nothing of remotex: no shell there may print anything by itself, and the program must begin with `remotex::init()`"
        ))),
        (_, Some(FAILED)) => Error::Unreachable(call.trouble(format_args!("at `{destination}`: {words}"))),
        (_, Some(255)) if words.contains("Permission denied") || words.contains("verification failed") => Error::Denied(call.trouble(format_args!(
            "`ssh {destination}` is not let in, and asks for no password here: {words}"
        ))),
        (_, Some(255)) => Error::Unreachable(call.trouble(format_args!("`ssh {destination}` does not connect: {words}"))),
        _ => Error::Unreachable(call.trouble(format_args!(
            "`{program}` at `{destination}` has ended without a word of remotex; it must begin with `remotex::init()`: {words}"
        ))),
    })
}

/// With which code a relay ends that has found no server.
pub(crate) const NOT_RUNNING: i32 = 90;
/// With which code a relay ends that has said why it cannot connect.
pub(crate) const FAILED: i32 = 91;

/// What this process was asked to relay, if that is what it was started for. Processes that it starts are
/// not.
pub(crate) fn wanted() -> Option<Wanted> {
    let value = env::var(VARIABLE).ok()?;
    let (how, server) = value.split_once(':')?;
    Some(Wanted {
        manner: match how {
            "find" => Manner::Find,
            _ => Manner::Start,
        },
        server: server.to_owned(),
        key: env::var(KEY).unwrap_or_default(),
    })
}

/// Carries bytes between this process' input and output and a server, until one of them ends.
pub(crate) fn relay(server: &UnixStream) -> io::Result<()> {
    let mut to = server.try_clone()?;
    let carry = move || {
        let mut from = io::stdin().lock();
        let _ = io::copy(&mut from, &mut to);
        // The server sees that the client has gone.
        let _ = to.shutdown(Shutdown::Write);
    };
    thread::start("remotex relay", Box::new(carry))?;
    let mut out = io::stdout().lock();
    let mut buffer = vec![0; 64 * 1024];
    let mut from = server;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                out.write_all(&buffer[..n])?;
                out.flush()?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// A text as a shell takes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
