//! The files and the mask of a caller, as a remote function sees them: `/dev/stdin` is another file in
//! each process.

use std::process::Command;

use crate::support::{Home, program_path, stdout};

/// A script for a shell, in which `$zoo` is the zoo, in a folder of its own.
fn script(home: &Home, shell: &str, script: &str) -> Command {
    let mut shell = home.any(shell);
    shell
        .args(["-euc", script])
        .env("zoo", program_path("zoo"))
        .current_dir(home.path(""));
    shell
}

/// Runs a script, and returns what it printed.
fn run(home: &Home, words: &str) -> String {
    stdout(&script(home, "sh", words).output().unwrap())
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
            "echo in > f; exec 9< f; $zoo read /dev/fd/9",
            r#"("in\n", "/dev/fd/9")"#,
        ),
    ] {
        assert_eq!(run(&home, script), said, "{script}");
    }
}

#[test]
fn the_output_of_another_program_is_a_file_of_the_callers() {
    let home = Home::new();
    let words = "exec 9< <(echo in); $zoo read /dev/fd/9; $zoo read <(echo more) | cut -d, -f1";
    match script(&home, "bash", words).output() {
        Ok(output) => assert_eq!(stdout(&output), "(\"in\\n\", \"/dev/fd/9\")\n(\"more\\n\""),
        Err(e) => eprintln!("left out, for want of `bash`: {e}"),
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
        assert_eq!(run(&home, &script), format!(r#"("in\n", "{written}")"#));
    }
    let said = run(&home, "$zoo read /proc/sys/kernel/ostype");
    assert_eq!(said, r#"("Linux\n", "/proc/sys/kernel/ostype")"#);
}

#[test]
fn a_folder_that_was_removed_is_still_the_callers() {
    let home = Home::new();
    let script = "mkdir -p d; echo in > f; cd d; rmdir ../d; $zoo read ../f";
    assert_eq!(run(&home, script), r#"("in\n", "../f")"#);
}

#[test]
fn over_a_network_a_file_of_a_process_leads_nowhere() {
    let home = Home::new();
    let address = format!("tcp://127.0.0.1:{}", crate::support::free_port());
    for path in ["/dev/stdin", "/dev/tty", "/proc/self/status"] {
        let script = format!("echo in | REMOTEX_ZOO={address} $zoo read {path}");
        let said = run(&home, &script);
        assert!(said.contains("Not a directory"), "{said}");
    }
}

#[test]
fn the_callers_mask_is_known() {
    let home = Home::new();
    for mask in ["022", "027", "077"] {
        let said = run(&home, &format!("umask {mask}; $zoo umask"));
        assert_eq!(said, format!("Some(\"{mask}\")"));
    }
}
