use std::fs::{self, File};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;

use crate::support::{
    Home, await_that, begin, board, json_of, kill, printed, program_path, stderr, stdout,
};

#[test]
fn a_call_that_runs_is_named_with_its_caller_and_its_age() {
    let home = Home::new();
    let go = home.path("go");
    let call = begin(&mut home.zoo(&["slow", go.to_str().unwrap()]));
    await_that(|| home.path("go.began").exists());
    let status = json_of(&home, &["status", "zoo", "--json"]);
    let running = &status["running_calls"][0];
    assert_eq!(
        status["running_calls"].as_array().unwrap().len(),
        1,
        "{status}"
    );
    assert_eq!(running["function"], "slow");
    assert_eq!(running["pid"], call.id());
    let program = program_path("zoo").canonicalize().unwrap();
    assert_eq!(running["program"], program.to_str().unwrap());
    let since = Duration::from_secs_f64(running["since"].as_f64().unwrap());
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + since);
    assert!(age.unwrap() < Duration::from_secs(30), "{status}");
    let by = format!("called by process {} (", call.id());
    let said = home.run_remotex(&["status", "zoo"]);
    assert!(
        said.contains("`slow`, for ") && said.contains(&by),
        "{said}"
    );
    let said = home.run_remotex(&["doctor", "zoo"]);
    assert!(
        said.contains("`slow` has run for ") && said.contains(&by),
        "{said}"
    );
    fs::write(go, "").unwrap();
    printed(call);
    let status = json_of(&home, &["status", "zoo", "--json"]);
    assert_eq!(
        status["running_calls"].as_array().unwrap().len(),
        0,
        "{status}"
    );
}

/// A board whose process a signal has stopped.
struct Stopped(Home, i32);

impl Stopped {
    fn new() -> Self {
        let home = Home::new();
        let pid = board(&home);
        kill(pid, Signal::STOP);
        Self(home, pid)
    }
}

#[test]
fn a_stopped_process_is_named_and_does_not_carry_out_later_what_was_given_up() {
    let Stopped(home, pid) = &Stopped::new();
    let asked: Vec<_> = [&["stop", "bboard"][..], &["restart", "bboard"]]
        .map(|words| begin(home.remotex(words).stderr(Stdio::piped())))
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    for output in &asked {
        let said = stderr(output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        let words = format!(
            "its process {pid} is stopped by a signal; continue it with `kill -CONT {pid}`"
        );
        assert!(
            said.contains("did not reply within 5 s") && said.contains(&words),
            "{said}"
        );
    }
    kill(*pid, Signal::CONT);
    // It answers, and once more after all that has come before was read.
    for _ in 0..2 {
        assert_eq!(json_of(home, &["status", "bboard", "--json"])["pid"], *pid);
    }
    assert!(
        home.run_remotex(&["call", "bboard", "read"])
            .contains("hello")
    );
    assert_eq!(home.servers().len(), 1);
}

#[test]
fn a_large_call_to_a_stopped_process_ends_in_the_time_that_it_says() {
    let home = Home::new();
    let server = home.serve(&["serve"], "zoo");
    // It answers a moment before its start is over, which clients wait for longer.
    let start = File::open(home.path("run/remotex/zoo.start")).unwrap();
    await_that(|| flock(&start, FlockOperation::NonBlockingLockExclusive).is_ok());
    drop(start);
    server.signal(Signal::STOP);
    let began = Instant::now();
    let said = home.run_zoo(&["echo-large", "50000000"]);
    let took = began.elapsed();
    server.signal(Signal::CONT);
    assert!(
        said.starts_with("TimedOut false `echo` on server `zoo`: "),
        "{said}"
    );
    assert!(
        said.contains("did not take the call within 5 s; its process "),
        "{said}"
    );
    // A hang took longer than that.
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// It has as long as a server may take to start.
#[test]
fn a_silent_child_is_given_up_after_the_time_that_the_error_says() {
    let home = Home::new();
    let began = Instant::now();
    let mut call = home.zoo(&["pid"]);
    // A child of it has its errors open still.
    call.env("REMOTEX_ZOO", "stdio:sh -c sleep${IFS}60;true");
    let output = call.output().unwrap();
    let said = stdout(&output);
    assert!(said.starts_with("TimedOut false "), "{said}");
    assert!(
        said.contains("has not led to a server within 30 s"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(45), "{said}");
}

#[test]
fn an_on_start_that_hangs_is_given_up_and_ended() {
    let home = Home::new();
    let racing = home.begin_zoo(&["hanging"]);
    let said = home.run_zoo(&["hanging"]);
    let other = printed(racing);
    assert!(
        [&said, &other].iter().any(|said| said
            .starts_with("TimedOut false `hanging_start` on server `hanging`: ")
            && said.contains("its `on_start` has not returned in time")),
        "{said}\n{other}"
    );
    await_that(|| home.servers().is_empty());
    fs::write(home.path("state/value"), "").unwrap();
    assert_eq!(home.run_zoo(&["hanging"]), "()");
}
