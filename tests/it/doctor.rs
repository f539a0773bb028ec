//! What is broken on purpose is found, and what is said to mend it does.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::identity::install;
use crate::support::{
    Home, Running, await_that, board, command_path, is_alive, json_of, kill, program_path,
};

/// What is wrong with the board, and what mends it.
struct Found {
    what: String,
    words: String,
    /// Empty if no command mends it.
    fix: String,
}

fn examine(home: &Home, environment: &[(&str, &str)]) -> Option<Found> {
    let mut command = home.remotex(&["doctor", "bboard", "--json"]);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fix = found["fix"].as_str();
    let checks = found["checks"].as_array().unwrap();
    let mut wrong = checks.iter().filter(|check| check["is_fine"] == false);
    let first = wrong.next();
    assert!(wrong.next().is_none(), "there is one fix: {found}");
    let code = i32::from(first.is_some());
    assert_eq!(output.status.code(), Some(code), "{found}");
    assert!(fix.is_none() || first.is_some(), "{found}");
    let text = |of: &Value| of.as_str().unwrap().to_owned();
    Some(Found {
        what: text(&first?["what"]),
        words: text(&first?["found"]),
        fix: fix.unwrap_or_default().to_owned(),
    })
}

/// Asserts what is found, mends it as is said, and asserts that then nothing is.
fn is_mended(home: &Home, what: &str, words: &str) {
    let found = examine(home, &[]).expect("something is wrong");
    assert_eq!(found.what, what, "{}", found.words);
    assert!(found.words.contains(words), "{}", found.words);
    let mut shell = home.any("sh");
    let command = command_path();
    let path = format!("{}:/usr/bin:/bin", command.parent().unwrap().display());
    let mended = shell
        .args(["-c", &found.fix])
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(mended.status.success(), "{}: {mended:?}", found.fix);
    await_that(|| examine(home, &[]).is_none());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn log(home: &Home) -> PathBuf {
    let status = json_of(home, &["status", "bboard", "--json"]);
    status["log"].as_str().unwrap().into()
}

#[test]
fn of_a_server_that_is_well_all_is_listed() {
    let home = Home::new();
    board(&home);
    let shown = home.run_remotex(&["doctor", "bboard"]);
    for what in [
        "address",
        "folder",
        "socket",
        "log",
        "lock",
        "server",
        "program",
        "functions",
    ] {
        assert!(
            shown.contains(&format!("fine   {what} ")),
            "{what} in {shown}"
        );
    }
    assert!(shown.ends_with("\n\nNothing is wrong."), "{shown}");
    home.run_remotex(&["stop", "bboard"]);
    let shown = home.run_remotex(&["doctor", "bboard"]);
    assert!(
        shown.contains("the next call of its program starts it, as does `remotex start bboard`"),
        "{shown}"
    );
}

#[test]
fn a_variable_that_is_no_address() {
    let home = Home::new();
    board(&home);
    let found = examine(&home, &[("REMOTEX_BBOARD", "nonsense")]).unwrap();
    assert_eq!(
        (&*found.what, &*found.fix),
        ("address", "unset REMOTEX_BBOARD")
    );
    assert!(found.words.contains("`nonsense`"), "{}", found.words);
    assert!(examine(&home, &[("REMOTEX_BBOARD", "off")]).is_none());
}

#[test]
fn a_folder_that_others_can_write() {
    let home = Home::new();
    board(&home);
    set_mode(&home.path("run/remotex"), 0o770);
    is_mended(&home, "folder", "can be written by others");
}

#[test]
fn a_folder_that_cannot_be() {
    let home = Home::new();
    let file = home.path("file");
    fs::write(&file, "").unwrap();
    let found = examine(&home, &[("XDG_RUNTIME_DIR", file.to_str().unwrap())]).unwrap();
    assert_eq!(found.what, "folder");
    assert!(
        found.words.contains("cannot be") && found.words.contains(file.to_str().unwrap()),
        "{}",
        found.words
    );
    assert!(
        found.fix.ends_with(" XDG_RUNTIME_DIR") || found.fix.contains("XDG_RUNTIME_DIR=/run/user/"),
        "{}",
        found.fix
    );
}

#[test]
fn a_path_that_is_too_long() {
    let home = Home::new();
    let long = home.path(&"x".repeat(120));
    let address = format!("unix:{}", long.join("b.sock").display());
    let found = examine(&home, &[("REMOTEX_BBOARD", &address)]).unwrap();
    assert_eq!(
        (&*found.what, &*found.fix),
        ("path", "unset REMOTEX_BBOARD")
    );
}

#[test]
fn a_file_where_the_socket_belongs() {
    let home = Home::new();
    board(&home);
    home.run_remotex(&["stop", "bboard"]);
    fs::write(home.socket("bboard"), "precious").unwrap();
    is_mended(&home, "socket", "is no socket");
    let away = home.path("run/remotex/bboard.sock.away1");
    assert_eq!(fs::read_to_string(away).unwrap(), "precious");
}

#[test]
fn a_socket_that_is_open_to_others() {
    let home = Home::new();
    board(&home);
    set_mode(&home.socket("bboard"), 0o666);
    is_mended(&home, "socket", "has mode 666, and is to have 600");
}

#[test]
fn somebody_else_who_listens() {
    let home = Home::new();
    board(&home);
    home.run_remotex(&["stop", "bboard"]);
    let _other = UnixListener::bind(home.socket("bboard")).unwrap();
    set_mode(&home.socket("bboard"), 0o600);
    let this = std::process::id();
    is_mended(&home, "socket", &format!("process {this} listens at "));
}

#[test]
fn a_lock_that_others_can_open_or_that_is_no_file() {
    let home = Home::new();
    board(&home);
    let lock = home.path("run/remotex/bboard.lock");
    set_mode(&lock, 0o666);
    is_mended(&home, "lock", "has mode 666, and is to have 600");
    home.run_remotex(&["stop", "bboard"]);
    let start = home.path("run/remotex/bboard.start");
    fs::remove_file(&start).unwrap();
    fs::create_dir(&start).unwrap();
    is_mended(&home, "lock", "is no file");
}

#[test]
fn a_log_that_others_can_read_or_that_is_no_file() {
    let home = Home::new();
    board(&home);
    let log = log(&home);
    set_mode(&log, 0o644);
    is_mended(&home, "log", "has mode 644, and is to have 600");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    is_mended(&home, "log", "is no file");
}

#[test]
fn a_start_that_does_not_end() {
    let home = Home::new();
    board(&home);
    home.run_remotex(&["stop", "bboard"]);
    let start = home.path("run/remotex/bboard.start");
    let mut flock = home.any("flock");
    let holder = match flock
        .arg(&start)
        .args(["-c", "echo; exec sleep 600"])
        .stdout(std::process::Stdio::piped())
        .spawn()
    {
        Ok(holder) => holder,
        Err(e) => return eprintln!("left out, for want of `flock`: {e}"),
    };
    let mut holder = holder;
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(holder.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    let _holder = Running::of(holder);
    // One that has begun just now is only slow.
    assert!(examine(&home, &[]).is_none());
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let file = fs::File::options().write(true).open(&start).unwrap();
    file.set_modified(long_ago).unwrap();
    is_mended(&home, "start", "the start does not end");
}

#[test]
fn a_process_that_a_signal_has_stopped() {
    let home = Home::new();
    let pid = board(&home);
    kill(pid, Signal::STOP);
    is_mended(&home, "server", "was stopped by a signal");
    assert!(is_alive(pid));
}

#[test]
fn a_server_that_was_killed() {
    let home = Home::new();
    let pid = board(&home);
    kill(pid, Signal::KILL);
    await_that(|| !is_alive(pid));
    is_mended(&home, "server", "it was killed");
    assert_ne!(home.servers(), [pid.cast_unsigned()]);
    assert_eq!(home.servers().len(), 1);
}

#[test]
fn a_program_that_was_built_anew() {
    let home = Home::new();
    let program = home.path("bboard");
    install(&program_path("bboard"), &program);
    assert!(home.any(&program).arg("hello").status().unwrap().success());
    let before = home.servers();
    fs::remove_file(&program).unwrap();
    install(&program_path("bboard"), &program);
    is_mended(&home, "program", "is another build by now");
    assert_ne!(home.servers(), before);
    // Touched, it counts as built anew.
    fs::File::open(&program)
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    is_mended(&home, "program", "is another build by now");
}

#[test]
fn a_program_that_is_gone() {
    let home = Home::new();
    let program = home.path("bboard");
    install(&program_path("bboard"), &program);
    assert!(home.any(&program).arg("hello").status().unwrap().success());
    fs::remove_file(&program).unwrap();
    let found = examine(&home, &[]).unwrap();
    assert_eq!(
        (&*found.what, &*found.fix),
        ("program", "remotex stop bboard")
    );
    home.run_remotex(&["stop", "bboard"]);
    let found = examine(&home, &[]).unwrap();
    assert_eq!((&*found.what, &*found.fix), ("program", ""));
    assert!(
        found.words.ends_with("install it again, and run it"),
        "{}",
        found.words
    );
    install(&program_path("bboard"), &program);
    set_mode(&program, 0o600);
    is_mended(&home, "program", "cannot be run");
}

#[test]
fn a_server_of_which_there_is_nothing() {
    let home = Home::new();
    let found = examine(&home, &[]).unwrap();
    assert_eq!((&*found.what, &*found.fix), ("server", ""));
    assert!(
        found.words.ends_with("run the program that it belongs to"),
        "{}",
        found.words
    );
}

#[test]
fn a_folder_that_is_somebody_elses_link() {
    let home = Home::new();
    let elsewhere = home.path("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    set_mode(&elsewhere, 0o777);
    let run = home.path("other");
    fs::create_dir_all(&run).unwrap();
    symlink(&elsewhere, run.join("remotex")).unwrap();
    let found = examine(&home, &[("XDG_RUNTIME_DIR", run.to_str().unwrap())]).unwrap();
    assert_eq!(found.what, "folder");
    assert!(found.fix.starts_with("chmod 700 "), "{}", found.fix);
}

#[test]
fn a_start_that_takes_its_time_is_left_alone() {
    let home = Home::new();
    let _starter = Running::of(home.begin_zoo(&["start", "hanging"]));
    let start = home.path("run/remotex/hanging.start");
    await_that(|| home.servers().len() == 1 && start.exists());
    let output = home.remotex(&["doctor", "hanging"]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("it is being started, or ends"), "{shown}");
}

#[test]
fn only_who_holds_a_lock_is_told_to_end() {
    let home = Home::new();
    board(&home);
    home.run_remotex(&["stop", "bboard"]);
    let lock = fs::File::open(home.path("run/remotex/bboard.lock")).unwrap();
    // It has a smaller number than the server, and reads the lock.
    let mut reader = home.any("sleep");
    let reader = reader.arg("600").stdin(lock).spawn().unwrap();
    let _reader = Running::of(reader);
    let pid = board(&home);
    kill(pid, Signal::STOP);
    let found = examine(&home, &[]).unwrap();
    kill(pid, Signal::CONT);
    assert_eq!(found.fix, format!("kill -CONT {pid}"));
}

#[test]
fn who_listens_without_a_lock_is_left_alone() {
    let home = Home::new();
    let socket = home.path("passed.sock");
    let _other = UnixListener::bind(&socket).unwrap();
    set_mode(&socket, 0o600);
    let address = format!("unix:{}", socket.display());
    assert!(examine(&home, &[("REMOTEX_BBOARD", &address)]).is_none());
}

#[test]
fn servers_that_come_and_go_are_not_called_broken() {
    let home = Home::new();
    board(&home);
    std::thread::scope(|scope| {
        let going = scope.spawn(|| {
            for _ in 0..20 {
                home.run_remotex(&["stop", "bboard"]);
                board(&home);
                home.run_remotex(&["restart", "bboard"]);
            }
        });
        while !going.is_finished() {
            let found = examine(&home, &[]);
            assert!(found.is_none(), "{:?}", found.map(|it| (it.words, it.fix)));
        }
    });
}
