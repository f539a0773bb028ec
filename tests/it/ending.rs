use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::process::{Child, Stdio};

use rustix::process::Signal;

use crate::support::{Home, await_that, begin, is_alive, printed, stdout};

/// A call that runs, until there is a file `go`.
fn running_call(home: &Home) -> Child {
    let go = home.path("go");
    let mut call = home.zoo(&["slow", go.to_str().unwrap()]);
    let call = begin(&mut call);
    await_that(|| home.path("go.began").exists());
    call
}

/// Who connects to a server that is ending is told so.
fn await_ending(home: &Home) {
    await_that(|| {
        home.run_zoo(&["status", "zoo"])
            .contains("is ending just now")
    });
}

#[test]
fn signals_let_the_running_call_end_and_remove_the_socket() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let server = home.serve(&["serve"], "zoo");
        let call = running_call(&home);
        assert!(
            fs::metadata(home.socket("zoo"))
                .unwrap()
                .file_type()
                .is_socket()
        );
        let pid = server.pid();
        server.signal(signal);
        // The server must have begun to end before the call ends: it then says so to who connects.
        await_ending(&home);
        fs::write(home.path("go"), "").unwrap();
        assert_eq!(printed(call), pid.to_string());
        let output = server.output();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(stdout(&output), "()");
        assert!(!home.socket("zoo").exists());
    }
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    use std::os::unix::process::ExitStatusExt;

    let home = Home::new();
    let server = home.serve(&["serve"], "zoo");
    let call = running_call(&home);
    server.signal(Signal::TERM);
    await_ending(&home);
    server.signal(Signal::TERM);
    assert_eq!(server.output().status.signal(), Some(Signal::TERM.as_raw()));
    let said = printed(call);
    assert!(said.starts_with("Lost true "), "{said}");
}

#[test]
fn signals_mean_what_they_always_mean_when_no_server_runs() {
    use std::os::unix::process::ExitStatusExt;

    let home = Home::new();
    // It serves, is stopped, and then waits to serve again, for which it needs the lock.
    let server = home.serve(&["serve-twice"], "zoo");
    let folder = home.path("run/remotex");
    let start = fs::File::create(folder.join("zoo.start")).unwrap();
    rustix::fs::flock(&start, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    await_that(|| !home.socket("zoo").exists());
    server.signal(Signal::TERM);
    assert_eq!(server.output().status.signal(), Some(Signal::TERM.as_raw()));
}

#[test]
fn who_calls_while_a_server_ends_is_served_by_the_next() {
    let home = Home::new();
    let old = home.run_zoo(&["pid"]);
    let call = running_call(&home);
    let stop = home.begin_zoo(&["stop", "zoo"]);
    await_ending(&home);
    let waiting = home.begin_zoo(&["pid"]);
    let start = home.begin_zoo(&["start", "zoo"]);
    fs::write(home.path("go"), "").unwrap();
    assert_eq!(printed(call), old);
    assert_eq!(printed(stop), "()");
    let new = printed(waiting);
    assert_ne!(new, old);
    assert!(new.parse::<u32>().is_ok(), "{new}");
    assert_eq!(printed(start), "()");
    assert_eq!(home.run_zoo(&["pid"]), new);
    assert!(!is_alive(old.parse().unwrap()));
}

#[test]
fn a_killed_server_leaves_nothing_that_matters() {
    let home = Home::new();
    let old = home.run_zoo(&["pid"]);
    crate::support::kill(old.parse().unwrap(), Signal::KILL);
    await_that(|| !is_alive(old.parse().unwrap()));
    assert!(home.socket("zoo").exists(), "it had no time to remove it");
    let new = home.run_zoo(&["pid"]);
    assert!(new != old && new.parse::<u32>().is_ok(), "{new}");
}

#[test]
fn an_idle_server_ends_and_removes_its_socket() {
    let home = Home::new();
    let pid = home.run_zoo(&["brief"]).parse().unwrap();
    await_that(|| !is_alive(pid));
    assert!(!home.socket("brief").exists());
}

#[test]
fn a_function_may_stop_its_own_server() {
    let home = Home::new();
    let pid = home.run_zoo(&["brief"]).parse().unwrap();
    assert_eq!(home.run_zoo(&["quit"]), "()");
    await_that(|| !is_alive(pid));
}

#[test]
fn to_start_and_to_stop_twice_is_fine() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    assert!(!home.socket("zoo").exists(), "to stop starts nothing");
    assert_eq!(home.run_zoo(&["start", "zoo"]), "()");
    let pid = home.run_zoo(&["pid"]);
    assert_eq!(home.run_zoo(&["start", "zoo"]), "()");
    assert_eq!(home.run_zoo(&["pid"]), pid);
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    assert!(!home.socket("zoo").exists());
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    assert!(
        home.run_zoo(&["status", "zoo"])
            .starts_with("Unreachable false server `zoo`: it does not run")
    );
}

