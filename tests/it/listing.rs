//! What the command shows of servers, whatever their names and places are.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::support::{Home, Running, await_that, program_path, stdout};

#[test]
fn servers_of_one_name_are_told_apart_by_their_addresses() {
    let home = Home::new();
    home.run_zoo(&["start", "zoo"]);
    assert!(!home.run_remotex(&["ls"]).contains("unix:"));
    let elsewhere = format!("unix:{}", home.path("elsewhere.sock").display());
    let at = |words: &[&str]| {
        let output = home
            .zoo(words)
            .env("REMOTEX_ZOO", &elsewhere)
            .output()
            .unwrap();
        stdout(&output)
    };
    assert_eq!(at(&["start", "zoo"]), "()");
    let listed = home.run_remotex(&["ls"]);
    let usual = format!("\tunix:{}", home.socket("zoo").display());
    assert!(
        listed.lines().count() == 2 && listed.contains(&usual) && listed.contains(&elsewhere),
        "{listed}"
    );
    let (code, asked) = home.refusal(&["stop", "zoo"]);
    assert!(
        code == 3
            && asked.contains("there is more than one; say which by the variable REMOTEX_ZOO"),
        "{asked}"
    );
    // Of those that differ, the only one that runs is meant.
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    home.run_remotex(&["stop", "zoo"]);
    assert!(at(&["status", "zoo"]).ends_with("it does not run"));
}

#[test]
fn a_path_with_an_end_of_line_is_one_row() {
    let home = Home::new();
    let folder = home.path("new\nline");
    fs::create_dir(&folder).unwrap();
    // By another process, so that no child of another test has it open for writing.
    let mut copy = home.any("cp");
    assert!(
        copy.arg(program_path("zoo"))
            .arg(&folder)
            .status()
            .unwrap()
            .success()
    );
    let mut start = home.any(folder.join("zoo"));
    assert_eq!(
        stdout(&start.args(["start", "zoo"]).output().unwrap()),
        "()"
    );
    let listed = home.run_remotex(&["ls"]);
    assert!(
        listed.lines().count() == 1 && listed.contains(r"new\nline/zoo"),
        "{listed}"
    );
}

#[test]
fn a_log_that_is_followed_is_left_with_its_reader() {
    let home = Home::new();
    home.run_zoo(&["shout"]);
    let mut logs = home.remotex(&["logs", "zoo", "-f"]);
    let mut logs = logs.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().is_ok());
    // Nothing comes any more.
    drop(lines);
    let logs = Running::of(logs);
    await_that(|| !crate::support::is_alive(logs.pid()));
}
