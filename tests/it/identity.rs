//! Two builds of one program, and two programs, around one server.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Child;

use remote_runtime::wire::Kind;
use remote_runtime::wire::call::Head;
use remote_runtime::wire::frame::{self, Inbox};
use remote_runtime::wire::hello::Hello;

use crate::bytes::receive;
use crate::support::{
    Home, Running, await_that, begin, connect, is_alive, printed, program_path, stdout,
};

/// Programs that are installed in one home, each under its name.
pub(crate) struct Installed {
    pub(crate) home: Home,
    bin: PathBuf,
}

impl Installed {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let bin = home.path("bin");
        fs::create_dir(&bin).unwrap();
        Self { home, bin }
    }

    /// Installs a build under a name as package managers do: the new file takes the place of the old
    /// one, which may be running.
    pub(crate) fn install(&self, build: &str, name: &str) -> &Self {
        install(&program_path(build), &self.path(name));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    pub(crate) fn run(&self, name: &str, words: &[&str]) -> String {
        stdout(&self.home.any(self.path(name)).args(words).output().unwrap())
    }

    fn begin(&self, name: &str, words: &[&str]) -> Child {
        begin(self.home.any(self.path(name)).args(words))
    }

    pub(crate) fn pid(&self, name: &str) -> i32 {
        let said = self.run(name, &["same"]);
        said.parse().unwrap_or_else(|_| panic!("{said}"))
    }
}

/// Puts a copy of a program at a path, where another one may run.
pub(crate) fn install(program: &Path, path: &Path) {
    let new = path.with_extension("new");
    // By another process: a file that this one has open for writing may be so in a child of
    // another test, and cannot be run meanwhile.
    shell("cp", &[program, &new]);
    fs::rename(new, path).unwrap();
}

fn shell(program: &str, words: &[&Path]) {
    let status = std::process::Command::new(program).args(words).status();
    assert!(status.unwrap().success(), "{program} {words:?}");
}

#[test]
fn a_build_at_the_path_of_the_daemon_takes_its_place() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let first = programs.pid("program");
    assert_eq!(programs.pid("program"), first);
    programs.install("build-2", "program");
    assert_eq!(programs.run("program", &["weigh"]), "7");
    let second = programs.pid("program");
    assert_ne!(second, first);
    await_that(|| !is_alive(first));
    assert_eq!(programs.home.servers().len(), 1);
    let exe = fs::read_link(format!("/proc/{second}/exe")).unwrap();
    assert_eq!(exe, programs.path("program"));
}

/// The times of files say nothing: the build before has an older one, and that of the daemon may
/// lie in the future.
#[test]
fn a_rollback_takes_the_place_of_the_daemon() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let old = programs.path("old");
    shell("cp", &["-p".as_ref(), &programs.path("program"), &old]);
    programs.install("build-2", "program");
    let future = [
        "-d".as_ref(),
        "2030-01-01".as_ref(),
        &*programs.path("program"),
    ];
    shell("touch", &future);
    let second = programs.pid("program");
    shell("mv", &[&old, &programs.path("program")]);
    assert_eq!(programs.run("program", &["weigh"]), "7");
    let third = programs.pid("program");
    assert_ne!(third, second);
    assert_eq!(programs.pid("program"), third);
}

#[test]
fn a_link_that_is_turned_is_an_upgrade_and_a_rollback() {
    let programs = Installed::new();
    programs.install("build-1", "v1").install("build-2", "v2");
    let turn = |to: &str| {
        let link = programs.path("link");
        symlink(to, &link).unwrap();
        fs::rename(link, programs.path("program")).unwrap();
        let pid = programs.pid("program");
        assert_eq!(programs.run("program", &["weigh"]), "7", "{to}");
        assert_eq!(programs.pid("program"), pid);
        pid
    };
    let mut daemons = ["v1", "v2", "v1", "v2"].map(turn).to_vec();
    daemons.dedup();
    assert_eq!(daemons.len(), 4, "{daemons:?}");
}

#[test]
fn the_same_content_is_the_same_build_wherever_it_lies() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let pid = programs.pid("program");
    // In another place, as in a container; installed again; and with another time.
    programs
        .install("build-1", "copy")
        .install("build-1", "program");
    shell("touch", &[&*programs.path("copy")]);
    for name in ["copy", "program", "copy"] {
        assert_eq!(programs.pid(name), pid, "{name}");
        assert_eq!(programs.run(name, &["weigh"]), "7", "{name}");
    }
    programs.install("build-2", "copy");
    assert_eq!(programs.pid("copy"), pid, "they agree on this function");
}

