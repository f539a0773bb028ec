//! A child that is the server itself, for the program that has started it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{
    Home, Running, await_that, begin, children, is_alive, kill, pid_of, printed, program_path,
    stderr, stdout,
};

/// Writes a script that says more than a pipe holds before it becomes the zoo, and returns its path.
fn loud(home: &Home) -> PathBuf {
    let script = home.path("loud");
    let zoo = program_path("zoo").display().to_string();
    let text =
        format!("#!/bin/sh\nhead -c 200000 /dev/zero | tr '\\0' x >&2\nexec '{zoo}' \"$@\"\n");
    // By another process, so that no child of another test has it open for writing.
    let mut write = home.any("sh");
    write.args([
        "-c",
        "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"",
        "sh",
        &text,
    ]);
    assert!(write.arg(&script).status().unwrap().success());
    script
}

/// All that it says reaches its client's standard error.
#[test]
fn a_child_that_says_much_before_its_hello_is_not_waited_for() {
    let home = Home::new();
    let mut client = home.zoo(&["pid"]);
    let address = format!("stdio:{}", loud(&home).display());
    let output = client.env("REMOTEX_ZOO", &address).output().unwrap();
    assert!(output.status.success(), "{}", stdout(&output));
    let said = output.stderr.iter().filter(|&&byte| byte == b'x').count();
    assert_eq!(said, 200_000);
    // Where it leads to no server, the error quotes the beginning of it.
    let mut client = home.zoo(&["failing"]);
    let output = client.env("REMOTEX_FAILING", &address).output().unwrap();
    let said = stdout(&output);
    assert!(
        said.starts_with("Unreachable false ") && said.contains("xxxx"),
        "{said:.200}"
    );
    assert!(said.len() < 6000, "{}", said.len());
}

/// A program whose server is a child of its own.
fn with_child(home: &Home, program: &str, server: &str, child: &str) -> Command {
    let mut command = home.command(program);
    let address = format!("stdio:{}", program_path(child).display());
    command.env(format!("REMOTEX_{}", server.to_uppercase()), address);
    command
}

#[test]
fn what_holds_of_calls_holds_over_a_childs_input_and_output() {
    let home = Home::new();
    for check in ["arguments", "paths", "blocks", "failures", "panics"] {
        let output = with_child(&home, "zoo", "zoo", "zoo")
            .args(["check", check])
            .output()
            .unwrap();
        assert!(output.status.success(), "{check}: {}", stderr(&output));
    }
    assert!(home.servers().is_empty());
}

#[test]
fn a_child_that_serves_ends_with_its_client() {
    let home = Home::new();
    let zoo = |words: &[&str]| {
        stdout(
            &with_child(&home, "zoo", "zoo", "zoo")
                .args(words)
                .output()
                .unwrap(),
        )
    };
    let (one, two) = (zoo(&["pid"]), zoo(&["pid"]));
    assert_ne!(one, two, "each client has its own");
    for pid in [one, two] {
        let pid = pid.parse().unwrap();
        await_that(|| !is_alive(pid));
    }
    // What it prints goes elsewhere than the bytes.
    assert_eq!(zoo(&["shout"]), "()");
    // Processes that it starts are not for that.
    let environment = zoo(&["environment"]);
    assert!(
        environment.contains("HOME") && !environment.contains("_REMOTEX"),
        "{environment}"
    );
    let exited = zoo(&["exit"]);
    assert!(exited.starts_with("Lost true "), "{exited}");
    let stopped = zoo(&["status", "zoo"]);
    assert!(
        stopped.starts_with("Unreachable false ") && stopped.ends_with("it does not run"),
        "{stopped}"
    );
    assert_eq!(zoo(&["stop", "zoo"]), "()");
    // It has a status within, and can be told there to stop.
    let quit = zoo(&["bow-out"]);
    assert!(quit.ends_with(", 1)"), "{quit}");
    let pid = pid_of(&quit).unwrap();
    await_that(|| !is_alive(pid));
}

/// The child of a client has no files that it could leave, however it ends.
#[test]
fn nothing_stays_of_a_child_that_is_killed() {
    let home = Home::new();
    let (temporary, went) = (home.path("temporary"), home.path("went"));
    fs::create_dir(&temporary).unwrap();
    let went = went.to_str().unwrap();
    let mut client = with_child(&home, "zoo", "zoo", "zoo");
    client.env("TMPDIR", &temporary).args(["slow", went]);
    let client = begin(&mut client);
    await_that(|| home.path("went.began").exists());
    let child = children(client.id())[0];
    kill(child, rustix::process::Signal::KILL);
    assert!(printed(client).starts_with("Lost true "));
    let left = |folder: &Path| -> Vec<_> { fs::read_dir(folder).unwrap().flatten().collect() };
    assert!(left(&temporary).is_empty());
    assert!(!home.path("run/remotex").exists() || left(&home.path("run/remotex")).is_empty());
}

#[test]
fn a_client_that_is_killed_leaves_no_child() {
    let home = Home::new();
    let started = home.path("started");
    let mut client = with_child(&home, "zoo", "zoo", "zoo");
    let client = Running::of(
        client
            .args(["slow", started.to_str().unwrap()])
            .spawn()
            .unwrap(),
    );
    await_that(|| started.with_extension("began").exists());
    let child = children(client.pid().cast_unsigned())[0];
    client.signal(rustix::process::Signal::KILL);
    await_that(|| !is_alive(child));
}

#[test]
fn a_program_that_serves_by_hand_serves_a_parent_too() {
    let home = Home::new();
    let mut client = with_child(&home, "bboard-client", "bboard_2009", "bboard-server");
    let posted = client.arg("fresh bread").output().unwrap();
    assert!(posted.status.success(), "{}", stderr(&posted));
}

#[test]
fn what_is_no_server_is_named_as_a_child_too() {
    let home = Home::new();
    let at = |address: &str| {
        let mut zoo = home.zoo(&["pid"]);
        stdout(&zoo.env("REMOTEX_ZOO", address).output().unwrap())
    };
    let nothing = at("stdio:/no/such/program");
    assert!(
        nothing.starts_with("Unreachable false ")
            && nothing.contains("`/no/such/program` cannot be run"),
        "{nothing}"
    );
    let loud = at("stdio:/bin/echo hello");
    assert!(
        loud.starts_with("Malformed false ") && loud.contains("prints is nothing of remotex"),
        "{loud}"
    );
    let quiet = at("stdio:/bin/true");
    assert!(
        quiet.starts_with("Unreachable false ") && quiet.contains("has ended without a word"),
        "{quiet}"
    );
    // Its variables do not reach the program.
    let zoo = program_path("zoo");
    let bare = at(&format!("stdio:env -i {} pid", zoo.display()));
    assert!(
        bare.starts_with("Malformed false ")
            && bare.contains("-e _REMOTEX_RELAY -e _REMOTEX_RELAY_KEY"),
        "{bare}"
    );
    let passed = at(&format!(
        "stdio:env -i _REMOTEX_RELAY=serve:zoo {}",
        zoo.display()
    ));
    assert!(passed.parse::<u32>().is_ok(), "{passed}");
    let other = at(&format!("stdio:{}", program_path("bboard").display()));
    assert!(
        other.contains("no function of this program is remote on server `zoo`"),
        "{other}"
    );
    let failing = stdout(
        &with_child(&home, "zoo", "failing", "zoo")
            .arg("failing")
            .output()
            .unwrap(),
    );
    assert!(
        failing.starts_with("Unreachable false ") && failing.ends_with("there is no water"),
        "{failing}"
    );
}
