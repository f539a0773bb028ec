//! What shells complete, by the shells themselves.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{self, Home, stderr, stdout};

fn servers(home: &Home) {
    support::board(home);
    home.run_zoo(&["start", "offering"]);
}

/// A command that finds `remotex` where tests have it.
fn with_path(command: &mut Command) -> &mut Command {
    let program = support::command_path();
    let folder = program.parent().unwrap().display();
    command.env("PATH", format!("{folder}:/usr/bin:/bin"))
}

/// What bash proposes for a line; `63` is what it asks with when it lists.
fn bash(home: &Home, line: &str, kind: &str) -> Option<Vec<String>> {
    const ASK: &str = r#"
        source <(remotex completions bash)
        compopt() { :; } # bash knows it only while it completes
        COMP_LINE="$1" COMP_POINT="${#1}" COMP_TYPE="$2"
        _remotex
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = home.any("bash");
    match with_path(&mut bash)
        .args(["--norc", "-c", ASK, "bash", line, kind])
        .output()
    {
        Ok(output) => {
            assert_eq!(stderr(&output), "");
            Some(stdout(&output).lines().map(str::to_owned).collect())
        }
        Err(e) => {
            eprintln!("left out, for want of `bash`: {e}");
            None
        }
    }
}

#[test]
fn bash_completes_servers_functions_and_arguments() {
    let home = Home::new();
    servers(&home);
    for (line, expected) in [
        ("remotex sta", &["status", "start"][..]),
        ("remotex call bb", &["bboard"]),
        ("remotex show ", &["bboard", "offering"]),
        ("remotex call bboard ", &["post", "read"]),
        ("remotex call bboard post ", &["item=", "by="]),
        ("remotex call bboard post item='a b' ", &["by="]),
        ("remotex call bboard post \"item=a b", &[""]),
        ("remotex call bboard post item=a\\ ", &[""]),
        ("remotex call bboard post 'item=a ", &[""]),
        ("remotex call offering climb nu", &["number\\ 2="]),
        ("remotex call offering climb 'nu", &["number 2="]),
        // Bash takes what follows a colon for a word of its own.
        ("remotex call offering Branch::g", &["grow"]),
        ("remotex call offering HEIGHT:", &[":get"]),
        ("remotex call nobody ", &[""]),
        ("remotex call nobody --k", &["--key"]),
        ("remotex completions f", &["fish"]),
    ] {
        let Some(proposed) = bash(&home, line, "9") else {
            return;
        };
        let mut proposed: Vec<&str> = proposed.iter().map(String::as_str).collect();
        if proposed.is_empty() {
            proposed.push("");
        }
        assert_eq!(proposed, expected, "{line}");
    }
    let listed = bash(&home, "remotex call bboard ", "63").unwrap();
    assert_eq!(
        listed,
        [
            "post  (Pins an item to the board.)",
            "read  (All that is on the board, oldest first.)"
        ]
    );
}

/// Types into a shell, whose prompt is a terminal's, and returns what it has shown; `None` where it cannot
/// be had.
fn type_into(home: &Home, shell: &str, typed: &str) -> Option<String> {
    let program = shell.split_whitespace().next().unwrap();
    let mut which = home.any(program);
    let which = which.args(["-c", "command -v script && command -v timeout"]);
    if !which.output().is_ok_and(|output| output.status.success()) {
        eprintln!("left out, for want of `{program}`, `script` or `timeout`");
        return None;
    }
    // One that does not see the end of what is typed is ended.
    let mut script = home.any("timeout");
    with_path(&mut script)
        .env("TERM", "dumb")
        .env("HISTFILE", "");
    script.args(["60", "script", "-qec", shell, "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = script.spawn().unwrap();
    let mut keys = shell.stdin.take().unwrap();
    // What it does not read, it does not do.
    let _ = keys.write_all(typed.as_bytes());
    // It ends with `exit`, and not with its input.
    Some(String::from_utf8_lossy(&shell.wait_with_output().unwrap().stdout).into_owned())
}

/// The argument that a real Tab has begun is finished by hand: there is no space in between.
#[test]
fn tab_in_a_real_shell_completes_a_call() {
    for (shell, begin) in [
        (
            "bash --norc --noprofile -i",
            "source <(remotex completions bash)",
        ),
        (
            "zsh -f -i",
            "autoload -U compinit; compinit -u -D; source <(remotex completions zsh)",
        ),
        ("fish --no-config -i", "remotex completions fish | source"),
    ] {
        let home = Home::new();
        servers(&home);
        let typed = format!("{begin}\nremotex call bbo\tpost it\tbread by\tbaker\nexit\n");
        let Some(shown) = type_into(&home, shell, &typed) else {
            continue;
        };
        let read = home.run_remotex(&["call", "bboard", "read"]);
        assert!(
            read.contains(r#"{"by":"baker","item":"bread","#),
            "{shell}: {read}: {shown}"
        );
    }
}

#[test]
fn fish_completes_with_docs() {
    let home = Home::new();
    servers(&home);
    let mut fish = home.any("fish");
    let asked = r#"remotex completions fish | source; complete -C "remotex call bboard "; complete -C "remotex call bboard post i""#;
    match with_path(&mut fish)
        .args(["--no-config", "-c", asked])
        .output()
    {
        Ok(output) => {
            let lines = stdout(&output);
            for line in [
                "post\tPins an item to the board.",
                "read\tAll that is on the board, oldest first.",
                "item=\t&str",
            ] {
                assert!(lines.lines().any(|it| it == line), "{line:?} in {lines}");
            }
        }
        Err(e) => eprintln!("left out, for want of `fish`: {e}"),
    }
}

#[test]
fn zsh_completes_with_docs() {
    let home = Home::new();
    servers(&home);
    // `_describe` is what shows it; here it prints what it is given.
    const ASK: &str = r#"
        compdef() { :; }
        _describe() { print -l -- "${(@P)${@[-1]}}"; }
        source <(remotex completions zsh)
        words=(remotex call bboard "") CURRENT=4
        _remotex
    "#;
    let mut zsh = home.any("zsh");
    match with_path(&mut zsh).args(["-f", "-c", ASK]).output() {
        Ok(output) => {
            let lines = stdout(&output);
            assert!(
                lines.contains("post:Pins an item to the board."),
                "{lines}{}",
                stderr(&output)
            );
        }
        Err(e) => eprintln!("left out, for want of `zsh`: {e}"),
    }
}
