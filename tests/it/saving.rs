//! State that `.on_start` loads and `.on_stop` saves, and what is heard when it cannot be.

use std::fs;
use std::process::Output;

use rustix::process::Signal;

use crate::identity::Installed;
use crate::support::{Home, await_that, kill, printed, stderr, stdout};

#[test]
fn a_restart_says_that_the_state_of_the_one_before_is_lost() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["saved", "one"]), r#""""#);
    // `.on_stop` writes its file where a folder lies.
    fs::create_dir(home.path("state/value")).unwrap();
    let said = home.run_zoo(&["restart", "saving"]);
    let failed = "server `saving`: it has ended, and the next one runs, but what it was to save may be lost: `.on_stop` failed: ";
    assert!(said.contains(failed), "{said}");
    await_that(|| home.servers().len() == 1);
    assert_eq!(home.run_zoo(&["saved", "two"]), r#""""#);
}

/// Something ends the process while it saves: a panic that aborts, or the kernel for want of memory.
#[test]
fn a_stop_says_that_the_server_ended_before_it_had_saved() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["saved", "one"]), r#""""#);
    let pid = home.serving("saving").unwrap();
    // `.on_stop` waits for a reader of this.
    let fifo = home.path("state/value");
    assert!(home.any("mkfifo").arg(&fifo).status().unwrap().success());
    let stop = home.begin_zoo(&["stop", "saving"]);
    let log = || fs::read_to_string(home.path("state/remotex/saving.log"));
    await_that(|| log().is_ok_and(|log| log.contains(": it ends: ")));
    kill(pid, Signal::KILL);
    let said = printed(stop);
    let failed = "server `saving`: it has ended, but what it was to save may be lost: its connection ended before its `.on_stop` had; see ";
    assert!(said.contains(failed), "{said}");
}

#[test]
fn a_call_that_takes_over_says_that_the_state_of_the_build_before_is_lost() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let first = programs.pid("program");
    programs.install("build-2", "program");
    fs::create_dir_all(programs.home.path("state/full")).unwrap();
    let said = programs.run("program", &["weigh"]);
    let failed = "`weigh` on server `builds`: it has not run, since the server made room for this build first, and has ended, but what it was to save may be lost: `.on_stop` failed: there is no space; see ";
    assert!(
        said.starts_with("Unreachable(") && said.contains(failed),
        "{said}"
    );
    assert_eq!(programs.run("program", &["weigh"]), "7");
    assert_ne!(programs.pid("program"), first);
}

/// Runs a program that is its own server.
fn run(home: &Home, words: &[&str]) -> Output {
    let servers = ["SAVING", "FAILING"].map(|server| (format!("REMOTEX_{server}"), "off"));
    home.zoo(words).envs(servers).output().unwrap()
}

#[test]
fn a_program_that_is_its_own_server_loads_and_saves() {
    let home = Home::new();
    for (new, old) in [("one", ""), ("two", "one"), ("three", "two")] {
        let output = run(&home, &["saved", new]);
        assert_eq!(stdout(&output), format!("{old:?}"));
        assert!(stderr(&output).is_empty(), "{output:?}");
    }
    assert!(home.servers().is_empty());
}

#[test]
fn a_program_that_is_its_own_server_and_calls_nothing_loads_and_saves_nothing() {
    let home = Home::new();
    assert_eq!(stdout(&run(&home, &["stop", "saving"])), "()");
    assert!(!home.path("state/value").exists());
}

#[test]
fn a_program_that_is_its_own_server_says_that_its_state_is_not_saved() {
    let home = Home::new();
    fs::create_dir_all(home.path("state/value")).unwrap();
    let output = run(&home, &["saved", "one"]);
    assert_eq!(stdout(&output), r#""""#);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let failed =
        "server `saving`: what it was to save may be lost: `.on_stop` failed: Is a directory";
    assert!(stderr(&output).contains(failed), "{output:?}");
}

#[test]
fn a_call_in_a_program_that_is_its_own_server_says_why_that_did_not_begin() {
    let home = Home::new();
    let said = stdout(&run(&home, &["failing"]));
    assert_eq!(
        said,
        "Unreachable false `failing_start` on server `failing`: it cannot run in this process: `.on_start` failed: there is no water"
    );
}

/// A server whose functions run in another server saves before the successor of that one loads.
#[test]
fn what_runs_in_a_daemon_is_saved_before_the_next_one_loads() {
    let home = Home::new();
    for (new, old) in [("one", ""), ("two", "one"), ("three", "two")] {
        let output = run(&home, &["saved-there", new]);
        assert_eq!(stdout(&output), format!("{old:?}"));
        assert_eq!(stdout(&run(&home, &["restart", "zoo"])), "()");
    }
}
