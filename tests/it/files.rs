//! Files and folders that are not as they should be: removed, unwritable, full, not there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Home, await_that, is_alive, printed, program_path, stdout};

/// A server whose file is removed is found again or makes room: calls are answered, by one server.
fn survives(remove: impl Fn(&Path)) {
    let home = Home::new();
    let old: i32 = home.run_zoo(&["pid"]).parse().unwrap();
    remove(&home.path("run/remotex"));
    let answers: Vec<_> = (0..10).map(|_| home.begin_zoo(&["pid"])).collect();
    for answer in answers {
        let said = printed(answer);
        assert!(said.parse::<u32>().is_ok(), "{said}");
    }
    await_that(|| !is_alive(old));
    let new = home.run_zoo(&["pid"]);
    assert_eq!(home.servers().len(), 1);
    assert_eq!(home.run_zoo(&["pid"]), new);
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    assert!(home.servers().is_empty());
}

#[test]
fn a_socket_that_is_removed() {
    survives(|folder| fs::remove_file(folder.join("zoo.sock")).unwrap());
}

#[test]
fn a_lock_that_is_removed() {
    survives(|folder| fs::remove_file(folder.join("zoo.lock")).unwrap());
}

#[test]
fn a_folder_that_is_removed() {
    survives(|folder| fs::remove_dir_all(folder).unwrap());
}

#[test]
fn a_folder_that_is_renamed() {
    survives(|folder| fs::rename(folder, folder.with_extension("away")).unwrap());
}

#[test]
fn a_socket_in_place_of_another() {
    survives(|folder| {
        let other = folder.join("other.sock");
        drop(std::os::unix::net::UnixListener::bind(&other).unwrap());
        fs::rename(other, folder.join("zoo.sock")).unwrap();
    });
}

#[test]
fn a_call_that_runs_when_the_socket_is_removed_is_answered() {
    let home = Home::new();
    let old = home.run_zoo(&["pid"]);
    let go = home.path("go");
    let call = home.begin_zoo(&["slow", go.to_str().unwrap()]);
    await_that(|| home.path("go.began").exists());
    fs::remove_file(home.socket("zoo")).unwrap();
    let next = home.begin_zoo(&["pid"]);
    fs::write(go, "").unwrap();
    assert_eq!(printed(call), old);
    let next = printed(next);
    assert!(next.parse::<u32>().is_ok() && next != old, "{next}");
}

#[test]
fn neither_xdg_runtime_dir_nor_home_is_set() {
    let home = Home::new();
    let bare = |words: &[&str]| {
        let mut command = home.zoo(words);
        for name in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"] {
            command.env_remove(name);
        }
        // The default place is that of the user who tests; the server there is none of ours.
        let socket = format!("unix:{}", home.path("bare.sock").display());
        command.env("REMOTEX_ZOO", socket);
        stdout(&command.output().unwrap())
    };
    let pid = bare(&["pid"]);
    assert!(pid.parse::<u32>().is_ok(), "{pid}");
    assert_eq!(bare(&["pid"]), pid);
    assert!(
        home.path("zoo.log").exists(),
        "the log is beside the socket"
    );
    assert_eq!(bare(&["stop", "zoo"]), "()");
}

/// Runs the zoo's words in a namespace where some folder of the home is another file system; `None`
/// where that is not allowed.
fn in_namespace(home: &Home, mount: &str, script: &str) -> Option<String> {
    let zoo = program_path("zoo");
    let script = format!("{mount} || exit 77; zoo={}; {script}", zoo.display());
    let mut unshare = home.any("unshare");
    let output = unshare.args(["-Urm", "sh", "-c", &script]).output();
    match output {
        Ok(output) if output.status.code() != Some(77) && !stdout(&output).is_empty() => {
            Some(stdout(&output))
        }
        other => {
            eprintln!("left out, for want of `unshare -Urm`: {other:?}");
            None
        }
    }
}

