use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::support::{Home, await_that, kill, stderr, stdout};

/// Builds the workspace, and returns where its programs are, in the folder of their profile.
pub(crate) fn built(profile: &str) -> PathBuf {
    built_with(&["--profile", profile])
}

fn built_with(options: &[&str]) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("elsewhere");
    // The compiled parts stay for the next time, which is what a build costs otherwise.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked"])
        .args(options)
        .current_dir(package)
        .env("CARGO_TARGET_DIR", &target)
        .status();
    assert!(built.unwrap().success());
    target
}

/// Returns how the server ended.
fn serves_what_it_does_not_name(profile: &str, folder: &str) -> ExitStatus {
    let target = built_with(&["--profile", profile, "--package", "program"]);
    let home = Home::new();
    let program = |name| {
        let mut command = Command::new(target.join(folder).join(name));
        command
            .env("XDG_RUNTIME_DIR", home.path("run"))
            .stderr(Stdio::piped());
        command
    };
    let mut server = program("server").spawn().unwrap();
    // The file is there a moment before the server listens.
    await_that(|| UnixStream::connect(home.socket("elsewhere")).is_ok());
    let client = program("client").output().unwrap();
    assert_eq!(stdout(&client), format!("far away in {}", server.id()));
    let place = "`ouch` on server `elsewhere` panicked at library/src/functions.rs:";
    assert!(stderr(&client).contains(place), "{}", stderr(&client));
    kill(
        server.id().try_into().unwrap(),
        rustix::process::Signal::TERM,
    );
    server.wait().unwrap()
}

#[test]
fn functions_of_a_module_are_served_in_debug_builds() {
    assert!(serves_what_it_does_not_name("dev", "debug").success());
}

#[test]
fn functions_of_a_module_are_served_in_release_builds_with_fat_lto_and_a_panic_that_aborts_is_an_answer()
 {
    let ended = serves_what_it_does_not_name("fat", "fat");
    assert_eq!(
        ended.signal(),
        Some(rustix::process::Signal::ABORT.as_raw())
    );
}

#[test]
fn with_tracing_both_sides_have_a_span_for_a_call() {
    let target = built_with(&["--package", "traced"]);
    let home = Home::new();
    let (ours, theirs) = (home.path("client"), home.path("server"));
    let program = |what, file: &PathBuf| {
        let mut command = home.any(target.join("debug/traced"));
        command.arg(what).arg(file);
        command
    };
    let mut server = program("serve", &theirs).spawn().unwrap();
    // The file is there a moment before the server listens.
    await_that(|| UnixStream::connect(home.socket("traced")).is_ok());
    let client = program("call", &ours).output().unwrap();
    assert!(client.status.success(), "{}", stderr(&client));
    kill(
        server.id().try_into().unwrap(),
        rustix::process::Signal::TERM,
    );
    assert!(server.wait().unwrap().success());
    let [ours, theirs] = [ours, theirs].map(|file| std::fs::read_to_string(file).unwrap());
    let ids: Vec<&str> = ours
        .lines()
        .map(|line| line.split("id=").nth(1).unwrap().split(' ').next().unwrap())
        .collect();
    let [add, fail] = ids[..] else {
        panic!("{ours}");
    };
    assert!(add.len() == 16 && add != fail, "{ours}");
    let expected = format!(
        "call server=\"traced\" function=\"add\" id={add}\n\
         call server=\"traced\" function=\"fail\" id={fail} error=it fails\n"
    );
    assert_eq!(ours, expected);
    let caller = theirs
        .split("caller=")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    let expected = format!(
        "event in 1 message=it adds\n\
         serve server=\"traced\" function=\"add\" caller={caller} id={add}\n\
         serve server=\"traced\" function=\"fail\" caller={caller} id={fail} error=it fails\n"
    );
    assert_eq!(theirs, expected);
}
