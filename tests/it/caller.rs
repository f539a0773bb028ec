//! What a remote function learns of its caller: files that each process has of its own, and its mask.

use std::process::Stdio;

use crate::support::{Home, program_path, stdout};

/// Runs a shell script in which `$zoo` is the zoo, in a folder of its own.
fn shell(home: &Home, script: &str) -> String {
    let mut shell = home.any("bash");
    let output = shell
        .args(["-euc", script])
        .env("zoo", program_path("zoo"))
        .current_dir(home.path(""))
        .stdin(Stdio::null())
        .output();
    stdout(&output.unwrap())
}

#[test]
fn files_of_the_callers_process_are_the_callers() {
    let home = Home::new();
    for (script, said) in [
        (
            "echo in | $zoo read /dev/stdin",
            r#"("in\n", "/dev/stdin")"#,
        ),
        ("echo in | $zoo read /dev/fd/0", r#"("in\n", "/dev/stdin")"#),
        (
            "echo in > f; $zoo read /proc/self/fd/0 < f",
            r#"("in\n", "/dev/stdin")"#,
        ),
        (
            "cd /dev; echo in | $zoo read stdin",
            r#"("in\n", "/dev/stdin")"#,
        ),
        (
            "exec 9< <(echo in); $zoo read /dev/fd/9",
            r#"("in\n", "/dev/fd/9")"#,
        ),
        ("$zoo read <(echo in) | cut -d, -f1", r#"("in\n""#),
    ] {
        assert_eq!(shell(&home, script), said, "{script}");
    }
}

#[test]
fn a_path_leads_back_to_what_the_caller_wrote() {
    let home = Home::new();
    for (path, written) in [
        ("d/f", "d/f"),
        ("./d/f", "d/f"),
        ("d/../d/f", "d/../d/f"),
        ("$PWD/d/f", "d/f"),
        ("/proc/self/cwd/d/f", "d/f"),
    ] {
        let script = format!("mkdir -p d; echo in > d/f; $zoo read {path}");
        assert_eq!(shell(&home, &script), format!(r#"("in\n", "{written}")"#));
    }
    let said = shell(&home, "$zoo read /proc/sys/kernel/ostype");
    assert_eq!(said, r#"("Linux\n", "/proc/sys/kernel/ostype")"#);
}

#[test]
fn a_folder_that_was_removed_is_still_the_callers() {
    let home = Home::new();
    let script = "mkdir -p d; echo in > f; cd d; rmdir ../d; $zoo read ../f";
    assert_eq!(shell(&home, script), r#"("in\n", "../f")"#);
}

#[test]
fn over_a_network_a_file_of_a_process_leads_nowhere() {
    let home = Home::new();
    let address = format!("tcp://127.0.0.1:{}", crate::support::free_port());
    for path in ["/dev/stdin", "/dev/tty", "/proc/self/status"] {
        let script = format!("echo in | REMOTEX_ZOO={address} $zoo read {path}");
        let said = shell(&home, &script);
        assert!(said.contains("Not a directory"), "{said}");
    }
}

#[test]
fn the_callers_mask_is_known() {
    let home = Home::new();
    for mask in ["022", "027", "077"] {
        let said = shell(&home, &format!("umask {mask}; $zoo umask"));
        assert_eq!(said, format!("Some(\"{mask}\")"));
    }
}