#[test]
fn a_disk_that_is_full() {
    let home = Home::new();
    let run = home.path("run");
    let mount = format!(
        "mount -t tmpfs -o size=4k,nr_inodes=3 none {}",
        run.display()
    );
    let fill = format!(
        "mkdir -m 700 {0}/remotex && : > {0}/remotex/x",
        run.display()
    );
    if let Some(said) = in_namespace(&home, &mount, &format!("{fill}; $zoo pid")) {
        assert!(
            said.starts_with("Io false `pid` on server `zoo`: its "),
            "{said}"
        );
        assert!(
            said.contains(run.to_str().unwrap()) && said.contains("make room"),
            "{said}"
        );
    }
    // A log that cannot grow is no reason not to answer.
    let state = home.path("state");
    let mount = format!("mount -t tmpfs -o size=4k none {}", state.display());
    let fill = format!(
        "mkdir {0}/remotex; head -c 10000 /dev/zero > {0}/remotex/zoo.log",
        state.display()
    );
    if let Some(said) = in_namespace(
        &home,
        &mount,
        &format!("{fill}; $zoo pid; $zoo shout; $zoo stop zoo"),
    ) {
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].parse::<u32>().is_ok(), "{said}");
        assert_eq!(lines[1..], ["()", "()"], "{said}");
    }
}

/// A disk with room for names, and for nothing in them.
#[test]
fn a_folder_for_keys_that_is_full() {
    let home = Home::new();
    let config = home.path("config");
    fs::create_dir_all(&config).unwrap();
    let mount = format!("mount -t tmpfs -o size=4k none {}", config.display());
    let script = format!(
        "export XDG_CONFIG_HOME={0} REMOTEX_ZOO=tcp://127.0.0.1:{1};
         mkdir -m 700 {0}/remotex {0}/remotex/zoo; head -c 9999 /dev/zero > {0}/rest 2> /dev/null;
         for i in 1 2 3; do $zoo start zoo; done; find {0} -name '.*'; echo \"files: $(ls -A {0}/remotex/zoo)\"",
        config.display(),
        crate::support::free_port()
    );
    if let Some(said) = in_namespace(&home, &mount, &script) {
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 4, "{said}");
        for line in &lines[..3] {
            assert!(line.contains("its token cannot be made in `"), "{said}");
            assert!(line.contains("make room on that disk"), "{said}");
        }
        assert_eq!(lines[3], "files: ", "{said}");
    }
}

/// A disk that becomes full while a server runs, and has room again later.
#[test]
fn what_a_function_prints_never_fails_its_call() {
    let home = Home::new();
    let state = home.path("state");
    let mount = format!("mount -t tmpfs -o size=2500k none {}", state.display());
    let script = format!(
        "log={0}/remotex/zoo.log; $zoo pid; head -c 9999999 /dev/zero > {0}/rest 2> /dev/null;
         for i in $(seq 40); do $zoo shout; done; rm {0}/rest;
         for i in $(seq 100); do sleep 0.1; $zoo shout; grep -o 'was left out here' $log && break; done;
         $zoo shout; tail -c 7 $log",
        state.display()
    );
    if let Some(said) = in_namespace(&home, &mount, &script) {
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].parse::<u32>().is_ok(), "{said}");
        assert_eq!(lines[1..41], ["()"; 40], "{said}");
        assert!(said.contains("\nwas left out here\n"), "{said}");
        assert!(said.ends_with("shout "), "{said}");
        assert!(!said.contains("Panicked"), "{said}");
    }
}

/// The log of a server that prints much at once.
#[test]
fn a_log_is_put_aside_while_its_server_runs() {
    let home = Home::new();
    for _ in 0..100 {
        assert_eq!(home.run_zoo(&["shout"]), "()");
    }
    let length = |name: &str| {
        fs::metadata(home.path(&format!("state/remotex/{name}")))
            .unwrap()
            .len()
    };
    let most = 5 * 1024 * 1024;
    assert!(length("zoo.log") < most && length("zoo.log.old") < most);
}

