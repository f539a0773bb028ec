use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Home, program_path, stdout};

/// Less than a start may take, so that it tells an answer from a limit of time.
const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn a_panic_of_on_start_is_told_with_its_message_and_place() {
    for backtrace in ["0", "1"] {
        let home = Home::new();
        let mut call = home.zoo(&["panicking"]);
        let output = call.env("RUST_BACKTRACE", backtrace).output().unwrap();
        let said = stdout(&output);
        assert!(
            said.starts_with(
                "Unreachable false `panicking` on server `panicking`: the server did not start: "
            ),
            "{said}"
        );
        assert!(
            said.contains("panicked at tests/programs/zoo/ends.rs:"),
            "{said}"
        );
        assert!(said.ends_with(": there is no shelf"), "{said}");
        let log = fs::read_to_string(home.path("state/remotex/panicking.log")).unwrap();
        assert_eq!(log.contains("stack backtrace:"), backtrace == "1", "{log}");
    }
}

#[test]
fn servers_whose_starts_call_each_other_are_named_at_once() {
    let home = Home::new();
    let began = Instant::now();
    let said = home.run_zoo(&["ring-1"]);
    assert!(began.elapsed() < AT_ONCE, "{said}");
    assert!(
        said.starts_with("Unreachable false `ring_1` on server `ring-1`: "),
        "{said}"
    );
    assert!(
        said.contains("in a circle: `ring-1`, `ring-2`, `ring-1`"),
        "{said}"
    );
}

#[test]
fn a_server_started_by_hand_may_be_in_a_circle_too() {
    let home = Home::new();
    let began = Instant::now();
    let said = home.run_zoo(&["serve", "ring-1"]);
    assert!(began.elapsed() < AT_ONCE, "{said}");
    assert!(
        said.contains("in a circle: `ring-1`, `ring-2`, `ring-1`"),
        "{said}"
    );
}

#[test]
fn a_start_that_runs_a_program_that_calls_the_server_is_named_at_once() {
    let home = Home::new();
    let began = Instant::now();
    let said = home.run_zoo(&["snake"]);
    assert!(began.elapsed() < AT_ONCE, "{said}");
    assert!(
        said.contains("the start of `snake` runs a program that calls `snake` again"),
        "{said}"
    );
}

#[test]
fn init_in_a_function_does_nothing() {
    let home = Home::new();
    let pid = home.run_zoo(&["printing"]);
    assert_eq!(home.run_zoo(&["init-again"]), pid);
    assert_eq!(home.run_zoo(&["printing"]), pid);
    assert_eq!(home.run_zoo(&["stop", "printing"]), "()");
    let server = home.serve(&["serve", "printing"], "printing");
    assert_eq!(home.run_zoo(&["init-again"]), server.pid().to_string());
}

#[test]
fn a_program_that_a_loader_runs_says_why_it_starts_no_server() {
    let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
    let Some(loader) = loaders.iter().find(|loader| Path::new(loader).exists()) else {
        return eprintln!("left out, for want of a loader of the GNU C library");
    };
    let home = Home::new();
    let call = || {
        let mut command = home.any(loader);
        command.arg(program_path("zoo")).arg("pid");
        stdout(&command.output().unwrap())
    };
    let said = call();
    assert!(
        said.starts_with(
            "Io false `pid` on server `zoo`: its process cannot be started: the loader `"
        ) && said.ends_with("would be started instead of it; run the program by its own path"),
        "{said}"
    );
    // It calls one that runs, as it is.
    let pid = home.run_zoo(&["pid"]);
    assert_eq!(call(), pid);
}