#[test]
fn on_start_and_on_stop_keep_what_the_server_had() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["saved", "one"]), r#""""#);
    assert_eq!(home.run_zoo(&["saved", "two"]), r#""one""#);
    assert_eq!(home.run_zoo(&["stop", "saving"]), "()");
    assert_eq!(home.run_zoo(&["saved", "three"]), r#""two""#);
}

#[test]
fn the_log_says_when_what_happened_and_which_hook_failed() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["saved", "one"]), r#""""#);
    // `.on_stop` writes its file where a folder lies.
    fs::create_dir(home.path("state/value")).unwrap();
    let said = home.run_zoo(&["stop", "saving"]);
    let failed = "server `saving`: it has ended, but what it was to save may be lost: `.on_stop` failed: Is a directory";
    assert!(said.starts_with("Failed true "), "{said}");
    assert!(said.contains(failed), "{said}");
    assert!(said.contains("saving.log` says"), "{said}");
    let log = fs::read_to_string(home.path("state/remotex/saving.log")).unwrap();
    for line in log.lines() {
        let (time, words) = line.split_at(20);
        let shape = time.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(shape, "0000-00-00T00:00:00Z", "{log}");
        assert!(words.starts_with(" remotex: server `saving`: "), "{log}");
    }
    let failed = "Z remotex: server `saving`: `.on_stop` failed: Is a directory";
    assert!(log.contains(failed), "{log}");
    assert!(
        log.contains("Z remotex: server `saving`: it ends: "),
        "{log}"
    );
}

#[test]
fn a_large_call_to_a_stopped_server_is_not_waited_for_for_ever() {
    let home = Home::new();
    let server = home.serve(&["serve"], "zoo");
    server.signal(Signal::STOP);
    let said = home.run_zoo(&["echo-large", "10000000"]);
    server.signal(Signal::CONT);
    assert!(
        said.starts_with("TimedOut false `echo` on server `zoo`: "),
        "{said}"
    );
}

#[test]
fn a_call_that_outlasts_the_grace_period_is_lost_and_not_promised() {
    let home = Home::new();
    home.run_zoo(&["start", "zoo"]);
    let call = running_call(&home);
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    fs::write(home.path("go"), "").unwrap();
    let said = printed(call);
    assert!(
        said.starts_with("Lost true `slow` on server `zoo`: "),
        "{said}"
    );
}

