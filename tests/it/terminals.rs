use std::process::Stdio;

use crate::support::{Home, command_path, program_path, stderr, stdout};

/// A text that renames the window of a terminal, and clears it.
const ORDERS: &str = "\u{1b}]0;owned\u{7}\u{9b}2J";

/// The output of a command on a terminal; `None` where there is no `script` to make one.
fn on_a_terminal(home: &Home, program: &str, words: &[&str]) -> Option<String> {
    let mut command = program.to_owned();
    for word in words {
        command.push_str(&format!(" '{word}'"));
    }
    let mut script = home.any("script");
    script.args(["-qec", &command, "/dev/null"]);
    match script.env("TERM", "xterm").stdin(Stdio::null()).output() {
        Ok(output) => Some(stdout(&output)),
        Err(e) => {
            eprintln!("left out, for want of `script`: {e}");
            None
        }
    }
}

fn assert_shown(said: &str) {
    assert!(
        !said.contains("\u{1b}]") && !said.contains('\u{9b}'),
        "{said:?}"
    );
    assert!(said.contains("0;owned"), "{said:?}");
}

#[test]
fn what_a_server_says_gives_a_terminal_no_orders() {
    let home = Home::new();
    home.run_zoo(&["start", "zoo"]);
    let remotex = command_path();
    let remotex = remotex.to_str().unwrap();
    let text = format!("text={ORDERS}");
    for words in [
        &["call", "zoo", "panics", &text][..],
        &["call", "zoo", "echo", &text],
        &["logs", "zoo"],
        &["call", "--json", "{}", "zoo", ORDERS],
    ] {
        match on_a_terminal(&home, remotex, words) {
            Some(said) => assert_shown(&said),
            None => return,
        }
    }
    let program = program_path("zoo");
    let mut debugged = home.any("env");
    let words = [
        "REMOTEX_DEBUG=1",
        program.to_str().unwrap(),
        "panic-with",
        ORDERS,
    ];
    let said = on_a_terminal(&home, "env", &words).unwrap();
    assert!(said.contains(r"\u{1b}]0;owned\u{7}\u{9b}2J"), "{said:?}");
    // In a pipe, it is what was said.
    let output = debugged.args(words).output().unwrap();
    assert!(stderr(&output).contains(ORDERS), "{output:?}");
}
