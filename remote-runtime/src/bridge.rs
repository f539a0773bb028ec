//! Bytes that go over the input and output of a process instead of a socket: of the system's own `ssh`,
//! which leads to a server on another machine, or of a program that is the server itself.
//!
//! Here, [`connect`] runs it; its input and output are one end of a pair of sockets, so that all above is
//! as if it had connected to the server's own. There, the program finds out what it is for ([`wanted`]):
//! it carries bytes to and fro ([`relay`]) between those and the server that runs, which it starts if it
//! must, or serves itself until they end.

mod words;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::address::Piped;
use crate::error::{Call, Error};
use crate::link::{PATIENCE, START};
use crate::output::SpareReader;
use crate::poller::is_unread;
use crate::transport::Stream;
use crate::wire::MAGIC;
use crate::{explain, paths, thread, transport};
use words::Words;

/// What tells a program what it is for: its value is how, and then the server's name.
pub(crate) const VARIABLE: &str = "_REMOTEX_RELAY";
/// The server's key, beside it.
pub(crate) const KEY: &str = "_REMOTEX_RELAY_KEY";

/// How the first argument of such a process begins.
const MARK: &str = "remotex-relay:";

/// The time that ssh may take to connect.
const CONNECT: Duration = Duration::from_secs(20);

/// The time for the last words of a process that was killed, which its children may keep open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Returns the time until the first bytes must have come.
pub(crate) fn patience(piped: &Piped) -> Duration {
    match piped {
        Piped::Ssh { .. } => CONNECT + START,
        Piped::Stdio(_) => START,
    }
}

/// With which code a relay ends that has found no server.
pub(crate) const NOT_RUNNING: i32 = 90;
/// With which code a relay ends that has said why it cannot connect.
pub(crate) const FAILED: i32 = 91;

/// What a process is for that is spoken to over its input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It leads to the server that runs, and starts one, as a call does.
    Start,
    /// The same, but it starts none.
    Find,
    /// It is the server.
    Serve,
    /// It is the server too, and listens where a service manager does for it.
    Listen,
}

/// What this process is for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) manner: Manner,
    pub(crate) server: String,
    pub(crate) key: String,
}

/// Connects to the server of that name and key through a process, within `patience`; `None` if it does not
/// run.
///
/// # Errors
/// With what the process says. It asks nobody for a password.
pub(crate) fn connect(
    call: Call<'_>,
    piped: &Piped,
    key: &str,
    manner: Manner,
    patience: Duration,
) -> Result<Option<Stream>, Error> {
    let mut command = command(call, piped, key, manner);
    explain::say(call, || format!("it runs {command:?}"));
    let program = command.get_program().to_owned();
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
    let (ours, mut child) = run().map_err(|e: io::Error| {
        let why = format_args!("`{}` cannot be run: {e}", program.display());
        Error::Unreachable(call.trouble(why).caused_by(e))
    })?;
    let mut words = Words::of(child.stderr.take());
    let spoke = words.read_until(&ours, Instant::now() + patience);
    let first = spoke.and_then(|spoke| match spoke {
        true => transport::peek(&ours, MAGIC.len()).map(Some),
        false => Ok(None),
    });
    let first = first.map_err(|e| call.io("the process cannot be read from", e))?;
    if first
        .as_ref()
        .is_some_and(|first| first.first() == MAGIC.first())
    {
        attend(child, words).map_err(|e| call.io("no thread can attend to the process", e))?;
        return Ok(Some(Stream::Near(ours)));
    }
    let has_ended = first.as_ref().is_some_and(Vec::is_empty);
    if !has_ended {
        // It says nothing, or something else, and may not end by itself.
        let _ = child.kill();
    }
    let code = end(
        child,
        &mut words,
        if has_ended { PATIENCE } else { LAST_WORDS },
    );
    if manner == Manner::Find && code == Some(NOT_RUNNING) {
        return Ok(None);
    }
    if first.is_none() {
        let seconds = patience.as_secs();
        return Err(Error::TimedOut(call.trouble(format_args!(
            "`{piped}` has not led to a server within {seconds} s; the program must begin with `remotex::init()`{}",
            unpassed(piped)
        ))));
    }
    Err(why_not(
        call,
        piped,
        first.as_deref(),
        code,
        &words.quoted(),
    ))
}

