use std::path::Path;

use crate::support::{Home, program_path, stderr};

/// Runs a check of the Python client, where there is a Python.
fn check(home: &Home, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
    let mut python = home.any("python3");
    python
        .args(["-B", "-W", "error"])
        .arg(folder.join("test_remotex.py"))
        .arg(name)
        .env("ZOO", program_path("zoo"));
    match python.output() {
        Ok(output) => assert!(output.status.success(), "{}", stderr(&output)),
        Err(e) => eprintln!("left out, for want of `python3`: {e}"),
    }
}

/// A check with these servers of the zoo.
fn check_with(servers: &[&str], name: &str) {
    let home = Home::new();
    for server in servers {
        assert_eq!(home.run_zoo(&["start", server]), "()");
    }
    check(&home, name);
}

#[test]
fn python_posts_and_reads_and_has_help() {
    let home = Home::new();
    let posted = home.command("bboard").arg("a first one").status().unwrap();
    assert!(posted.success());
    check(&home, "board");
}

#[test]
fn python_has_every_kind_of_value() {
    check_with(&["offering"], "values");
}

#[test]
fn python_is_told_how_calls_fail() {
    check_with(&["offering", "zoo"], "failures");
}

#[test]
fn python_finds_its_server_again() {
    check_with(&["offering"], "restarts");
}

#[test]
fn python_holds_what_stays_in_the_server() {
    check_with(&["offering"], "references");
}

#[test]
fn python_finds_servers_where_they_are_and_trusts_no_others() {
    check_with(&["offering", "folders"], "places");
}

#[test]
fn python_names_what_is_wrong_with_a_server() {
    check(&Home::new(), "strangers");
}

#[test]
fn python_names_what_is_wrong_with_a_reply() {
    check(&Home::new(), "said");
}
