use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::{self, Home, Running, await_that, begin, is_alive, kill, printed, stdout};

fn is_saved(home: &Home) -> bool {
    fs::read_to_string(home.path("state/saved")).is_ok_and(|text| text == "saved")
}

#[test]
fn a_hangup_ends_a_daemon_as_a_termination_does() {
    for signals in [
        &[Signal::HUP][..],
        &[Signal::TERM, Signal::HUP],
        &[Signal::HUP, Signal::TERM],
        // As timeout(1) sends it.
        &[Signal::TERM, Signal::TERM],
    ] {
        let home = Home::new();
        let pid = home.run_zoo(&["printing"]).parse().unwrap();
        for &signal in signals {
            kill(pid, signal);
        }
        await_that(|| !is_alive(pid));
        assert!(is_saved(&home), "{signals:?}");
        assert!(!home.socket("printing").exists(), "{signals:?}");
    }
}

#[test]
fn a_hangup_ends_a_server_in_the_foreground_after_its_calls() {
    let home = Home::new();
    let server = home.serve(&["serve"], "zoo");
    let go = home.path("go");
    let call = begin(&mut home.zoo(&["slow", go.to_str().unwrap()]));
    await_that(|| home.path("go.began").exists());
    let pid = server.pid();
    server.signal(Signal::HUP);
    await_that(|| {
        home.run_zoo(&["status", "zoo"])
            .contains("is ending just now")
    });
    // However many come, none of them is the second signal that ends it at once.
    server.signal(Signal::HUP);
    server.signal(Signal::HUP);
    fs::write(go, "").unwrap();
    assert_eq!(printed(call), pid.to_string());
    let output = server.output();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stdout(&output), "()");
}

/// Under nohup.
#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let home = Home::new();
    let zoo = support::program_path("zoo");
    let mut shell = home.any("sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    let child = shell.arg(zoo).args(["serve", "printing"]);
    let server = Running::of(
        child
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    await_that(|| home.run_zoo(&["status", "printing"]).starts_with('('));
    server.signal(Signal::HUP);
    assert_eq!(home.run_zoo(&["printing"]), server.pid().to_string());
    server.signal(Signal::TERM);
    let output = server.output();
    assert_eq!(output.status.signal(), None, "{output:?}");
    assert!(is_saved(&home));
}

#[test]
fn a_server_whose_terminal_closes_saves() {
    let home = Home::new();
    let zoo = support::program_path("zoo");
    let serve = format!("exec '{}' serve printing", zoo.display());
    let mut script = home.any("script");
    script.args(["-qec", &serve, "/dev/null"]);
    let terminal = match script.stdin(Stdio::null()).stdout(Stdio::null()).spawn() {
        Ok(script) => Running::of(script),
        Err(e) => return eprintln!("left out, for want of `script`: {e}"),
    };
    await_that(|| home.run_zoo(&["status", "printing"]).starts_with('('));
    let pid: i32 = home.run_zoo(&["printing"]).parse().unwrap();
    terminal.signal(Signal::KILL);
    await_that(|| !is_alive(pid));
    assert!(is_saved(&home));
}

#[test]
fn a_child_saves_though_nobody_reads_any_more() {
    let home = Home::new();
    let temporary = home.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let zoo = support::program_path("zoo");
    let client = |words: &[&str]| {
        let mut client = home.zoo(words);
        let address = format!("stdio:{}", zoo.display());
        client
            .env("REMOTEX_PRINTING", address)
            .env("TMPDIR", &temporary);
        client.stderr(Stdio::null());
        client
    };
    let pid = stdout(&client(&["printing"]).output().unwrap());
    await_that(|| !is_alive(pid.parse().unwrap()));
    assert!(is_saved(&home));
    assert_eq!(
        fs::read_dir(&temporary).unwrap().count(),
        0,
        "nothing stays"
    );
}

/// The client's end is no reason for a call that runs, and prints, to end within.
#[test]
fn a_running_call_of_a_child_outlives_its_client() {
    let home = Home::new();
    let zoo = support::program_path("zoo");
    let (go, printed) = (home.path("go"), home.path("go.printed"));
    let mut client = home.zoo(&["print-later", go.to_str().unwrap()]);
    let address = format!("stdio:{}", zoo.display());
    client.env("REMOTEX_PRINTING", address);
    let mut client: std::process::Child = Command::spawn(client.stderr(Stdio::piped())).unwrap();
    await_that(|| home.path("go.began").exists());
    client.kill().unwrap();
    drop(client.stderr.take());
    client.wait().unwrap();
    fs::write(go, "").unwrap();
    await_that(|| printed.exists());
    await_that(|| is_saved(&home));
}
