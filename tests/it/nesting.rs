//! Calls that are made inside remote functions, while all threads of the server run others.

use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use remote_runtime::wire::Kind;
use remote_runtime::wire::call::Head;
use remote_runtime::wire::fault::Fault;
use remote_runtime::wire::frame;

use crate::bytes::{call, encoded, greeted, receive};
use crate::crowds::{RUNNING, all_that_run, calls, has_descriptors_for, let_all_go, pipe};
use crate::support::{Home, await_that, begin, printed, stderr, stdout};

#[test]
fn calls_that_lead_back_to_a_server_whose_threads_all_wait_for_them_are_answered() {
    if !has_descriptors_for(2 * RUNNING as u64) {
        return;
    }
    let home = Home::new();
    let (threads, all) = (RUNNING + 9, RUNNING.to_string());
    let answered = home.run_zoo(&["nested", &threads.to_string(), &all]);
    assert_eq!(answered, threads.to_string());
    for server in ["outer", "inner"] {
        assert_eq!(home.run_zoo(&["running", server]), "0");
        assert_eq!(home.run_zoo(&["stop", server]), "()");
    }
}

#[test]
fn a_program_that_a_function_has_started_calls_its_server_while_all_threads_run() {
    if !has_descriptors_for(RUNNING as u64) {
        return;
    }
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let pipe = pipe(&home, "pipe");
    let others = calls(&home, RUNNING - 1, &pipe);
    await_that(|| home.run_zoo(&["running", "zoo"]) == (RUNNING - 1).to_string());
    // The last thread that may run a function runs this one.
    assert_eq!(home.run_zoo(&["child-pid"]), format!("{pid:?}"));
    let one_more = calls(&home, 1, &pipe);
    await_that(|| home.run_zoo(&["running", "zoo"]) == RUNNING.to_string());
    // The command asks what the server offers before it calls.
    let mut command = home.remotex(&["call", "zoo", "pid"]);
    let output = command.env("_REMOTEX_CHAIN", "zoo").output().unwrap();
    assert_eq!(stdout(&output), pid, "{}", stderr(&output));
    let mut python = home.any("python3");
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/../clients/python");
    python
        .args([
            "-B",
            "-c",
            "import remotex; print(remotex.connect('zoo').pid())",
        ])
        .env("PYTHONPATH", clients)
        .env("_REMOTEX_CHAIN", "zoo");
    match python.output() {
        Ok(output) => assert_eq!(stdout(&output), pid, "{}", stderr(&output)),
        Err(e) => eprintln!("left out, for want of `python3`: {e}"),
    }
    let others: Vec<_> = others.into_iter().chain(one_more).collect();
    let_all_go(&pipe, &others);
}

/// A client says before its next call which references it has dropped.
#[test]
fn a_call_that_must_not_wait_does_not_wait_behind_a_release() {
    if !has_descriptors_for(RUNNING as u64) {
        return;
    }
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let pipe = pipe(&home, "pipe");
    let running = all_that_run(&home, &pipe);
    let (mut inside, mut inbox) = greeted(&home.socket("zoo"), "zoo");
    let release = frame::of(Kind::Release, |out| out.extend([7; 16]));
    let call = frame::of(Kind::Call, |out| {
        let head = Head {
            name: "echo",
            chain: Some("zoo"),
            ..Head::default()
        };
        head.put(out);
        out.extend(encoded("inside"));
    });
    inside.write_all(&[release, call].concat()).unwrap();
    let answer = (Kind::Answer, encoded("inside"));
    assert_eq!(receive(&mut inside, &mut inbox), Some(answer));
    let_all_go(&pipe, &running);
}

/// How many bytes the other end of a connection has not read.
fn unread(stream: &UnixStream) -> i32 {
    let mut bytes = 0;
    // SAFETY: TIOCOUTQ writes one number, to which it is given a pointer.
    let done = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    assert_eq!(done, 0);
    bytes
}

#[test]
fn a_call_that_waits_for_a_thread_is_dropped_when_its_client_has_gone() {
    if !has_descriptors_for(RUNNING as u64) {
        return;
    }
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let (pipe, file) = (pipe(&home, "pipe"), home.path("runs"));
    let running = all_that_run(&home, &pipe);
    let note = [encoded(file.to_str().unwrap()), encoded("gone")].concat();
    let (mut gone, _) = greeted(&home.socket("zoo"), "zoo");
    gone.write_all(&call("note", &note)).unwrap();
    let (mut waiting, mut inbox) = greeted(&home.socket("zoo"), "zoo");
    waiting.write_all(&call("echo", &encoded("next"))).unwrap();
    await_that(|| unread(&gone) == 0 && unread(&waiting) == 0);
    // A child of another test may have the connection, too, for a moment: closing it ends it later.
    gone.shutdown(Shutdown::Both).unwrap();
    let_all_go(&pipe, &running);
    let answer = (Kind::Answer, encoded("next"));
    assert_eq!(receive(&mut waiting, &mut inbox), Some(answer));
    assert!(!file.exists(), "nobody waits for it");
}

#[test]
fn a_call_that_has_waited_for_too_long_is_busy() {
    if !has_descriptors_for(RUNNING as u64) {
        return;
    }
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let pipe = pipe(&home, "pipe");
    let running = all_that_run(&home, &pipe);
    let waits = begin(&mut home.zoo(&["echo", "late"]));
    let (mut waiting, mut inbox) = greeted(&home.socket("zoo"), "zoo");
    waiting
        .set_read_timeout(Some(Duration::from_secs(90)))
        .unwrap();
    waiting.write_all(&call("echo", &encoded("late"))).unwrap();
    let (kind, body) = receive(&mut waiting, &mut inbox).unwrap();
    assert_eq!(kind, Kind::Fault);
    let fault = Fault::read(&body).unwrap();
    assert!(
        matches!(&fault, Fault::Busy(why) if why.contains("for 30 s")),
        "{fault:?}"
    );
    let said = printed(waits);
    assert!(
        said.starts_with("Busy false `echo` on server `zoo`: "),
        "{said}"
    );
    let_all_go(&pipe, &running);
}
