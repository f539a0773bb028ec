use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use remote_runtime::wire::Kind;
use remote_runtime::wire::fault::Fault;
use remote_runtime::wire::frame::Inbox;
use rustix::net::RecvFlags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bytes::{call, call_on, encoded, greeted, receive};
use crate::support::{Home, await_that, begin, printed};

/// How many calls a server runs at once.
pub(crate) const RUNNING: usize = 511;

/// How many more may wait.
const WAITING: usize = 1024;

pub(crate) type Connection = (UnixStream, Inbox);

/// Allows this process and its servers as many descriptors as the system does; `false` if they are too
/// few for `n` connections.
pub(crate) fn has_descriptors_for(n: u64) -> bool {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, most).unwrap();
    let enough = maximum.is_none_or(|maximum| maximum > n + 200);
    if !enough {
        eprintln!("left out: the system allows no {n} descriptors (`ulimit -Hn`)");
    }
    enough
}

/// A pipe with a name; to read it waits until somebody has written to it and gone.
pub(crate) fn pipe(home: &Home, name: &str) -> PathBuf {
    let path = home.path(name);
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// Calls that run until the pipe is [let go](let_all_go), each over a connection of its own.
pub(crate) fn calls(home: &Home, n: usize, pipe: &Path) -> Vec<Connection> {
    let call = call("io_kind", &encoded(pipe.to_str().unwrap()));
    let begin = |_| {
        let (mut stream, inbox) = greeted(&home.socket("zoo"), "zoo");
        stream.write_all(&call).unwrap();
        (stream, inbox)
    };
    (0..n).map(begin).collect()
}

/// As many of them as run at once.
pub(crate) fn all_that_run(home: &Home, pipe: &Path) -> Vec<Connection> {
    let all = calls(home, RUNNING, pipe);
    await_that(|| home.run_zoo(&["running", "zoo"]) == RUNNING.to_string());
    all
}

/// Lets the calls go on that read the pipe now, if there are any.
fn let_go(pipe: &Path) {
    let writer = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(pipe);
    drop(writer);
}

/// On how many of them something has come.
fn replied(connections: &[Connection]) -> usize {
    let has_come = |(stream, _): &&Connection| {
        rustix::net::recv(stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_ok()
    };
    connections.iter().filter(has_come).count()
}

/// Lets calls go on that read the pipe, until something has come on every connection.
pub(crate) fn let_all_go(pipe: &Path, connections: &[Connection]) {
    await_that(|| {
        let_go(pipe);
        replied(connections) == connections.len()
    });
}

/// The number in a line of the kernel's page about a process.
#[cfg(target_os = "linux")]
fn number(pid: &str, name: &str) -> u64 {
    let page = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = page.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whether the process has at most so many threads, where the system tells.
fn has_threads(pid: &str, most: usize) -> bool {
    let folder = fs::read_dir(format!("/proc/{pid}/task"));
    folder.map_or(true, |threads| threads.count() <= most)
}

#[test]
fn calls_beyond_the_threads_wait_and_those_beyond_the_queue_are_busy() {
    const BUSY: usize = 7;
    if !has_descriptors_for((RUNNING + WAITING + BUSY) as u64) {
        return;
    }
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let pipe = pipe(&home, "pipe");
    let mut all = all_that_run(&home, &pipe);
    all.extend(calls(&home, WAITING + BUSY, &pipe));
    await_that(|| replied(&all) == BUSY);
    // Whoever runs or waits changes nothing for those who ask.
    assert!(home.run_zoo(&["status", "zoo"]).starts_with('('));
    assert_eq!(home.run_zoo(&["running", "zoo"]), RUNNING.to_string());
    assert!(has_threads(&pid, RUNNING + 3));
    let_all_go(&pipe, &all);
    let mut busy = 0;
    for (stream, inbox) in &mut all {
        let (kind, body) = receive(stream, inbox).unwrap();
        if kind == Kind::Fault {
            assert!(matches!(Fault::read(&body), Ok(Fault::Busy(_))));
            busy += 1;
        } else {
            assert_eq!((kind, body), (Kind::Answer, encoded("")));
        }
    }
    assert_eq!(busy, BUSY);
    // Who has waited can go on as if nothing had been.
    let (stream, inbox) = &mut all[0];
    assert_eq!(call_on(stream, inbox, "pid"), Kind::Answer);
    await_that(|| has_threads(&pid, 4));
}

#[test]
fn who_waits_when_a_server_stops_is_told_that_nothing_has_run() {
    if !has_descriptors_for(RUNNING as u64 + 3) {
        return;
    }
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let pipe = pipe(&home, "pipe");
    let mut running = all_that_run(&home, &pipe);
    let mut waiting = calls(&home, 3, &pipe);
    let stop = begin(&mut home.zoo(&["stop", "zoo"]));
    for (stream, inbox) in &mut waiting {
        let none = 0_u64.to_le_bytes().to_vec();
        assert_eq!(receive(stream, inbox), Some((Kind::Goodbye, none)));
    }
    let_all_go(&pipe, &running);
    for (stream, inbox) in &mut running {
        assert_eq!(receive(stream, inbox), Some((Kind::Answer, encoded(""))));
    }
    assert_eq!(printed(stop), "()");
}

#[test]
fn connections_that_rest_have_no_threads_and_go_on() {
    if !has_descriptors_for(500) {
        return;
    }
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let mut all: Vec<_> = (0..500)
        .map(|_| greeted(&home.socket("zoo"), "zoo"))
        .collect();
    for _ in 0..2 {
        for (stream, inbox) in &mut all {
            assert_eq!(call_on(stream, inbox, "pid"), Kind::Answer);
        }
        await_that(|| has_threads(&pid, 4));
    }
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    for (stream, inbox) in &mut all {
        let two = 2_u64.to_le_bytes().to_vec();
        assert_eq!(receive(stream, inbox), Some((Kind::Goodbye, two)));
    }
}

#[test]
fn two_calls_in_one_write_are_both_answered_while_others_wait() {
    if !has_descriptors_for(RUNNING as u64 + 3) {
        return;
    }
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let [first, others] = ["first", "others"].map(|name| pipe(&home, name));
    let mut two = greeted(&home.socket("zoo"), "zoo");
    let calls_of_two = [
        call("io_kind", &encoded(first.to_str().unwrap())),
        call("echo", &encoded("second")),
    ];
    two.0.write_all(&calls_of_two.concat()).unwrap();
    let mut all = calls(&home, RUNNING - 1, &others);
    await_that(|| home.run_zoo(&["running", "zoo"]) == RUNNING.to_string());
    all.extend(calls(&home, 3, &others));
    let_all_go(&first, std::slice::from_ref(&two));
    let_all_go(&others, &all);
    let (stream, inbox) = &mut two;
    for answer in ["", "second"] {
        assert_eq!(
            receive(stream, inbox),
            Some((Kind::Answer, encoded(answer)))
        );
    }
}

/// As in a container that allows only so many threads.
#[cfg(target_os = "linux")]
#[test]
fn where_the_system_has_no_more_threads_who_asks_is_answered() {
    use rustix::process::{Pid, prlimit};
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let pipe = pipe(&home, "pipe");
    // Less than the stack of one more.
    let memory = Some(number(&pid, "VmSize") * 1024 + (4 << 20));
    let limit = Rlimit {
        current: memory,
        maximum: memory,
    };
    prlimit(Pid::from_raw(pid.parse().unwrap()), Resource::As, limit).unwrap();
    let all = calls(&home, 8, &pipe);
    // There were two threads, or some more.
    await_that(|| (1..8).contains(&home.run_zoo(&["running", "zoo"]).parse().unwrap()));
    assert!(home.run_zoo(&["status", "zoo"]).starts_with('('));
    let_all_go(&pipe, &all);
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_rests_gives_its_memory_back() {
    const CONNECTIONS: usize = 100;
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let large = call("echo", &encoded(&"x".repeat((1 << 20) - 8)));
    let large_call = |_| {
        let (mut stream, mut inbox) = greeted(&home.socket("zoo"), "zoo");
        stream.write_all(&large).unwrap();
        assert_eq!(receive(&mut stream, &mut inbox).unwrap().0, Kind::Answer);
        stream
    };
    let _all: Vec<_> = (0..CONNECTIONS).map(large_call).collect();
    // A megabyte each would be kept.
    await_that(|| number(&pid, "VmRSS") < 1024 * CONNECTIONS as u64 * 2 / 3);
}

#[test]
fn clients_that_owe_their_hello_hold_no_thread() {
    // More than there are threads.
    const SILENT: usize = 700;
    if !has_descriptors_for(SILENT as u64) {
        return;
    }
    let home = Home::new();
    assert_eq!(printed(begin(&mut home.zoo(&["start", "zoo"]))), "()");
    let silent: Vec<_> = (0..SILENT)
        .map(|n| {
            let mut stream = crate::support::connect(&home.socket("zoo"));
            // Every other one has begun.
            stream.write_all(&b"rem"[..3 * (n % 2)]).unwrap();
            stream
        })
        .collect();
    assert_eq!(printed(begin(&mut home.zoo(&["echo", "x"]))), "\"x\"");
    // It was not answered because the others have been cut off, as they are in the end.
    let has_ended = |stream: &UnixStream| {
        stream.set_nonblocking(true).unwrap();
        let mut bytes = [0; 4096];
        loop {
            match std::io::Read::read(&mut &*stream, &mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(e) => return e.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    };
    assert!(!has_ended(&silent[0]) && !has_ended(&silent[1]));
    await_that(|| silent.iter().all(has_ended));
}
