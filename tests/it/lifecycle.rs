use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Home, await_that, checks, is_alive, printed, stderr, stdout};

checks! { "holding";
    a_call_on_what_has_ended_starts_no_server: "stop";
    traits_of_the_user_with_the_same_methods_are_no_obstacle: "beside";
}

#[test]
fn the_first_of_many_calls_starts_one_server() {
    let home = Home::new();
    let clients: Vec<_> = (0..32).map(|_| home.begin_zoo(&["pid"])).collect();
    let pids: HashSet<_> = clients.into_iter().map(printed).collect();
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
    assert_eq!(mode(home.path("run/remotex/zoo.lock")), 0o1600);
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
fn a_child_that_never_calls_init_is_told_apart_and_starts_nothing() {
    let home = Home::new();
    let mut call = home.zoo(&["pid"]);
    let said = stdout(&call.env("XDG_ZOO_FORGETS", "1").output().unwrap());
    assert!(
        said.starts_with("Unreachable false `pid` on server `zoo`: the server did not start: its process ended before it reached `remotex::init()`"),
        "{said}"
    );
    // What it says itself is in its log: that it may not start another one.
    assert!(
        said.contains("a process that has not called `remotex::init()` starts nothing"),
        "{said}"
    );
    assert!(home.servers().is_empty());
}

/// It takes as long as a server may take to start.
#[test]
fn a_server_blocks_no_signal_that_its_starter_blocks() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["blocked", "start", "zoo"]), "()");
    let pid = home.run_zoo(&["pid"]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim().to_owned()
    };
    assert_eq!(of("SigBlk:"), "0".repeat(16));
    let ignored = u64::from_str_radix(&of("SigIgn:"), 16).unwrap();
    assert_eq!(ignored & (1 << (libc::SIGRTMIN() + 3 - 1)), 0);
    crate::support::kill(pid.parse().unwrap(), rustix::process::Signal::TERM);
    await_that(|| home.servers().is_empty());
}

#[test]
fn the_shell_has_the_answer_of_a_first_call_at_once() {
    let home = Home::new();
    let script = format!(
        "x=$({} pid) && echo \"[$x]\"",
        crate::support::program_path("zoo").display()
    );
    let output = home.any("sh").args(["-c", &script]).output().unwrap();
    let pid = home.run_zoo(&["pid"]);
    assert_eq!(stdout(&output), format!("[{pid}]"));
}

#[test]
fn a_program_under_an_async_runtime() {
    let home = Home::new();
    let output = home.command("async").output().unwrap();
    assert_eq!(stdout(&output), "2", "{}", stderr(&output));
    assert_eq!(home.servers().len(), 1);
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
