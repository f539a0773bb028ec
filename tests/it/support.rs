use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Tests that hang.
#[path = "watchdog.rs"]
mod watchdog;

use watchdog::Watched;

/// Folders that belong to one test, and the servers in them.
pub(crate) struct Home(remotex::testing::Home, #[expect(dead_code)] Watched);

impl Home {
    pub(crate) fn new() -> Self {
        Self(remotex::testing::Home::new().unwrap(), Watched::begin())
    }

    pub(crate) fn path(&self, of: &str) -> PathBuf {
        self.0.path().join(of)
    }

    /// The processes that were started to be servers.
    pub(crate) fn servers(&self) -> Vec<u32> {
        self.0.servers()
    }

    /// Runs so many of them at once; there must be one server at the most afterwards.
    pub(crate) fn stampede(&self, n: usize, command: impl FnMut() -> Command) -> Vec<String> {
        let stampede = self.0.stampede(n, command).unwrap();
        stampede.outputs.iter().map(stdout).collect()
    }

    /// The socket of a server.
    pub(crate) fn socket(&self, server: &str) -> PathBuf {
        self.path(&format!("run/remotex/{server}.sock"))
    }

    /// An example of this package, which knows no home but this one.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.0.command(program_path(program))
    }

    /// The command `remotex`.
    pub(crate) fn remotex(&self, words: &[&str]) -> Command {
        let mut command = self.any(command_path());
        command.args(words);
        command
    }

    /// Runs the command, which must do what it is asked, and returns what it printed, without the last
    /// line's end.
    pub(crate) fn run_remotex(&self, words: &[&str]) -> String {
        let output = self.remotex(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// Runs the command, which must refuse, and returns its code and its sentence.
    pub(crate) fn refusal(&self, words: &[&str]) -> (i32, String) {
        let output = self.remotex(words).output().unwrap();
        let words = stderr(&output);
        let sentence = words.trim_end().trim_start_matches("error: ").to_owned();
        (output.status.code().unwrap(), sentence)
    }

    /// Any program, in the same way.
    pub(crate) fn any(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.0.command(program)
    }

    pub(crate) fn zoo(&self, words: &[&str]) -> Command {
        let mut command = self.command("zoo");
        command.args(words);
        command
    }

    /// Begins to run the zoo; [`printed`] waits for what it prints.
    pub(crate) fn begin_zoo(&self, words: &[&str]) -> Child {
        begin(&mut self.zoo(words))
    }

    /// Runs the zoo, and returns what it printed, without the last line's end.
    pub(crate) fn run_zoo(&self, words: &[&str]) -> String {
        stdout(&self.zoo(words).output().unwrap())
    }

    /// The process of a server, if it answers.
    pub(crate) fn serving(&self, server: &str) -> Option<i32> {
        pid_of(&self.run_zoo(&["status", server]))
    }

    /// Starts a server in the foreground, and waits until it takes calls.
    pub(crate) fn serve(&self, words: &[&str], server: &str) -> Running {
        let child = self
            .zoo(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let running = Running(Some(child));
        await_that(|| self.run_zoo(&["status", server]).starts_with('('));
        running
    }
}

/// A program that runs, and is ended and waited for with the test.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn of(child: Child) -> Self {
        Self(Some(child))
    }

    pub(crate) fn pid(&self) -> i32 {
        self.0.as_ref().unwrap().id().try_into().unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        kill(self.pid(), signal);
    }

    /// Waits for its end.
    pub(crate) fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }
}

/// A port of the loopback address that nobody has, and that the system gives to no connection: one of
/// those would keep a server from it that starts anew.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = std::process::id().wrapping_mul(97).wrapping_add(number);
        let port = u16::try_from(10_000 + number % 20_000).unwrap();
        if is_free(port) {
            return port;
        }
    }
}

/// Whether nobody listens at a port. The socket that finds that out never listens: a child of another
/// test may have it for a moment after it is closed here, and would keep the port from a listener.
fn is_free(port: u16) -> bool {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    bind(&socket, &address).is_ok()
}

pub(crate) fn kill(pid: i32, signal: rustix::process::Signal) {
    // It may have ended by itself.
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal);
}

/// The process in a status that the zoo has printed.
pub(crate) fn pid_of(status: &str) -> Option<i32> {
    let (pid, _) = status.strip_prefix('(')?.split_once(',')?;
    pid.parse().ok()
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty()
        && !stat
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('Z')
}

/// The processes that a process has started.
pub(crate) fn children(of: u32) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next();
        let parent = parent.and_then(|rest| rest.split_whitespace().nth(1));
        parent == Some(&*of.to_string())
    })
    .collect()
}

/// Pins something to the board of a home, and returns the process of its server.
pub(crate) fn board(home: &Home) -> i32 {
    let mut post = home.command("bboard");
    assert!(post.args(["hello", "world"]).status().unwrap().success());
    home.servers()[0].try_into().unwrap()
}

/// What the command prints, which must be JSON.
pub(crate) fn json_of(home: &Home, words: &[&str]) -> serde_json::Value {
    serde_json::from_str(&home.run_remotex(words)).unwrap()
}

/// An example, which `cargo test --workspace` has built beside this test.
pub(crate) fn program_path(name: &str) -> PathBuf {
    built(&format!("examples/{name}"))
}

/// The command `remotex`, which is built in the same way.
pub(crate) fn command_path() -> PathBuf {
    built("remotex")
}

/// A file in the folder of cargo's profile.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo test --workspace`, which builds it",
        path.display()
    );
    path
}

/// A test for each check that the zoo makes as a client, with a server of its own.
macro_rules! checks {
    ($word:literal; $($name:ident: $check:literal $(, $variable:literal = $value:literal)*;)*) => {$(
        #[test]
        fn $name() {
            let home = $crate::support::Home::new();
            let output = home.zoo(&[$word, $check])$(.env($variable, $value))*.output().unwrap();
            assert!(output.status.success(), "{}", $crate::support::stderr(&output));
        }
    )*};
}

pub(crate) use checks;

pub(crate) fn stdout(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// Begins to run a program whose output is waited for later.
pub(crate) fn begin(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// What a program has printed when it has ended, without the last line's end.
pub(crate) fn printed(child: Child) -> String {
    stdout(&child.wait_with_output().unwrap())
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Waits for what another process does, which has no other way to tell. Fails after a time in
/// which any machine does it.
pub(crate) fn await_that(mut is: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it did not happen");
}

/// Connects to a server by hand.
pub(crate) fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}
