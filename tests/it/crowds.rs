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
const RUNNING: usize = 511;

/// How many more may wait.
const WAITING: usize = 1024;

type Connection = (UnixStream, Inbox);

/// Allows this process and its servers as many descriptors as the system does; `false` if they are too
/// few for `n` connections.
fn has_descriptors_for(n: u64) -> bool {
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
fn pipe(home: &Home) -> PathBuf {
    let path = home.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// Calls that run until the pipe is [let go](let_go), each over a connection of its own.
fn calls(home: &Home, n: usize, pipe: &Path) -> Vec<Connection> {
    let call = call("io_kind", &encoded(pipe.to_str().unwrap()));
    let begin = |_| {
        let (mut stream, inbox) = greeted(&home.socket("zoo"), "zoo");
        stream.write_all(&call).unwrap();
        (stream, inbox)
    };
    (0..n).map(begin).collect()
}

/// Lets those go on who read the pipe now, if there are any.
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

fn threads(pid: &str) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

#[test]
fn calls_beyond_the_threads_wait_and_those_beyond_the_queue_are_busy() {
    const BUSY: usize = 7;
    if !has_descriptors_for((RUNNING + WAITING + BUSY) as u64) {
        return;
    }
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let pipe = pipe(&home);
    let mut all = calls(&home, RUNNING, &pipe);
    await_that(|| home.run_zoo(&["running", "zoo"]) == RUNNING.to_string());
    all.extend(calls(&home, WAITING + BUSY, &pipe));
    await_that(|| replied(&all) == BUSY);
    // Whoever runs or waits changes nothing for those who ask.
    assert!(home.run_zoo(&["status", "zoo"]).starts_with('('));
    assert_eq!(home.run_zoo(&["running", "zoo"]), RUNNING.to_string());
    if cfg!(target_os = "linux") {
        assert!(threads(&pid) <= RUNNING + 3);
    }
    await_that(|| {
        let_go(&pipe);
        replied(&all) == all.len()
    });
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
    if cfg!(target_os = "linux") {
        await_that(|| threads(&pid) <= 4);
    }
}

#[test]
fn who_waits_when_a_server_stops_is_told_that_nothing_has_run() {
    if !has_descriptors_for(RUNNING as u64 + 3) {
        return;
    }
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let pipe = pipe(&home);
    let mut running = calls(&home, RUNNING, &pipe);
    await_that(|| home.run_zoo(&["running", "zoo"]) == RUNNING.to_string());
    let mut waiting = calls(&home, 3, &pipe);
    let stop = begin(&mut home.zoo(&["stop", "zoo"]));
    for (stream, inbox) in &mut waiting {
        let none = 0_u64.to_le_bytes().to_vec();
        assert_eq!(receive(stream, inbox), Some((Kind::Goodbye, none)));
    }
    await_that(|| {
        let_go(&pipe);
        replied(&running) == RUNNING
    });
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
        if cfg!(target_os = "linux") {
            await_that(|| threads(&pid) <= 4);
        }
    }
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    for (stream, inbox) in &mut all {
        let two = 2_u64.to_le_bytes().to_vec();
        assert_eq!(receive(stream, inbox), Some((Kind::Goodbye, two)));
    }
}
