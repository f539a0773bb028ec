//! Servers at the other end of a process: on another machine, to which ssh leads (a real `sshd`, on this
//! one), or a child that is the server itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::Machine;
use crate::support::{
    Home, Running, await_that, begin, board, is_alive, kill, pid_of, printed, program_path, stderr,
    stdout,
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
    let words = ["busy", "2", "300", runs.to_str().unwrap()];
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
    assert_eq!(printed(client), "(600, 0)", "all are answered");
    let noted = fs::read_to_string(&runs).unwrap();
    let once: std::collections::HashSet<_> = noted.lines().collect();
    assert_eq!(
        (noted.lines().count(), once.len()),
        (600, 600),
        "and have run once"
    );
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

/// The processes that a process has started.
fn children(of: u32) -> Vec<i32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next();
        let parent = parent.and_then(|rest| rest.split_whitespace().nth(1));
        parent == Some(&*of.to_string())
    })
    .collect()
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