#[test]
fn who_ignores_a_signal_goes_on_doing_so() {
    let home = Home::new();
    // The same as under nohup: the program is started with SIGINT ignored.
    let script = format!(
        "trap '' INT; exec {} serve-twice",
        crate::support::program_path("zoo").display()
    );
    let command = home.command("zoo");
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let server = crate::support::Running::of(shell.spawn().unwrap());
    await_that(|| home.run_zoo(&["status", "zoo"]).starts_with('('));
    let start = fs::File::create(home.path("run/remotex/zoo.start")).unwrap();
    rustix::fs::flock(&start, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    server.signal(Signal::INT);
    rustix::fs::flock(&start, rustix::fs::FlockOperation::Unlock).unwrap();
    await_that(|| home.run_zoo(&["status", "zoo"]).starts_with('('));
    assert_eq!(home.run_zoo(&["pid"]), server.pid().to_string());
}

#[test]
fn a_stack_that_overflows_ends_the_server_and_the_next_call_works() {
    let home = Home::new();
    let said = home.run_zoo(&["overflow"]);
    let log = home.path("state/remotex/zoo.log");
    assert!(
        said.starts_with("Lost true `overflow` on server `zoo`: "),
        "{said}"
    );
    assert!(said.contains(log.to_str().unwrap()), "{said}");
    assert!(
        fs::read_to_string(log)
            .unwrap()
            .contains("has overflowed its stack")
    );
    assert!(home.run_zoo(&["pid"]).parse::<u32>().is_ok());
}

#[test]
fn a_server_without_descriptors_says_so_and_takes_calls_again() {
    let home = Home::new();
    let words = ["-c", "ulimit -n 64; exec \"$@\"", "sh"];
    let zoo = crate::support::program_path("zoo");
    let mut limited = home.any("sh");
    let start = limited
        .args(words)
        .arg(zoo)
        .args(["start", "zoo"])
        .output()
        .unwrap();
    assert_eq!(stdout(&start), "()");
    // A connection that is there goes on.
    let (mut stream, mut inbox) = crate::bytes::greeted(&home.socket("zoo"), "zoo");
    let many = home.run_zoo(&["hoard"]);
    assert!(many.parse::<u32>().unwrap() > 10, "{many}");
    // The caller's own descriptor is free again, once the server has seen that it has gone.
    let mut there = Vec::new();
    let mut said = String::new();
    await_that(|| {
        there.push(crate::support::connect(&home.socket("zoo")));
        said = home.run_zoo(&["pid"]);
        said.starts_with("Busy false `pid` on server `zoo`: ")
    });
    assert!(said.contains("no descriptor left"), "{said}");
    let answer = crate::bytes::call_on(&mut stream, &mut inbox, "unhoard");
    assert_eq!(answer, remote_runtime::wire::Kind::Answer);
    assert!(home.run_zoo(&["pid"]).parse::<u32>().is_ok());
}

#[test]
fn status_and_stop_work_while_a_call_is_stuck() {
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let call = running_call(&home);
    assert_eq!(home.run_zoo(&["running", "zoo"]), "1");
    assert_eq!(
        home.run_zoo(&["stop", "zoo"]),
        "()",
        "it insists after its grace period"
    );
    assert!(!is_alive(pid.parse().unwrap()));
    assert!(printed(call).starts_with("Lost true "));
}

#[test]
fn a_restart_refuses_nobody() {
    let home = Home::new();
    let old = home.run_zoo(&["pid"]);
    let call = running_call(&home);
    let restart = home.begin_zoo(&["restart", "zoo"]);
    await_ending(&home);
    let file = fs::metadata(home.socket("zoo")).unwrap();
    let waiting: Vec<_> = (0..8)
        .map(|_| home.begin_zoo(&["without-init", "pid"]))
        .collect();
    fs::write(home.path("go"), "").unwrap();
    assert_eq!(printed(call), old);
    assert_eq!(printed(restart), "()");
    let new = home.run_zoo(&["pid"]);
    assert_ne!(new, old);
    for caller in waiting {
        // They could not have started one themselves.
        assert_eq!(printed(caller), new);
    }
    use std::os::unix::fs::MetadataExt;
    assert_eq!(
        fs::metadata(home.socket("zoo")).unwrap().ino(),
        file.ino(),
        "it is the same socket"
    );
    await_that(|| home.servers().len() == 1);
}

#[test]
fn a_restart_leaves_a_server_though_the_old_one_is_killed_under_it() {
    for _ in 0..5 {
        let home = Home::new();
        let old = home.run_zoo(&["pid"]);
        let call = running_call(&home);
        let restart = home.begin_zoo(&["restart", "zoo"]);
        await_ending(&home);
        crate::support::kill(old.parse().unwrap(), Signal::KILL);
        assert_eq!(printed(restart), "()");
        let status = home.run_zoo(&["status", "zoo"]);
        assert!(status.starts_with('('), "{status}");
        assert!(printed(call).starts_with("Lost true "));
    }
}

#[test]
fn a_restart_of_a_stopped_process_is_given_up_as_soon_as_a_call() {
    let home = Home::new();
    let pid: i32 = home.run_zoo(&["pid"]).parse().unwrap();
    crate::support::kill(pid, Signal::STOP);
    let restart = home.begin_zoo(&["restart", "zoo"]);
    let said = home.run_zoo(&["pid"]);
    let restart = printed(restart);
    assert!(
        restart.starts_with("TimedOut false server `zoo`: "),
        "{restart}"
    );
    // Whether it asked before the restart took the start lock or not.
    assert!(
        said.starts_with("TimedOut true `pid` on server `zoo`: "),
        "{said}"
    );
    crate::support::kill(pid, Signal::CONT);
    assert!(home.run_zoo(&["pid"]).parse::<u32>().is_ok());
}

#[test]
fn a_restart_of_a_server_in_the_foreground_lets_it_return() {
    let home = Home::new();
    let server = home.serve(&["serve"], "zoo");
    assert_eq!(home.run_zoo(&["restart", "zoo"]), "()");
    let old = server.pid().to_string();
    let output = server.output();
    assert!(output.status.success(), "{output:?}");
    let new = home.run_zoo(&["pid"]);
    assert!(new != old && new.parse::<u32>().is_ok(), "{new}");
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    assert_eq!(
        home.run_zoo(&["restart", "zoo"]),
        "()",
        "if none runs, one is started"
    );
    assert_eq!(home.servers().len(), 1);
}

/// It takes as long as the grace period and `on_stop` may take.
#[test]
fn an_on_stop_that_hangs_is_given_up() {
    let home = Home::new();
    let began = home.path("began");
    let mut call = home.zoo(&["cling", began.to_str().unwrap()]);
    let call = begin(&mut call);
    await_that(|| began.exists());
    let said = home.run_zoo(&["stop", "clinging"]);
    assert!(
        said.contains("what it was to save may be lost: ") && said.contains("is given up"),
        "{said}"
    );
    assert!(printed(call).starts_with("Lost true "));
    assert!(home.servers().is_empty());
    let log = fs::read_to_string(home.path("state/remotex/clinging.log")).unwrap();
    let words = "`.on_stop`, or the end of what clients held, has not returned within";
    assert!(log.contains(words), "{log}");
}

#[test]
fn those_who_give_up_waiting_for_an_end_are_let_go() {
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let call = running_call(&home);
    let stop = home.begin_zoo(&["stop", "zoo"]);
    await_ending(&home);
    let open = || fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let before = open();
    for _ in 0..100 {
        drop(crate::support::connect(&home.socket("zoo")));
    }
    // The last ones are let go when the next one comes.
    await_that(|| {
        drop(crate::support::connect(&home.socket("zoo")));
        open() < before + 10
    });
    fs::write(home.path("go"), "").unwrap();
    assert_eq!(printed(call), pid);
    assert_eq!(printed(stop), "()");
}
