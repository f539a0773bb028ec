//! Remote functions in a test crate, which has no `main`.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use remotex::{Result, Server, remote};

remotex::testing::daemon!();

static TESTED: Server = Server::new("tested").autostart();

#[remote(TESTED)]
fn pid() -> Result<u32> {
    Ok(std::process::id())
}

#[test]
fn a_call_in_a_test_goes_to_a_server() {
    let there = pid().unwrap();
    assert_ne!(there, std::process::id());
    assert_eq!(pid().unwrap(), there);
    assert_eq!(TESTED.status().unwrap().pid, there);
}

#[test]
fn the_server_of_a_test_is_not_where_real_ones_are() {
    pid().unwrap();
    let folder = format!("/tmp/remotex-test-{}", std::process::id());
    assert!(std::path::Path::new(&folder).join("tested.sock").exists());
}

/// Runs the other tests in a process of their own, and looks whether anything of them is left.
#[test]
fn servers_end_with_their_tests() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_call_in_a_test_goes_to_a_server"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let folder = std::path::PathBuf::from(format!("/tmp/remotex-test-{}", output.id()));
    let output = output.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // Its server notices when the kernel tells it.
    for _ in 0..4000 {
        if !folder.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("its server has not ended");
}
