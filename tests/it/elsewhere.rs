use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::support::{Home, await_that, kill, stderr, stdout};

/// Builds the workspace, and returns where its programs are, in the folder of their profile.
pub(crate) fn built(profile: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/elsewhere");
    // The compiled parts stay for the next time, which is what a build costs otherwise.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--profile", profile])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", &target)
        .status();
    assert!(built.unwrap().success());
    target
}

/// Returns how the server ended.
fn serves_what_it_does_not_name(profile: &str, folder: &str) -> ExitStatus {
    let target = built(profile);
    let home = Home::new();
    let program = |name| {
        let mut command = Command::new(target.join(folder).join(name));
        command
            .env("XDG_RUNTIME_DIR", home.path("run"))
            .stderr(Stdio::piped());
        command
    };
    let mut server = program("server").spawn().unwrap();
    await_that(|| home.socket("elsewhere").exists());
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
fn functions_of_a_module_are_served_in_release_builds() {
    assert!(serves_what_it_does_not_name("release", "release").success());
}

#[test]
fn functions_of_a_module_are_served_with_fat_lto_and_a_panic_that_aborts_is_an_answer() {
    let ended = serves_what_it_does_not_name("fat", "fat");
    assert_eq!(
        ended.signal(),
        Some(rustix::process::Signal::ABORT.as_raw())
    );
}