#[test]
fn two_programs_of_one_package_do_not_end_each_others_daemon() {
    let programs = Installed::new();
    programs.install("build-1", "a").install("build-2", "b");
    let pid = programs.pid("a");
    for _ in 0..3 {
        assert_eq!(programs.pid("b"), pid, "they agree on this function");
        let said = programs.run("b", &["weigh"]);
        assert!(
            said.starts_with("Mismatch(\"`weigh` on server `builds`: the server (`"),
            "{said}"
        );
        for words in ["a", "b"].map(|name| programs.path(name).display().to_string()) {
            assert!(said.contains(&words), "{words}: {said}");
        }
        assert!(said.contains("stop the server"), "{said}");
        assert_eq!(programs.run("a", &["weigh"]), "7");
        assert_eq!(programs.pid("a"), pid);
    }
    // The remedy works.
    assert_eq!(programs.run("b", &["stop"]), "0");
    assert_eq!(programs.run("b", &["weigh"]), "7");
}

#[test]
fn the_daemon_of_a_program_that_was_removed_makes_room_for_another_one() {
    let programs = Installed::new();
    programs.install("build-1", "a").install("build-2", "b");
    let first = programs.pid("a");
    fs::remove_file(programs.path("a")).unwrap();
    assert_eq!(programs.run("b", &["weigh"]), "7");
    assert_ne!(programs.pid("b"), first);
    await_that(|| !is_alive(first));
    assert_eq!(programs.home.servers().len(), 1);
}

/// As an editor that is open while its language server is upgraded.
#[test]
fn a_client_that_has_outlived_its_file_takes_no_daemons_place() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let enough = programs.home.path("enough");
    let old = programs.begin("program", &["same-until", enough.to_str().unwrap()]);
    let seen = |n: usize| await_that(|| enough.with_extension(n.to_string()).exists());
    seen(1);
    programs.install("build-2", "program");
    let second = programs.pid("program");
    seen(2);
    for _ in 0..20 {
        assert_eq!(programs.pid("program"), second);
        assert_eq!(programs.run("program", &["weigh"]), "7");
    }
    fs::write(&enough, "").unwrap();
    assert_eq!(printed(old), "2", "it has met two daemons");
}

#[test]
fn a_link_and_another_name_are_the_same_program() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let pid = programs.pid("program");
    fs::hard_link(programs.path("program"), programs.path("hard")).unwrap();
    symlink("program", programs.path("soft")).unwrap();
    fs::rename(programs.path("program"), programs.path("renamed")).unwrap();
    for name in ["hard", "renamed"] {
        assert_eq!(programs.pid(name), pid, "{name}");
    }
    fs::rename(programs.path("renamed"), programs.path("program")).unwrap();
    assert_eq!(programs.pid("soft"), pid);
}

#[test]
fn calls_that_run_come_to_their_end_before_another_build_takes_over() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let go = programs.home.path("go");
    let running = programs.begin("program", &["wait-for", go.to_str().unwrap()]);
    await_that(|| programs.home.path("go.began").exists());
    let old = programs.run("program", &["status"]);
    programs.install("build-2", "program");
    let later: Vec<_> = (0..8)
        .map(|_| programs.begin("program", &["same"]))
        .collect();
    await_that(|| {
        programs
            .run("program", &["status"])
            .contains("is ending just now")
    });
    fs::write(&go, "").unwrap();
    assert_eq!(printed(running), old);
    let mut new: Vec<_> = later.into_iter().map(printed).collect();
    new.dedup();
    assert_eq!(new.len(), 1, "{new:?}");
    assert_ne!(new[0], old);
}

/// Callers at once, for as long as it takes: the other build's daemon is started once.
#[test]
fn another_build_takes_over_while_many_call() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let enough = programs.home.path("enough");
    let old = programs.pid("program");
    let script = format!(
        "while [ ! -e {} ]; do {} same; done",
        enough.display(),
        programs.path("program").display()
    );
    let shells = || {
        let mut shell = programs.home.any("sh");
        begin(shell.args(["-c", &script]))
    };
    let loops: Vec<_> = std::iter::repeat_with(shells).take(8).collect();
    let has_taken = |calls: u32| {
        let said = programs.run("program", &["calls"]);
        said.parse::<u32>().is_ok_and(|taken| taken > calls)
    };
    await_that(|| has_taken(50));
    programs.install("build-2", "program");
    await_that(|| programs.run("program", &["status"]) != old.to_string());
    await_that(|| has_taken(200));
    let new = programs.run("program", &["status"]);
    fs::write(&enough, "").unwrap();
    let known = [old.to_string(), new];
    for shell in loops {
        let said = printed(shell);
        let strange: Vec<_> = said
            .lines()
            .filter(|line| !known.iter().any(|pid| pid == line))
            .collect();
        assert!(strange.is_empty(), "{known:?}: {strange:?}");
    }
}