fn command(call: Call<'_>, piped: &Piped, key: &str, manner: Manner) -> Command {
    let how = match manner {
        Manner::Start => "start",
        Manner::Find => "find",
        Manner::Serve => "serve",
        Manner::Listen => "listen",
    };
    let how = format!("{how}:{}", call.server);
    match piped {
        Piped::Ssh {
            destination,
            program,
        } => {
            let mut ssh = Command::new("ssh");
            ssh.arg("-T");
            let connect = format!("ConnectTimeout={}", CONNECT.as_secs());
            // It asks nobody for a password, and notices a network that has gone.
            for option in ["BatchMode=yes", &*connect, "ServerAliveInterval=15"] {
                ssh.args(["-o", option]);
            }
            // Where it begins is the home folder.
            let program = match program.strip_prefix("~/") {
                // With a slash, since it would be searched for in `PATH`.
                Some(below) => &format!("./{below}"),
                None => program,
            };
            let begin = match program.contains('=') {
                false => "",
                // `env` would take it for one more variable.
                true => r#"sh -c 'exec "$0"' "#,
            };
            let [how, key, program] = [&how, key, program].map(paths::quoted);
            let there = format!("env {VARIABLE}={how} {KEY}={key} {begin}{program}");
            ssh.args(["--", destination, &there]);
            ssh
        }
        Piped::Stdio(words) => {
            let mut words = words.split_whitespace();
            let mut program = Command::new(words.next().unwrap_or_default());
            program.args(words).env(VARIABLE, how).env(KEY, key);
            program
        }
    }
}

/// Takes note of the end of a process, which comes with that of its input; and of what it says, so that it
/// is not kept from saying more.
fn attend(mut child: Child, words: Words) -> io::Result<()> {
    let wait = move || {
        words.print_to_end();
        let _ = child.wait();
    };
    thread::start("remotex process", Box::new(wait))
}

/// With which code a process has ended, of which the last words are read. It is ended if it does not by
/// itself; what it has started may go on, and is not waited for.
fn end(mut child: Child, words: &mut Words, patience: Duration) -> Option<i32> {
    let deadline = Instant::now() + patience;
    words.read_to_end(deadline);
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    child.wait().ok().and_then(|ended| ended.code())
}

/// Why a process has not led to a server: what it has printed first, how it has ended, what it has said.
fn why_not(
    call: Call<'_>,
    piped: &Piped,
    first: Option<&[u8]>,
    code: Option<i32>,
    words: &str,
) -> Error {
    /// That of ssh itself.
    const SSH_FAILED: i32 = 255;
    let is_ssh = matches!(piped, Piped::Ssh { .. });
    match (first, code) {
        (Some([_, ..]), _) => Error::Malformed(call.trouble(format_args!(
            "what `{piped}` prints is nothing of remotex: no shell there may print anything by itself, and the program must begin with `remotex::init()`{}", unpassed(piped)
        ))),
        (_, Some(FAILED)) => Error::Unreachable(call.trouble(format_args!("`{piped}` says: {words}"))),
        (_, Some(SSH_FAILED))
            if is_ssh && (words.contains("Permission denied") || words.contains("verification failed")) =>
        {
            Error::Denied(call.trouble(format_args!("`{piped}` does not let us in, and nobody is asked for a password: {words}")))
        }
        (_, Some(SSH_FAILED)) if is_ssh => {
            let why = format_args!("`{piped}` cannot be reached: {words}");
            Error::Unreachable(call.trouble(why).passing())
        }
        (_, None) if is_ssh => {
            let why = format_args!("`{piped}` was ended by a signal before it led there");
            Error::Unreachable(call.trouble(why).passing())
        }
        _ => Error::Unreachable(call.trouble(format_args!(
            "`{piped}` has ended without a word of remotex; the program must begin with `remotex::init()`{}: {words}",
            unpassed(piped)
        ))),
    }
}