#[test]
fn a_file_system_that_cannot_be_written() {
    let home = Home::new();
    let run = home.path("run");
    let read_only = |folder: &Path| {
        format!(
            "mount --bind {0} {0} && mount -o remount,bind,ro {0}",
            folder.display()
        )
    };
    if let Some(said) = in_namespace(&home, &read_only(&run), "$zoo pid") {
        assert!(
            said.starts_with("Io false `pid` on server `zoo`: its folder cannot be made at `"),
            "{said}"
        );
        assert!(
            said.contains(run.to_str().unwrap()) && said.contains("XDG_RUNTIME_DIR"),
            "{said}"
        );
    }
    // As in a container: everything but the folder of sockets.
    let everything = format!(
        "{} && {}",
        read_only(&home.path("state")),
        read_only(&home.path("home"))
    );
    if let Some(said) = in_namespace(&home, &everything, "$zoo pid; $zoo stop zoo") {
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].parse::<u32>().is_ok(), "{said}");
        assert_eq!(lines[1], "()", "{said}");
        assert!(home.path("run/remotex/zoo.log").exists());
    }
}

#[test]
fn a_runtime_folder_of_another_user_is_not_used() {
    let home = Home::new();
    let other = home.path("other");
    fs::create_dir(&other).unwrap();
    if let Err(e) = std::os::unix::fs::chown(&other, Some(12345), None) {
        eprintln!("left out, since only root can give a folder away: {e}");
        return;
    }
    let ours = "/run/user/0";
    let mount = format!("mount -t tmpfs none /run && mkdir -pm 700 {ours}");
    let shown = other.display();
    let script = format!(
        "export XDG_RUNTIME_DIR={shown}; REMOTEX_EXPLAIN=1 $zoo pid 2>&1; ls {shown} {ours}/remotex; $zoo stop zoo"
    );
    if let Some(said) = in_namespace(&home, &mount, &script) {
        assert!(
            said.contains(&format!("`unix:{ours}/remotex/zoo.sock`")),
            "{said}"
        );
        assert!(said.contains("XDG_RUNTIME_DIR, which is `"), "{said}");
        assert!(said.contains("is not used"), "{said}");
        assert_eq!(said.matches("zoo.lock\n").count(), 1, "{said}");
    }
}

#[test]
fn a_container_with_a_read_only_root() {
    let home = Home::new();
    let script = "mount -t tmpfs none /tmp && mount -o remount,bind,ro / 2>/dev/null || mount --rbind / / && mount -o remount,bind,ro /";
    let bare = "env -u XDG_RUNTIME_DIR -u XDG_STATE_HOME -u HOME REMOTEX_ZOO=unix:/tmp/x/zoo.sock";
    if let Some(said) = in_namespace(
        &home,
        script,
        &format!("{bare} $zoo pid; {bare} $zoo stop zoo"),
    ) {
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].parse::<u32>().is_ok(), "{said}");
        assert_eq!(lines[1], "()", "{said}");
    }
}

#[test]
fn a_log_that_has_become_large_is_put_aside() {
    let home = Home::new();
    let log = home.path("state/remotex/zoo.log");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    let large = fs::File::create(&log).unwrap();
    large.set_len(5 << 20).unwrap();
    home.run_zoo(&["pid"]);
    assert!(fs::metadata(&log).unwrap().len() < 1000);
    assert_eq!(
        fs::metadata(&log).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::metadata(log.with_extension("log.old")).unwrap().len(),
        5 << 20
    );
}

/// As cron starts it: no terminal, hardly an environment.
#[test]
fn a_program_without_a_session_meets_the_same_server() {
    let home = Home::new();
    let zoo = |variables: &[(&str, String)]| {
        let mut command = Command::new("setsid");
        command
            .arg(program_path("zoo"))
            .arg("pid")
            .env_clear()
            .stdin(Stdio::null());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        stdout(&command.output().unwrap())
    };
    let socket = (
        "REMOTEX_ZOO",
        format!("unix:{}", home.socket("zoo").display()),
    );
    let cron = zoo(std::slice::from_ref(&socket));
    assert!(cron.parse::<u32>().is_ok(), "{cron}");
    assert_eq!(home.run_zoo(&["pid"]), cron);
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
}
