//! Two builds of one program, and two programs, around one server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::{Home, await_that, is_alive, printed, program_path, stdout};

/// Programs that are installed in one home, each under its name.
struct Installed {
    home: Home,
    bin: PathBuf,
}

impl Installed {
    fn new() -> Self {
        let home = Home::new();
        let bin = home.path("bin");
        fs::create_dir(&bin).unwrap();
        Self { home, bin }
    }

    /// Installs a build under a name as package managers do: the new file takes the place of the old
    /// one, which may be running. It counts as later than any before it.
    fn install(&self, build: &str, name: &str) -> &Self {
        let new = self.bin.join("new");
        // By another process: a file that this one has open for writing may be so in a child of
        // another test, and cannot be run meanwhile.
        shell("cp", &[&program_path(build), &new]);
        let latest = fs::read_dir(&self.bin).unwrap().flatten();
        let latest = latest
            .filter(|file| file.path() != new)
            .filter_map(|file| file.metadata().unwrap().modified().ok())
            .max();
        await_that(|| {
            shell("touch", &[&new]);
            fs::metadata(&new).unwrap().modified().ok() > latest
        });
        fs::rename(new, self.bin.join(name)).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn run(&self, name: &str, words: &[&str]) -> String {
        stdout(&self.home.any(self.path(name)).args(words).output().unwrap())
    }

    fn pid(&self, name: &str) -> i32 {
        let said = self.run(name, &["same"]);
        said.parse().unwrap_or_else(|_| panic!("{said}"))
    }
}

fn shell(program: &str, words: &[&PathBuf]) {
    let status = std::process::Command::new(program).args(words).status();
    assert!(status.unwrap().success(), "{program} {words:?}");
}

#[test]
fn a_later_build_takes_the_place_of_the_daemon() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let old = programs.pid("old");
    assert_eq!(programs.run("old", &["weigh"]), "7");
    assert_eq!(programs.run("new", &["weigh"]), "7");
    let new = programs.pid("new");
    assert_ne!(new, old);
    await_that(|| !is_alive(old));
    assert_eq!(programs.home.servers().len(), 1);
}

#[test]
fn an_earlier_build_never_ends_a_later_ones_daemon() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let new = programs.pid("new");
    for _ in 0..3 {
        assert_eq!(programs.pid("old"), new, "they agree on this function");
        assert_eq!(programs.run("new", &["weigh"]), "7");
        let said = programs.run("old", &["weigh"]);
        assert!(
            said.starts_with("Mismatch(\"`weigh` on server `builds`: the server (`"),
            "{said}"
        );
        assert!(
            said.contains(programs.path("new").to_str().unwrap())
                && said.contains("installed later")
                && said.contains("stop the server"),
            "{said}"
        );
        assert_eq!(programs.pid("new"), new);
    }
    // The remedy works.
    assert_eq!(programs.run("old", &["stop"]), "0");
    assert_eq!(programs.run("old", &["weigh"]), "7");
}

#[test]
fn builds_that_alternate_do_not_end_each_other_for_ever() {
    let programs = Installed::new();
    programs.install("build-1", "a").install("build-1", "b");
    let mut daemons: Vec<i32> = (0..6)
        .flat_map(|_| ["a", "b"].map(|name| programs.pid(name)))
        .collect();
    daemons.dedup();
    assert_eq!(daemons.len(), 2, "{daemons:?}");
}

#[test]
fn to_build_again_in_place_replaces_the_daemon() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let old = programs.pid("program");
    assert_eq!(programs.pid("program"), old);
    programs.install("build-2", "program");
    assert_eq!(programs.run("program", &["weigh"]), "7");
    let new = programs.pid("program");
    assert_ne!(new, old);
    // The file of the first daemon is gone, and whoever runs it yet is not its equal any more.
    let exe = fs::read_link(format!("/proc/{new}/exe")).unwrap();
    assert_eq!(exe, programs.path("program"));
}

#[test]
fn a_link_and_another_name_are_the_same_program() {
    let programs = Installed::new();
    programs.install("build-1", "program");
    let pid = programs.pid("program");
    fs::hard_link(programs.path("program"), programs.path("hard")).unwrap();
    std::os::unix::fs::symlink("program", programs.path("soft")).unwrap();
    fs::rename(programs.path("program"), programs.path("renamed")).unwrap();
    for name in ["hard", "renamed"] {
        assert_eq!(programs.pid(name), pid, "{name}");
    }
    fs::rename(programs.path("renamed"), programs.path("program")).unwrap();
    assert_eq!(programs.pid("soft"), pid);
}

