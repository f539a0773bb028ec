//! What the command does with servers as a whole, and what other programs have of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::json;

use crate::identity::install;
use crate::support::{Home, Running, await_that, board, json_of, stderr, stdout};

#[test]
fn a_log_is_followed_into_the_next_file() {
    let home = Home::new();
    let note = |text: &str| {
        let noted = home.command("diary").args(["note", text]).output();
        assert!(noted.unwrap().status.success());
    };
    note("one");
    note("two");
    assert_eq!(
        home.run_remotex(&["logs", "diary", "-n", "1"]),
        "note 2: two"
    );
    let mut follower = home
        .remotex(&["logs", "diary", "-f", "-n", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let _follower = Running::of(follower);
    assert_eq!(lines.next().unwrap().unwrap(), "note 2: two");
    note("three");
    assert_eq!(lines.next().unwrap().unwrap(), "note 3: three");
    let status = json_of(&home, &["status", "diary", "--json"]);
    let log = PathBuf::from(status["log"].as_str().unwrap());
    fs::rename(&log, log.with_extension("log.old")).unwrap();
    fs::write(&log, "from another file\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "from another file");
}

#[test]
fn servers_of_keys_are_told_apart() {
    let home = Home::new();
    let folders = ["a", "b"].map(|name| home.path(name));
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
        assert!(
            home.zoo(&["folder"])
                .current_dir(folder)
                .output()
                .unwrap()
                .status
                .success()
        );
    }
    let [a, b] = folders.map(|folder| folder.display().to_string());
    let listed = json_of(&home, &["ls", "--json"]);
    assert_eq!(
        (&listed[0]["key"], &listed[1]["key"]),
        (&json!(a), &json!(b))
    );
    let (code, words) = home.refusal(&["status", "folders"]);
    assert_eq!(
        (code, words),
        (
            3,
            format!(
                "server `folders`: there is more than one; say which by its key (`--key`): {a}, {b}"
            )
        )
    );
    assert_eq!(
        json_of(&home, &["status", "folders", "--key", &b, "--json"])["key"],
        json!(b)
    );
    home.run_remotex(&["stop", "folders", "--key", &a]);
    // Only one is left that runs.
    assert_eq!(
        json_of(&home, &["status", "folders", "--json"])["key"],
        json!(b)
    );
    let words = home.refusal(&["status", "folders", "--key", &a]).1;
    assert!(
        words.ends_with(&format!("start it with `remotex start folders --key {a}`")),
        "{words}"
    );
    home.run_remotex(&["start", "folders", "--key", &a]);
    assert_eq!(
        json_of(&home, &["status", "folders", "--key", &a, "--json"])["key"],
        json!(a)
    );
}

#[test]
fn a_server_that_lies_elsewhere_is_found() {
    let home = Home::new();
    let socket = home.path("elsewhere.sock");
    let moved = format!("unix:{}", socket.display());
    let posted = home
        .command("bboard")
        .arg("hello")
        .env("REMOTEX_BBOARD", &moved)
        .status()
        .unwrap();
    assert!(posted.success());
    let listed = json_of(&home, &["ls", "--json"]);
    assert_eq!(
        (&listed[0]["state"], &listed[0]["address"]),
        (&json!("running"), &json!(moved))
    );
    assert_eq!(
        json_of(&home, &["call", "bboard", "read"])[0]["item"],
        "hello"
    );
    home.run_remotex(&["stop", "bboard"]);
    home.run_remotex(&["start", "bboard"]);
    assert_eq!(
        json_of(&home, &["status", "bboard", "--json"])["address"],
        json!(moved)
    );
    home.run_remotex(&["stop", "bboard"]);
    fs::remove_file(home.path("elsewhere.lock")).unwrap();
    assert_eq!(home.run_remotex(&["ls"]), "", "nothing is left of it");
}

#[test]
fn what_cannot_be_started_from_here_is_told() {
    let home = Home::new();
    let server = home.serve(&["without-init-serve"], "zoo");
    drop(server);
    let words = home.refusal(&["start", "zoo"]).1;
    assert!(
        words.contains(
            "serves where it is run by hand, and does not call `remotex::init()`; run it again"
        ),
        "{words}"
    );
    home.zoo(&["start", "offering"]).output().unwrap();
    home.run_remotex(&["stop", "offering"]);
    let off = home
        .remotex(&["status", "offering"])
        .env("REMOTEX_OFFERING", "off")
        .output()
        .unwrap();
    assert_eq!(
        stderr(&off),
        "error: server `offering`: there is no server, since the variable REMOTEX_OFFERING makes its functions run where they are called; `unset REMOTEX_OFFERING` to use one\n"
    );
}

#[test]
fn a_program_has_the_subcommands_by_one_line() {
    let home = Home::new();
    let run = |words: &[&str]| {
        let output = home.command("diary").args(words).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(run(&["note", "it", "rained"]), "1 so far");
    assert_eq!(run(&["logs"]), "note 1: it rained");
    assert!(run(&["status"]).starts_with("server `diary` runs, for "));
    assert_eq!(run(&["restart"]), "server `diary` runs, started anew");
    assert_eq!(run(&["read"]), "");
    assert_eq!(run(&["stop"]), "server `diary` is stopped");
    assert!(run(&["--help"]).contains("  logs     Print what the server has said"));
}

#[test]
fn a_bench_says_what_a_call_costs_and_whether_the_server_pays() {
    let home = Home::new();
    board(&home);
    let measured = json_of(
        &home,
        &["bench", "bboard", "read", "--seconds", "1", "--json"],
    );
    for kind in ["calls", "callers", "alone", "alone_each"] {
        let times = &measured[kind];
        let [runs, p50, p99] =
            ["runs", "p50_us", "p99_us"].map(|what| times[what].as_f64().unwrap());
        assert!(runs >= 1.0 && p50 > 0.0 && p99 >= p50, "{kind}: {times}");
    }
    let verdict = measured["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("The server "), "{verdict}");
    // What is only read is still there.
    assert_eq!(
        json_of(&home, &["call", "bboard", "read"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let shown = home.run_remotex(&["bench", "bboard", "read", "--seconds", "1"]);
    assert!(
        shown.contains("a call over an open connection") && shown.contains("\n\nThe server "),
        "{shown}"
    );
}

#[test]
fn a_bench_of_what_cannot_run_alone_says_why() {
    let home = Home::new();
    let _server = home.serve(&["without-init-serve"], "zoo");
    let measured = json_of(
        &home,
        &["bench", "zoo", "echo", "text=x", "--seconds", "1", "--json"],
    );
    let why = measured["why_not_alone"].as_str().unwrap();
    assert!(why.contains("does not call `remotex::init()`"), "{why}");
    assert!(measured["verdict"].as_str().unwrap().contains(why));
    home.run_zoo(&["start", "offering"]);
    let (code, words) = home.refusal(&["bench", "offering", "fail", "how=Panic"]);
    assert_eq!(code, 1);
    assert!(words.contains("as it was told"), "{words}");
}

#[test]
fn a_server_that_is_stopped_by_a_signal_is_silent() {
    let home = Home::new();
    board(&home);
    let pid = i32::try_from(home.servers()[0]).unwrap();
    crate::support::kill(pid, rustix::process::Signal::STOP);
    let listed = json_of(&home, &["ls", "--json"]);
    crate::support::kill(pid, rustix::process::Signal::CONT);
    assert_eq!(listed[0]["state"], "silent");
    await_that(|| json_of(&home, &["ls", "--json"])[0]["state"] == "running");
}

#[test]
fn what_somebody_else_wrote_into_a_lock_starts_no_program() {
    let home = Home::new();
    board(&home);
    home.run_remotex(&["stop", "bboard"]);
    let lock = home.path("run/remotex/bboard.lock");
    match std::os::unix::fs::chown(&lock, Some(65534), None) {
        Ok(()) => {}
        Err(e) => return eprintln!("left out, since only root can do it: {e}"),
    }
    let (code, words) = home.refusal(&["start", "bboard"]);
    assert_eq!(code, 3);
    assert!(words.contains("nothing here says which program"), "{words}");
}

#[test]
fn a_fifo_where_a_lock_belongs_keeps_nobody_waiting() {
    let home = Home::new();
    board(&home);
    home.run_remotex(&["stop", "bboard"]);
    let lock = home.path("run/remotex/bboard.lock");
    fs::remove_file(&lock).unwrap();
    assert!(home.any("mkfifo").arg(&lock).status().unwrap().success());
    assert_eq!(home.refusal(&["status", "bboard"]).0, 3);
}

#[test]
fn what_only_has_the_name_of_a_link_is_left_alone() {
    let home = Home::new();
    let socket = home.path("run/remotex/odd.link");
    let mut diary = home.command("diary");
    let noted = diary
        .args(["note", "x"])
        .env("REMOTEX_DIARY", format!("unix:{}", socket.display()))
        .output();
    assert!(noted.unwrap().status.success());
    home.run_remotex(&["ls"]);
    assert!(socket.exists());
}

#[test]
fn a_server_of_a_build_that_was_replaced_is_started_anew_by_its_path() {
    let home = Home::new();
    let program = home.path("zoo");
    install(&crate::support::program_path("zoo"), &program);
    let go = home.path("go");
    let busy = home
        .any(&program)
        .args(["busy", "1", "100000000"])
        .arg(&go)
        .spawn();
    let _busy = Running::of(busy.unwrap());
    let status = || home.remotex(&["status", "zoo"]).output().unwrap().status;
    await_that(|| status().success());
    install(&program, &program);
    home.run_remotex(&["stop", "zoo"]);
    // Who calls all the time has started it again, and runs a file that is gone.
    await_that(|| status().success());
    home.run_remotex(&["restart", "zoo"]);
}

#[test]
fn a_trial_that_hangs_does_not_outlive_who_measures_for_ever() {
    let home = Home::new();
    let value = home.path("state/value");
    fs::create_dir_all(value.parent().unwrap()).unwrap();
    fs::write(&value, "").unwrap();
    home.run_zoo(&["start", "hanging"]);
    fs::remove_file(&value).unwrap();
    let server = home.servers();
    let mut bench = home
        .remotex(&["bench", "hanging", "hanging_start", "--seconds", "1"])
        .spawn()
        .unwrap();
    await_that(|| home.servers().len() > server.len());
    bench.kill().unwrap();
    bench.wait().unwrap();
    let began = std::time::Instant::now();
    while home.servers().len() > server.len() {
        assert!(began.elapsed() < std::time::Duration::from_secs(45));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn what_is_followed_is_printed_by_whole_lines_and_from_the_start_of_an_emptied_log() {
    let home = Home::new();
    let noted = home.command("diary").args(["note", "one"]).output();
    assert!(noted.unwrap().status.success());
    let status = json_of(&home, &["status", "diary", "--json"]);
    let log = PathBuf::from(status["log"].as_str().unwrap());
    let write = |text: &str| {
        let mut log = fs::File::options().append(true).open(&log).unwrap();
        std::io::Write::write_all(&mut log, text.as_bytes()).unwrap();
    };
    write("begun");
    assert_eq!(home.run_remotex(&["logs", "diary"]), "note 1: one\nbegun");
    let mut follower = home
        .remotex(&["logs", "diary", "-f"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let _follower = Running::of(follower);
    assert_eq!(lines.next().unwrap().unwrap(), "note 1: one");
    // It looks several times meanwhile.
    std::thread::sleep(std::time::Duration::from_millis(400));
    write(" and ended\n");
    assert_eq!(lines.next().unwrap().unwrap(), "begun and ended");
    fs::File::create(&log).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    write("anew\n");
    assert_eq!(lines.next().unwrap().unwrap(), "anew");
}

#[test]
fn a_bench_is_of_the_server_of_that_key_and_of_what_does_not_fail() {
    let home = Home::new();
    for name in ["a", "b"] {
        let folder = home.path(name);
        fs::create_dir_all(&folder).unwrap();
        let called = home.zoo(&["folder"]).current_dir(&folder).output();
        assert!(called.unwrap().status.success());
    }
    let key = home.path("b").display().to_string();
    let bench = ["bench", "folders", "folder_server", "--seconds", "1"];
    home.run_remotex(&[&bench[..], &["--key", &key]].concat());
    home.run_zoo(&["start", "offering"]);
    let wrong = r#"how={"Wrong":{"code":7}}"#;
    let called = home.refusal(&["call", "offering", "fail", wrong]);
    let measured = home.refusal(&["bench", "offering", "fail", wrong]);
    assert_eq!(called.0, 1, "{}", called.1);
    assert_eq!(called, measured);
}

#[test]
fn what_is_printed_is_exact_and_what_cannot_be_is_no_panic() {
    let home = Home::new();
    home.run_zoo(&["start", "zoo"]);
    let echoed = home.run_remotex(&["call", "zoo", "echo", "text=a\u{7f}b"]);
    assert_eq!(echoed, "\"a\u{7f}b\"");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let status = home
        .remotex(&["call", "zoo", "nothing"])
        .stderr(full)
        .status();
    assert_eq!(status.unwrap().code(), Some(2));
    let file = home.path("arguments");
    fs::write(&file, b"\xff").unwrap();
    let output = home
        .remotex(&["call", "zoo", "echo", "-"])
        .stdin(fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn of_servers_that_differ_by_their_place_the_usual_one_is_meant() {
    let home = Home::new();
    let run = |place: &str| {
        let socket = home.path(place);
        let mut diary = home.command("diary");
        let address = format!("unix:{}", socket.display());
        let diary = diary.args(["note", "x"]).env("REMOTEX_DIARY", &address);
        assert!(diary.output().unwrap().status.success());
        address
    };
    let (a, b) = (run("a.sock"), run("b.sock"));
    let (code, words) = home.refusal(&["status", "diary"]);
    assert_eq!(code, 3);
    for part in [&a, &b, "by the variable REMOTEX_DIARY"] {
        assert!(words.contains(part), "{words}");
    }
    for address in [&a, &b] {
        let mut stop = home.remotex(&["stop", "diary"]);
        assert!(
            stop.env("REMOTEX_DIARY", address)
                .status()
                .unwrap()
                .success()
        );
    }
    let usual = home.command("diary").args(["note", "x"]).output();
    assert!(usual.unwrap().status.success());
    let address = json_of(&home, &["status", "diary", "--json"])["address"].clone();
    let socket = home.socket("diary").display().to_string();
    assert_eq!(address, json!(format!("unix:{socket}")));
    // One whose socket has another name, in the folder of all.
    home.run_remotex(&["stop", "diary"]);
    for place in ["a.lock", "b.lock", "run/remotex/diary.lock"] {
        let _ = fs::remove_file(home.path(place));
    }
    let address = run("run/remotex/other.sock");
    home.run_remotex(&["stop", "diary"]);
    home.run_remotex(&["start", "diary"]);
    let status = json_of(&home, &["status", "diary", "--json"]);
    assert_eq!(status["address"], json!(address));
}
