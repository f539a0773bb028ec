use std::io::Write;

use crate::support::{Home, await_that, free_port, stderr, stdout};

use super::{Response, There, connect, give_token, token, variable};

/// A home in which the board is at a port, and a command there.
fn board(address: &str) -> (Home, impl Fn(&Home, &[&str]) -> String + use<>) {
    let address = address.to_owned();
    let run = move |home: &Home, words: &[&str]| {
        let mut command = match words {
            ["remotex", words @ ..] => home.remotex(words),
            words => {
                let mut command = home.command("bboard");
                command.args(words);
                command
            }
        };
        let output = command.env("REMOTEX_BBOARD", &address).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        stdout(&output)
    };
    (Home::new(), run)
}

#[test]
fn a_board_at_a_port_is_posted_to_and_read_and_its_first_caller_starts_it() {
    let (home, run) = board(&format!("http://127.0.0.1:{}", free_port()));
    run(&home, &["over", "the", "web"]);
    assert_eq!(home.servers().len(), 1);
    assert!(run(&home, &[]).ends_with(": over the web"));
    run(&home, &["remotex", "restart", "bboard"]);
    assert_eq!(run(&home, &[]), "", "it is another one");
    run(&home, &["--stop"]);
    assert!(home.servers().is_empty());
}

#[test]
fn the_command_does_over_http_what_it_does_on_a_machine() {
    let port = free_port();
    let (there, run) = board(&format!("http://127.0.0.1:{port}"));
    run(&there, &["from there"]);
    let here = Home::new();
    give_token(&here, "bboard", &token(&there, "bboard"));
    let status = run(&here, &["remotex", "status", "bboard", "--json"]);
    assert!(
        status.contains(&format!("{}", there.servers()[0])),
        "{status}"
    );
    let shown = run(&here, &["remotex", "show", "bboard"]);
    assert!(shown.contains("Pins an item to the board."), "{shown}");
    let post = ["remotex", "call", "bboard", "post", "item=x", "by=y"];
    run(&here, &post);
    let read = run(&here, &["remotex", "call", "bboard", "read"]);
    assert!(
        read.contains("from there") && read.contains("\"x\""),
        "{read}"
    );
    run(&here, &["remotex", "stop", "bboard"]);
    // It is not to be asked any more, and about to end.
    await_that(|| there.servers().is_empty());
    assert!(here.servers().is_empty());
}

/// A check of the zoo, whose servers are found at an address.
fn check(words: &[&str], server: &str) {
    let home = Home::new();
    let address = format!("http://127.0.0.1:{}", free_port());
    let mut zoo = home.zoo(words);
    let output = zoo.env(variable(server), address).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
}

#[test]
fn what_a_client_finds_is_the_same_over_http() {
    for name in ["arguments", "paths", "failures", "panics", "at-once"] {
        check(&["check", name], "zoo");
    }
}

#[test]
fn what_stays_in_the_server_is_held_over_http() {
    for name in ["methods", "values", "traits", "variables"] {
        check(&["holding", name], "holding");
    }
}

#[test]
fn three_megabytes_go_there_and_come_back() {
    let there = There::of("zoo");
    assert_eq!(there.zoo(&["echo-large", "3000000"]), "3000000");
    let text = "y".repeat(3_000_000);
    let (status, answer) = there.call("echo", format!("{{\"text\":\"{text}\"}}"));
    assert_eq!((status, answer.as_str()), (200, Some(&*text)));
}

#[test]
fn an_address_beyond_this_machine_wants_to_be_encrypted() {
    let home = Home::new();
    for words in [["pid", ""], ["serve", "zoo"]] {
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        for address in ["http://0.0.0.0:38420", "http://192.0.2.1:38420/board"] {
            let mut zoo = home.zoo(&words);
            let said = stdout(&zoo.env("REMOTEX_ZOO", address).output().unwrap());
            assert!(said.starts_with("Denied false "), "{said}");
            assert!(
                said.contains("would send what others can read beyond this machine")
                    && said.contains("`tls://`")
                    && said.contains("`https://`"),
                "{said}"
            );
        }
    }
}

#[test]
fn the_page_may_do_nothing_but_ask_its_server() {
    let there = There::of("zoo");
    let page = there.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    // Who only wants to know whether it is there gets no body.
    let mut stream = std::io::BufReader::new(connect(there.port));
    let twice = [
        there.request("HEAD", "/", &[], b""),
        there.request("GET", "/healthz", &[], b""),
    ];
    stream.get_mut().write_all(&twice.concat()).unwrap();
    let head = Response::read(&mut stream, true).unwrap();
    assert_eq!(head.header("content-length"), page.header("content-length"));
    assert_eq!(Response::read(&mut stream, false).unwrap().text(), "ok\n");
}
