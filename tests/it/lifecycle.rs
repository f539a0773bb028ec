use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{Home, await_that, is_alive, stderr, stdout};

#[test]
fn the_first_of_many_calls_starts_one_server() {
    let home = Home::new();
    let clients: Vec<_> = (0..32)
        .map(|_| home.zoo(&["pid"]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    let pids: HashSet<_> = clients
        .into_iter()
        .map(|client| stdout(&client.wait_with_output().unwrap()))
        .collect();
    assert_eq!(pids.len(), 1, "{pids:?}");
    assert!(is_alive(pids.into_iter().next().unwrap().parse().unwrap()));
}

#[test]
fn a_server_has_nothing_of_who_started_it() {
    let home = Home::new();
    let folder = home.path("elsewhere");
    fs::create_dir(&folder).unwrap();
    let file = fs::File::create(home.path("leaks")).unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    // `output` reads to the end of the pipes, which is there only if the server has not kept them.
    let output = home
        .zoo(&["descriptors"])
        .current_dir(&folder)
        .env("SECRET", "x")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let descriptors = stdout(&output);
    assert!(
        !descriptors.contains("pipe:") && !descriptors.contains("leaks"),
        "{descriptors}"
    );
    assert_eq!(home.run_zoo(&["cwd"]), r#""/""#);
    let environment = home.run_zoo(&["environment"]);
    assert!(
        environment.contains(r#""LC_ALL""#) && environment.contains(r#""HOME""#),
        "{environment}"
    );
    assert!(!environment.contains("SECRET"), "{environment}");
}

#[test]
fn the_socket_is_for_its_owner() {
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(home.path("run/remotex")), 0o700);
    assert_eq!(mode(home.socket("zoo")), 0o1600);
    assert_eq!(mode(home.path("state/remotex/zoo.log")), 0o600);
    assert_eq!(mode(home.path("run/remotex/zoo.lock")), 0o600);
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let home = Home::new();
    home.run_zoo(&["pid"]);
    fs::set_permissions(home.path("run/remotex"), fs::Permissions::from_mode(0o777)).unwrap();
    let said = home.run_zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false `pid` on server `zoo`: the folder `"),
        "{said}"
    );
    assert!(said.contains("chmod 700"), "{said}");
}

#[test]
fn a_path_that_is_too_long_is_named() {
    let home = Home::new();
    let long = home.path(&"x".repeat(100));
    fs::create_dir(&long).unwrap();
    let said = stdout(
        &home
            .zoo(&["pid"])
            .env("XDG_RUNTIME_DIR", &long)
            .output()
            .unwrap(),
    );
    assert!(
        said.starts_with("Io false `pid` on server `zoo`: ") && said.contains("104 bytes"),
        "{said}"
    );
    assert!(said.contains(long.to_str().unwrap()), "{said}");
}

#[test]
fn a_second_server_is_refused_and_the_first_left_alone() {
    let home = Home::new();
    let first = home.serve(&["serve"], "zoo");
    let second = home.zoo(&["serve"]).output().unwrap();
    let said = stdout(&second);
    assert!(
        said.starts_with(&format!(
            "Io false server `zoo`: process {} serves it already",
            first.pid()
        )),
        "{said}"
    );
    assert_eq!(home.run_zoo(&["pid"]), first.pid().to_string());
}

#[test]
fn signals_let_the_running_call_end_and_remove_the_socket() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let server = home.serve(&["serve"], "zoo");
        let call = home
            .zoo(&["slow", home.path("go").to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        await_that(|| home.path("go.began").exists());
        assert!(
            fs::metadata(home.socket("zoo"))
                .unwrap()
                .file_type()
                .is_socket()
        );
        let pid = server.pid();
        server.signal(signal);
        // The server must have begun to end before the call ends: it then says so to who connects.
        await_that(|| {
            home.run_zoo(&["status", "zoo"])
                .contains("is ending just now")
        });
        fs::write(home.path("go"), "").unwrap();
        assert_eq!(stdout(&call.wait_with_output().unwrap()), pid.to_string());
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
    let go = home.path("go");
    let slow = ["slow", go.to_str().unwrap()];
    let call = home.zoo(&slow).stdout(Stdio::piped()).spawn().unwrap();
    await_that(|| home.path("go.began").exists());
    server.signal(Signal::TERM);
    await_that(|| {
        home.run_zoo(&["status", "zoo"])
            .contains("is ending just now")
    });
    server.signal(Signal::TERM);
    assert_eq!(server.output().status.signal(), Some(Signal::TERM.as_raw()));
    let said = stdout(&call.wait_with_output().unwrap());
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
    let call = home
        .zoo(&["slow", home.path("go").to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    await_that(|| home.path("go.began").exists());
    let stop = home
        .zoo(&["stop", "zoo"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    await_that(|| {
        home.run_zoo(&["status", "zoo"])
            .contains("is ending just now")
    });
    let waiting = home.zoo(&["pid"]).stdout(Stdio::piped()).spawn().unwrap();
    let start = home
        .zoo(&["start", "zoo"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(home.path("go"), "").unwrap();
    assert_eq!(stdout(&call.wait_with_output().unwrap()), old);
    assert_eq!(stdout(&stop.wait_with_output().unwrap()), "()");
    let new = stdout(&waiting.wait_with_output().unwrap());
    assert_ne!(new, old);
    assert!(new.parse::<u32>().is_ok(), "{new}");
    assert_eq!(stdout(&start.wait_with_output().unwrap()), "()");
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
fn a_start_that_fails_says_why_to_who_calls() {
    let home = Home::new();
    for _ in 0..2 {
        let said = home.run_zoo(&["failing"]);
        assert_eq!(
            said,
            "Unreachable false `failing_start` on server `failing`: the server did not start: there is no water"
        );
        assert!(!home.socket("failing").exists());
    }
    let said = home.run_zoo(&["serve", "failing"]);
    assert_eq!(said, "Failed true there is no water");
}

#[test]
fn a_server_that_dies_while_it_starts_is_an_error_with_its_last_words() {
    let home = Home::new();
    let said = home.run_zoo(&["dying"]);
    assert!(
        said.starts_with(
            "Unreachable false `dying_start` on server `dying`: the server did not start: "
        ),
        "{said}"
    );
    assert!(
        said.contains("ended while it started") && said.contains("the zoo burns down"),
        "{said}"
    );
}

#[test]
fn a_process_that_has_not_called_init_starts_nothing() {
    let home = Home::new();
    let said = home.run_zoo(&["without-init", "pid"]);
    assert!(
        said.starts_with("Unreachable false `pid` on server `zoo`: nobody listens at `unix:"),
        "{said}"
    );
    assert!(
        said.contains("`remotex::init()`") && said.contains("REMOTEX_ZOO=local:"),
        "{said}"
    );
    assert!(!home.socket("zoo").exists());
}

#[test]
fn a_file_at_the_address_is_not_touched() {
    let home = Home::new();
    let file = home.path("precious.txt");
    fs::write(&file, "precious").unwrap();
    let address = format!("unix:{}", file.display());
    let said = stdout(
        &home
            .zoo(&["pid"])
            .env("REMOTEX_ZOO", address)
            .output()
            .unwrap(),
    );
    assert!(
        said.starts_with("Denied false `pid` on server `zoo`: `/"),
        "{said}"
    );
    assert!(said.contains("is a file, and no socket"), "{said}");
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
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
    let call = home
        .zoo(&["slow", home.path("go").to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    await_that(|| home.path("go.began").exists());
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    fs::write(home.path("go"), "").unwrap();
    let said = stdout(&call.wait_with_output().unwrap());
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
fn two_of_one_name_are_refused_with_both_places() {
    let home = Home::new();
    let said = home.run_zoo(&["twins"]);
    assert!(
        said.contains("`twin` is the name of two functions, at "),
        "{said}"
    );
    assert_eq!(said.matches("servers.rs:").count(), 2, "{said}");
    let said = home.run_zoo(&["doubles"]);
    assert!(said.contains("two servers have this name, at "), "{said}");
    assert_eq!(said.matches("servers.rs:").count(), 2, "{said}");
}

#[test]
fn beyond_max_connections_a_call_is_busy() {
    let home = Home::new();
    home.run_zoo(&["start", "few"]);
    // The server has noticed that who started it has gone: only who asks is connected.
    await_that(|| home.run_zoo(&["status", "few"]).ends_with(", 1)"));
    let socket = home.socket("few");
    let two: Vec<_> = (0..2)
        .map(|_| crate::bytes::greeted(&socket, "few"))
        .collect();
    assert!(
        home.run_zoo(&["status", "few"]).starts_with('('),
        "control always works"
    );
    let said = home.run_zoo(&["few"]);
    assert!(
        said.starts_with("Busy false `few` on server `few`: "),
        "{said}"
    );
    drop(two);
    await_that(|| home.run_zoo(&["few"]).parse::<u32>().is_ok());
    let _two: Vec<_> = (0..2)
        .map(|_| crate::bytes::greeted(&socket, "few"))
        .collect();
    assert_eq!(home.run_zoo(&["stop", "few"]), "()");
    assert!(!socket.exists());
}

#[test]
fn a_program_under_another_folder_of_sockets_is_another_server() {
    let (one, two) = (Home::new(), Home::new());
    assert_ne!(one.run_zoo(&["pid"]), two.run_zoo(&["pid"]));
    let address = format!("unix:{}", one.socket("zoo").display());
    let there = two
        .zoo(&["pid"])
        .env("REMOTEX_ZOO", &address)
        .output()
        .unwrap();
    assert_eq!(stdout(&there), one.run_zoo(&["pid"]));
    let wrong = two
        .zoo(&["few"])
        .env("REMOTEX_FEW", &address)
        .output()
        .unwrap();
    let said = stdout(&wrong);
    assert!(
        said.starts_with("Mismatch false `few` on server `few`: server `zoo` listens at "),
        "{said}"
    );
    assert!(stderr(&wrong).is_empty());
}