#[test]
fn calls_that_run_come_to_their_end_before_a_later_build_takes_over() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let go = programs.home.path("go");
    let words = ["wait-for", go.to_str().unwrap()];
    let spawn = |name: &str, words: &[&str]| {
        let mut command = programs.home.any(programs.path(name));
        command.args(words).stdout(Stdio::piped()).spawn().unwrap()
    };
    let running = spawn("old", &words);
    await_that(|| programs.home.path("go.began").exists());
    let old = programs.run("old", &["status"]);
    let later: Vec<_> = (0..8).map(|_| spawn("new", &["same"])).collect();
    await_that(|| {
        programs
            .run("new", &["status"])
            .contains("is ending just now")
    });
    fs::write(&go, "").unwrap();
    assert_eq!(printed(running), old);
    let mut new: Vec<_> = later.into_iter().map(printed).collect();
    new.dedup();
    assert_eq!(new.len(), 1, "{new:?}");
    assert_ne!(new[0], old);
}

/// Callers of both builds at once, for as long as it takes: the later one's daemon is started once.
#[test]
fn a_later_build_takes_over_while_earlier_ones_call() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let enough = programs.home.path("enough");
    let old = programs.pid("old");
    let loops: Vec<_> = ["old", "new"]
        .into_iter()
        .flat_map(|name| [name; 6])
        .enumerate()
        .map(|(at, name)| {
            let script = format!(
                "while [ ! -e {} ]; do {} same; done",
                enough.display(),
                programs.path(name).display()
            );
            if at == 6 {
                // The earlier ones are at it.
                await_that(|| {
                    programs
                        .run("old", &["calls"])
                        .parse::<u32>()
                        .is_ok_and(|calls| calls > 50)
                });
            }
            let mut shell = programs.home.any("sh");
            shell
                .args(["-c", &script])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    await_that(|| programs.run("new", &["status"]) != old.to_string());
    await_that(|| {
        programs
            .run("new", &["calls"])
            .parse::<u32>()
            .is_ok_and(|calls| calls > 300)
    });
    let new = programs.run("new", &["status"]);
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

#[test]
fn builds_that_were_installed_at_once_take_turns_once() {
    let programs = Installed::new();
    let tied = || {
        // Within one tick of the clock both are changed at the same time; it takes some attempts.
        let changed = |name| {
            std::os::unix::fs::MetadataExt::ctime_nsec(&fs::metadata(programs.path(name)).unwrap())
        };
        programs.install("build-1", "a").install("build-1", "b");
        let touch = ["-d", "2020-01-01"].map(PathBuf::from);
        shell(
            "touch",
            &[
                &touch[0],
                &touch[1],
                &programs.path("a"),
                &programs.path("b"),
            ],
        );
        changed("a") == changed("b")
    };
    await_that(tied);
    let a = programs.pid("a");
    let b = programs.pid("b");
    assert_ne!(a, b, "on a tie the caller wins");
    for _ in 0..3 {
        assert_eq!(programs.pid("a"), b);
        assert_eq!(programs.pid("b"), b);
    }
}

#[test]
fn a_server_that_was_started_by_hand_is_not_replaced() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let mut command = programs.home.any(programs.path("old"));
    let server = crate::support::Running::of(command.arg("serve").spawn().unwrap());
    await_that(|| programs.run("old", &["status"]) == server.pid().to_string());
    assert_eq!(programs.pid("new"), server.pid());
    let said = programs.run("new", &["weigh"]);
    assert!(
        said.starts_with("Mismatch(") && said.contains("start that server again"),
        "{said}"
    );
}

#[test]
fn who_cannot_start_a_server_ends_none() {
    let programs = Installed::new();
    programs.install("build-1", "old").install("build-2", "new");
    let old = programs.pid("old");
    let said = programs.run("new", &["without-init", "same"]);
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
    // The later one may have replaced the earlier one's daemon, once.
    daemons.dedup();
    assert!(daemons.len() <= 2, "{daemons:?}");
    await_that(|| home.servers().len() == 1);
}
