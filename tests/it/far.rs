//! Servers on another machine, to which ssh leads: a real `sshd`, on this one.

use std::fs;

use crate::machine::Machine;
use crate::support::{
    await_that, begin, board, children, kill, printed, program_path, stderr, stdout,
};

#[test]
fn a_board_on_another_machine_is_posted_to_and_read() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let post = machine
        .command("bboard", "bboard")
        .arg("from afar")
        .output()
        .unwrap();
    assert!(post.status.success(), "{}", stderr(&post));
    assert!(machine.here.servers().is_empty(), "it runs there");
    let read = stdout(&machine.command("bboard", "bboard").output().unwrap());
    assert!(read.ends_with(": from afar"), "{read}");
    // There, it is the same board.
    let there = stdout(&machine.there.command("bboard").output().unwrap());
    assert_eq!(there, read);
    let stopped = machine
        .command("bboard", "bboard")
        .arg("--stop")
        .output()
        .unwrap();
    assert!(stopped.status.success(), "{}", stderr(&stopped));
    assert!(machine.there.servers().is_empty());
}

#[test]
fn a_call_through_ssh_is_as_any_other() {
    let Some(machine) = Machine::new() else {
        return;
    };
    assert_eq!(machine.zoo(&["echo", "hello"]), "\"hello\"");
    assert_eq!(machine.zoo(&["echo-large", "3000000"]), "3000000");
    // What a function prints is in the log, and not between the bytes.
    assert_eq!(machine.zoo(&["shout"]), "()");
    let pid = machine.zoo(&["pid"]);
    assert_eq!(pid, machine.there.run_zoo(&["pid"]));
    let exited = machine.zoo(&["exit"]);
    assert!(exited.starts_with("Lost true "), "{exited}");
    let anew = machine.zoo(&["pid"]);
    assert_ne!(anew, pid);
    // Its paths are those of another machine.
    let nowhere = machine.zoo(&["meant", "a/b"]);
    assert!(nowhere.starts_with("(\"/dev/null/a/b\", "), "{nowhere}");
    assert_eq!(machine.zoo(&["words"]), "(None, [], false)");
    assert!(machine.zoo(&["status", "zoo"]).starts_with('('));
    assert_eq!(machine.zoo(&["stop", "zoo"]), "()");
    let stopped = machine.zoo(&["status", "zoo"]);
    assert!(
        stopped.starts_with("Unreachable false ") && stopped.ends_with("it does not run"),
        "{stopped}"
    );
    assert!(machine.there.servers().is_empty(), "to ask starts none");
    assert_eq!(machine.zoo(&["start", "zoo"]), "()");
    let restarted = machine.zoo(&["restart", "zoo"]);
    assert!(
        restarted.contains("it is not on this machine"),
        "{restarted}"
    );
}

#[test]
fn who_is_not_let_in_is_told_and_asked_for_nothing() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let doctor = || {
        let address = machine.command("zoo", "zoo");
        let mut command = machine.here.remotex(&["doctor", "zoo"]);
        let set = address
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let output = command.envs(set).output().unwrap();
        (output.status.code(), stdout(&output))
    };
    let (code, found) = doctor();
    assert!(
        code == Some(0) && found.contains("a call starts it"),
        "{found}"
    );
    let pid = machine.zoo(&["pid"]);
    let (code, found) = doctor();
    assert!(
        code == Some(0) && found.contains(&format!("process {pid} serves it")),
        "{found}"
    );
    machine.use_key("stranger");
    let (code, found) = doctor();
    assert!(
        code == Some(1) && found.contains("Permission denied"),
        "{found}"
    );
    let denied = machine.zoo(&["pid"]);
    assert!(
        denied.starts_with("Denied false ") && denied.contains("Permission denied"),
        "{denied}"
    );
    machine.use_key("user");
    fs::write(machine.here.path("known"), "").unwrap();
    let unknown = machine.zoo(&["pid"]);
    assert!(
        unknown.starts_with("Denied false ") && unknown.contains("verification failed"),
        "{unknown}"
    );
}