/// What a child needs that is run by something else, such as `docker exec`, for the end of a sentence.
fn unpassed(piped: &Piped) -> String {
    match piped {
        Piped::Ssh { .. } => String::new(),
        Piped::Stdio(_) => format!(
            " and receive the variables {VARIABLE} and {KEY}; `env -i`, `sudo` and `docker exec` drop them unless told otherwise, as by `docker exec -i -e {VARIABLE} -e {KEY} …`"
        ),
    }
}

/// What this process is for, if it was started to be spoken to over its input and output.
///
/// Only a variable gets through ssh, but children of this process inherit it, and are no such thing. So
/// the process becomes itself once more, without the variable, and with a first argument that says it.
pub(crate) fn wanted() -> Option<Wanted> {
    if let Some(value) = env::var_os(VARIABLE) {
        let key = env::var_os(KEY).unwrap_or_default();
        let mut mark = OsString::from(MARK);
        mark.extend([&*value, OsStr::new(":"), &*key]);
        let mut anew = Command::new(env::current_exe().ok()?);
        anew.arg0(mark).args(env::args_os().skip(1));
        // This returns only if it fails; then who waits is told that this is no server.
        let _ = anew.env_remove(VARIABLE).env_remove(KEY).exec();
        return None;
    }
    let mark = env::args_os().next()?.into_string().ok()?;
    let mut words = mark.strip_prefix(MARK)?.splitn(3, ':');
    let manner = match words.next()? {
        "find" => Manner::Find,
        "serve" => Manner::Serve,
        "listen" => Manner::Listen,
        _ => Manner::Start,
    };
    Some(Wanted {
        manner,
        server: words.next()?.to_owned(),
        key: words.next().unwrap_or_default().to_owned(),
    })
}

/// The input and output of this process, for bytes alone: what it reads from now on is empty, and what it
/// prints goes where its errors go.
#[derive(Debug)]
pub(crate) struct Ends {
    input: File,
    output: File,
    spare: SpareReader,
}

impl Ends {
    pub(crate) fn take() -> io::Result<Self> {
        let input = rustix::stdio::stdin().try_clone_to_owned()?;
        let output = rustix::stdio::stdout().try_clone_to_owned()?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Self {
            input: input.into(),
            output: output.into(),
            spare: SpareReader::of_errors(),
        })
    }

    /// Carries bytes between them and a server, until the client or the server ends.
    pub(crate) fn relay(self, server: Stream) -> io::Result<()> {
        let Self {
            mut input,
            mut output,
            spare,
        } = self;
        let client = output.try_clone()?;
        let from = Arc::new(server);
        let to = from.clone();
        let there = move || {
            // However that ends, the other way ends with it.
            let _ = carry(&mut input, &mut &*to);
            if is_unread(client.as_fd()) {
                spare.replace_reader();
            }
            let _ = to.shutdown(Shutdown::Both);
        };
        thread::start("remotex relay", Box::new(there))?;
        carry(&mut &*from, &mut output)
    }
}

/// Carries what there is as soon as it is there, until the end. (What the standard library has for that may
/// wait for more, where it leaves it to the kernel.)
fn carry(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => to.write_all(&buffer[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_seen_from_the_home_folder_and_is_no_variable() {
        let there = |program: &str| {
            let piped = Piped::Ssh {
                destination: "h".into(),
                program: program.into(),
            };
            let command = command(Call::control("zoo"), &piped, "", Manner::Find);
            let last = command
                .get_args()
                .last()
                .map(|last| last.to_string_lossy().into_owned());
            let variables = "env _REMOTEX_RELAY=find:zoo _REMOTEX_RELAY_KEY='' ";
            last.and_then(|last| Some(last.strip_prefix(variables)?.to_owned()))
        };
        for (program, expected) in [
            ("zoo", "zoo"),
            ("~/bin/x", "./bin/x"),
            ("~/x", "./x"),
            ("/a b/x", "'/a b/x'"),
            ("a=b/x", r#"sh -c 'exec "$0"' a=b/x"#),
        ] {
            assert_eq!(there(program).as_deref(), Some(expected));
        }
    }
}
