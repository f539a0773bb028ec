use std::fs;
use std::io::{Read, Write};

use super::{connect, give, token};
use crate::support::{Home, await_that, free_port, stderr, stdout};

/// A server with keys, and a home with what its clients need.
struct Sealed {
    there: Home,
    here: Home,
    host: &'static str,
    port: u16,
}

impl Sealed {
    fn of(init: &[&str]) -> Self {
        Self::at("127.0.0.1", init)
    }

    fn at(host: &'static str, init: &[&str]) -> Self {
        let sealed = Self {
            there: Home::new(),
            here: Home::new(),
            host,
            port: free_port(),
        };
        sealed
            .there
            .run_remotex(&[&["keys", "init", "zoo"], init].concat());
        assert_eq!(sealed.zoo_in(&sealed.there, &["start", "zoo"]), "()");
        sealed.give("client.pem");
        give(&sealed.here, "zoo", "token", &token(&sealed.there, "zoo"));
        sealed
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.there.path(&format!("home/.config/remotex/zoo/{name}"))).unwrap()
    }

    fn give(&self, name: &str) {
        give(&self.here, "zoo", name, &self.read(name));
    }

    fn zoo_in(&self, home: &Home, words: &[&str]) -> String {
        let address = format!("https://{}:{}", self.host, self.port);
        let mut zoo = home.zoo(words);
        stdout(&zoo.env("REMOTEX_ZOO", address).output().unwrap())
    }

    fn zoo(&self, words: &[&str]) -> String {
        self.zoo_in(&self.here, words)
    }
}

#[test]
fn a_board_is_posted_to_and_read_encrypted() {
    let home = Home::new();
    home.run_remotex(&["keys", "init", "bboard"]);
    let address = format!("https://localhost:{}", free_port());
    let run = |words: &[&str]| {
        let mut board = home.command("bboard");
        let output = board
            .args(words)
            .env("REMOTEX_BBOARD", &address)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    run(&["sealed"]);
    assert!(run(&[]).ends_with(": sealed"));
    run(&["--stop"]);
    assert!(home.servers().is_empty());
}

#[test]
fn who_has_the_keys_calls_and_who_has_others_is_told_why_not() {
    let sealed = Sealed::of(&[]);
    assert!(sealed.zoo(&["pid"]).parse::<u32>().is_ok());
    assert_eq!(sealed.zoo(&["echo-large", "3000000"]), "3000000");
    // The keys of another server.
    let other = Home::new();
    other.run_remotex(&["keys", "init", "zoo"]);
    let others = other.path("home/.config/remotex/zoo/client.pem");
    give(
        &sealed.here,
        "zoo",
        "client.pem",
        &fs::read_to_string(others).unwrap(),
    );
    let said = sealed.zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false ") && said.contains("is not the server that is meant"),
        "{said}"
    );
    // None: then it must be known to the web, which this one is not.
    fs::remove_file(sealed.here.path("home/.config/remotex/zoo/client.pem")).unwrap();
    let said = sealed.zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false ") && said.contains("UnknownIssuer"),
        "{said}"
    );
    give(&sealed.here, "zoo", "client.pem", "no certificate at all");
    let said = sealed.zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false ") && said.contains("is not what `remotex keys init` makes"),
        "{said}"
    );
    // The keys are right, and the token is not.
    sealed.give("client.pem");
    give(&sealed.here, "zoo", "token", &"0".repeat(64));
    let said = sealed.zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false ") && said.contains("is not that of the server"),
        "{said}"
    );
}

#[test]
fn a_certificate_that_has_expired_is_none() {
    let sealed = Sealed::of(&["--days", "0"]);
    // It is good for the second in which it was made.
    await_that(|| sealed.zoo(&["pid"]).starts_with("Denied "));
    let said = sealed.zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false ") && said.contains("expired"),
        "{said}"
    );
    assert!(said.contains("remotex keys init zoo --renew"), "{said}");
}

#[test]
fn a_certificate_is_for_its_hosts() {
    let named = Sealed::at("127.0.0.3", &["--host", "127.0.0.3"]);
    assert!(named.zoo(&["pid"]).parse::<u32>().is_ok());
    let other = Sealed::at("127.0.0.3", &["--host", "elsewhere.example"]);
    let said = other.zoo(&["pid"]);
    assert!(
        said.starts_with("Denied false ")
            && said.contains("is not for `127.0.0.3`")
            && said.contains("`remotex keys init zoo --renew --host 127.0.0.3`"),
        "{said}"
    );
}

#[test]
fn plain_words_are_nothing_to_a_server_that_encrypts() {
    let sealed = Sealed::of(&[]);
    for bytes in [
        &b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"[..],
        b"",
        b"\x16\x03\x01\xff\xff",
        b"remotex\n",
    ] {
        let mut stream = connect(sealed.port);
        stream.write_all(bytes).unwrap();
        // It ends, at the latest when the server has no more patience.
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(!said.starts_with(b"HTTP"), "{said:?}");
        assert!(sealed.zoo(&["pid"]).parse::<u32>().is_ok());
    }
}