/// The reply to a client of another build whose package has that version.
fn said_to(programs: &Installed, version: &str) -> Kind {
    let socket = programs.home.socket("builds");
    let (mut stream, mut inbox) = (connect(&socket), Inbox::default());
    receive(&mut stream, &mut inbox).unwrap();
    let mut out = Vec::new();
    let hello = Hello {
        build: Some(remote_runtime::Build {
            size: 1,
            ..remote_runtime::Build::default()
        }),
        succeeds: true,
        ..Hello::here("builds", 1 << 20)
    };
    hello.put(&mut out);
    let head = Head {
        name: "same",
        program: Some(env!("CARGO_PKG_NAME")),
        version: Some(version),
        fingerprint: Some([9; 16]),
        ..Head::default()
    };
    frame::put(&mut out, Kind::Call, |out| head.put(out));
    stream.write_all(&out).unwrap();
    receive(&mut stream, &mut inbox).unwrap().0
}

#[test]
fn a_greater_version_takes_the_place_of_the_daemon_and_no_other_does() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let pid = programs.pid("program");
    let ours = env!("CARGO_PKG_VERSION");
    for (version, said) in [
        ("99.0.0", Kind::Outdated),
        (ours, Kind::Fault),
        ("0.0.1", Kind::Fault),
        ("", Kind::Fault),
        ("later", Kind::Fault),
    ] {
        assert_eq!(said_to(&programs, version), said, "{version}");
    }
    let mut serve = programs.home.any(programs.path("program"));
    assert_eq!(programs.run("program", &["stop"]), "0");
    let server = Running::of(serve.arg("serve").spawn().unwrap());
    await_that(|| programs.run("program", &["status"]) == server.pid().to_string());
    assert_ne!(server.pid(), pid);
    assert_eq!(
        said_to(&programs, "99.0.0"),
        Kind::Fault,
        "it was started by hand"
    );
}

#[test]
fn a_server_that_was_started_by_hand_is_not_replaced() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let mut command = programs.home.any(programs.path("old"));
    let server = Running::of(command.arg("serve").spawn().unwrap());
    await_that(|| programs.run("old", &["status"]) == server.pid().to_string());
    assert_eq!(programs.pid("new"), server.pid());
    let said = programs.run("new", &["weigh"]);
    assert!(
        said.starts_with("Mismatch(") && said.contains("start that server again"),
        "{said}"
    );
}

#[test]
fn a_program_that_cannot_start_a_server_ends_none() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let old = programs.pid("program");
    programs.install("build-2", "program");
    let said = programs.run("program", &["without-init", "same"]);
    assert_eq!(said, old.to_string());
}

#[test]
fn status_stop_and_restart_work_for_any_build() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let old = programs.pid("old");
    assert_eq!(programs.run("new", &["status"]), old.to_string());
    assert_eq!(programs.pid("old"), old, "to ask replaces nothing");
    assert_eq!(programs.run("new", &["restart"]), "0");
    let new = programs.run("old", &["status"]);
    assert_ne!(new, old.to_string());
    let exe = fs::read_link(format!("/proc/{new}/exe")).unwrap();
    assert_eq!(exe, programs.path("new"));
    assert_eq!(programs.run("old", &["stop"]), "0");
    assert!(programs.home.servers().is_empty());
}

/// The program `name` of a workspace that is not this one.
fn elsewhere(name: &str) -> PathBuf {
    crate::elsewhere::built("dev").join("debug").join(name)
}

fn stopped(home: &Home, program: &Path) {
    let output = home.any(program).arg("stop").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn another_program_of_that_name_is_named_and_left_alone() {
    let home = Home::new();
    let (first, second) = (elsewhere("stranger-1"), elsewhere("stranger-2"));
    let run = |program: &Path| stdout(&home.any(program).output().unwrap());
    let pid = run(&first);
    // It has the same function, and is installed earlier or later: that is no matter.
    let said = run(&second);
    assert!(
        said.starts_with(
            "Mismatch(\"`pid` on server `strangers`: another program has this name: `stranger-1` (`"
        ),
        "{said}"
    );
    assert!(
        said.contains("give one of the two servers another name"),
        "{said}"
    );
    assert_eq!(run(&first), pid);
    let output = home.any(&second).arg("restart").output().unwrap();
    assert!(
        crate::support::stderr(&output).contains("another program has this name"),
        "{output:?}"
    );
    assert_eq!(run(&first), pid);
    stopped(&home, &second);
    let other = run(&second);
    assert!(other.parse::<u32>().is_ok() && other != pid, "{other}");
    assert!(run(&first).contains("another program has this name: `stranger-2`"));
}

#[test]
fn two_programs_share_the_server_of_one_library() {
    let home = Home::new();
    let (first, second) = (elsewhere("sharer-1"), elsewhere("sharer-2"));
    let run = |program: &Path| stdout(&home.any(program).output().unwrap());
    let mut daemons: Vec<String> = (0..4).flat_map(|_| [run(&first), run(&second)]).collect();
    assert!(
        daemons.iter().all(|pid| pid.parse::<u32>().is_ok()),
        "{daemons:?}"
    );
    daemons.dedup();
    assert_eq!(daemons.len(), 1, "{daemons:?}");
    await_that(|| home.servers().len() == 1);
}