#[test]
fn what_is_no_server_there_is_named() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let at = |address: &str| {
        let mut zoo = machine.command("zoo", "zoo");
        stdout(&zoo.arg("pid").env("REMOTEX_ZOO", address).output().unwrap())
    };
    let nothing = at("ssh://127.0.0.1/no-such-program");
    assert!(
        nothing.starts_with("Unreachable false ") && nothing.contains("has ended without a word"),
        "{nothing}"
    );
    let quiet = at("ssh://127.0.0.1//bin/true");
    assert!(quiet.starts_with("Unreachable false "), "{quiet}");
    let loud = at("ssh://127.0.0.1//bin/pwd");
    assert!(
        loud.starts_with("Malformed false ") && loud.contains("is nothing of remotex"),
        "{loud}"
    );
    let other = at(&format!(
        "ssh://127.0.0.1/{}",
        program_path("bboard").display()
    ));
    assert!(
        other.contains("no function of this program is remote on server `zoo`"),
        "{other}"
    );
    // What stands before the program is none of its variables.
    let folder = machine.there.path("a=b");
    fs::create_dir(&folder).unwrap();
    // By another process, since a child that is begun meanwhile would have it open for writing.
    let mut copy = std::process::Command::new("cp");
    copy.arg(program_path("zoo")).arg(&folder);
    assert!(copy.status().unwrap().success());
    let odd = at(&format!("ssh://127.0.0.1/{}", folder.join("zoo").display()));
    assert!(odd.parse::<u32>().is_ok(), "{odd}");
    let none = at("ssh://");
    assert!(none.contains("which is no address"), "{none}");
    let option = at("ssh://-oProxyCommand=x/y");
    assert!(option.contains("which is no address"), "{option}");
    let nowhere = at("ssh://no-such-host.invalid/x");
    assert!(
        nowhere.starts_with("Unreachable false ") && nowhere.contains("cannot be reached"),
        "{nowhere}"
    );
}

#[test]
fn a_start_that_fails_there_is_told_here() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let mut failing = machine.command("zoo", "failing");
    let failed = stdout(&failing.arg("failing").output().unwrap());
    assert!(
        failed.starts_with("Unreachable false ") && failed.ends_with("there is no water"),
        "{failed}"
    );
}

#[test]
fn the_command_calls_there_too() {
    let Some(machine) = Machine::new() else {
        return;
    };
    board(&machine.there);
    let remotex = |words: &[&str]| {
        let mut command = machine.command("bboard", "bboard");
        let set: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command = machine.here.remotex(words);
        stdout(&command.envs(set).output().unwrap())
    };
    let read = remotex(&["call", "bboard", "read"]);
    assert!(read.contains("\"item\":\"hello world\""), "{read}");
    assert!(remotex(&["show", "bboard"]).contains("Pins an item to the board."));
    assert!(remotex(&["status", "bboard"]).contains("address     ssh://127.0.0.1/"));
}

#[test]
fn what_holds_of_calls_holds_through_ssh() {
    let Some(machine) = Machine::new() else {
        return;
    };
    for check in ["arguments", "failures", "panics"] {
        let output = machine
            .command("zoo", "zoo")
            .args(["check", check])
            .output()
            .unwrap();
        assert!(output.status.success(), "{check}: {}", stderr(&output));
    }
}

/// What runs there goes on, and a client that lives on finds it again.
#[test]
fn a_machine_that_is_out_of_reach_for_a_moment_is_waited_for() {
    let Some(machine) = Machine::new() else {
        return;
    };
    assert_eq!(machine.zoo(&["start", "zoo"]), "()");
    let runs = machine.here.path("runs");
    let words = ["busy", "2", "2000", runs.to_str().unwrap()];
    let client = begin(machine.command("zoo", "zoo").args(words));
    let noted = || {
        fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    for _ in 0..3 {
        let before = noted();
        await_that(|| noted() > before + 20);
        machine.lose();
        for ssh in children(client.id()) {
            kill(ssh, rustix::process::Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(700));
        machine.use_key("user");
    }
    assert_eq!(printed(client), "(4000, 0)", "all are answered");
    let noted = fs::read_to_string(&runs).unwrap();
    let once: std::collections::HashSet<_> = noted.lines().collect();
    assert_eq!(
        (noted.lines().count(), once.len()),
        (4000, 4000),
        "and have run once"
    );
}
