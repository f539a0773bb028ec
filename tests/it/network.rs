//! Servers that are met over a network, `tcp://` and `tls://`: all that holds of calls holds there too,
//! and what does not.

use std::collections::HashSet;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::{
    Home, await_that, begin, free_port, json_of, kill, pid_of, printed, stderr, stdout,
};

/// By what the ends know each other.
mod keys;
/// Those who are somebody else, at either end.
mod strangers;
/// A proxy that cuts clients off, and delivers later what they have sent.
mod late;

/// Where a server is met, and the home in which it lives.
struct Place {
    home: Home,
    server: &'static str,
    address: String,
}

impl Place {
    /// Where a server is to be met; for `tls`, with keys.
    fn new(scheme: &str, server: &'static str) -> Self {
        let home = Home::new();
        if scheme == "tls" {
            home.run_remotex(&["keys", "init", server]);
        }
        let address = format!("{scheme}://127.0.0.1:{}", free_port());
        Self {
            home,
            server,
            address,
        }
    }

    fn both(server: &'static str) -> [Self; 2] {
        ["tcp", "tls"].map(|scheme| Self::new(scheme, server))
    }

    fn port(&self) -> u16 {
        let (_, port) = self.address.rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    /// Tells a program of the address.
    fn tell(&self, mut command: Command) -> Command {
        let variable = format!("REMOTEX_{}", self.server.to_uppercase());
        command.env(variable, &self.address);
        command
    }

    fn zoo(&self, words: &[&str]) -> Command {
        self.tell(self.home.zoo(words))
    }

    fn run(&self, words: &[&str]) -> String {
        stdout(&self.zoo(words).output().unwrap())
    }

    /// Runs the zoo as somebody else's client, who has no folder in common with the server.
    fn run_from(&self, client: &Home, words: &[&str]) -> String {
        stdout(&self.tell(client.zoo(words)).output().unwrap())
    }

    /// The process of the server, if it answers.
    fn serving(&self) -> Option<i32> {
        pid_of(&self.run(&["status", self.server]))
    }

    fn remotex(&self, words: &[&str]) -> Output {
        self.tell(self.home.remotex(words)).output().unwrap()
    }

    /// Has the zoo make its own checks as a client.
    fn check(&self, words: &[&str]) {
        let output = self.zoo(words).output().unwrap();
        let told = stderr(&output);
        assert!(
            output.status.success(),
            "{} {words:?}: {told}",
            self.address
        );
    }

    /// A file in the folder with what both ends know each other by.
    fn key(&self, name: &str) -> std::path::PathBuf {
        key_of(&self.home, self.server, name)
    }
}

fn key_of(home: &Home, server: &str, name: &str) -> std::path::PathBuf {
    home.path(&format!("home/.config/remotex/{server}/{name}"))
}

/// Whether a call has ended so, before its function can have run.
#[track_caller]
fn assert_refused(said: &str, variant: &str, words: &[&str]) {
    assert!(said.starts_with(&format!("{variant} false ")), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_board_is_posted_to_and_read_over_a_network() {
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    let hosts = if has_ipv6 { 3 } else { 2 };
    for scheme in ["tcp", "tls"] {
        for host in ["127.0.0.1", "localhost", "[::1]"].iter().take(hosts) {
            let place = Place {
                address: format!("{scheme}://{host}:{}", free_port()),
                ..Place::new(scheme, "bboard")
            };
            let board = |words: &[&str]| {
                let mut board = place.tell(place.home.command("bboard"));
                let output = board.args(words).output().unwrap();
                assert!(
                    output.status.success(),
                    "{}: {}",
                    place.address,
                    stderr(&output)
                );
                stdout(&output)
            };
            board(&["fresh", "bread"]);
            assert_eq!(place.home.servers().len(), 1);
            let read = board(&[]);
            assert!(read.ends_with(", just now: fresh bread"), "{read}");
            board(&["--stop"]);
            assert!(place.home.servers().is_empty());
            assert_eq!(board(&[]), "", "another one, with nothing on it");
        }
    }
}

#[test]
fn the_command_tends_a_server_that_is_met_over_a_network() {
    for place in Place::both("bboard") {
        let remotex = |words: &[&str]| {
            let output = place.remotex(words);
            assert!(output.status.success(), "{words:?}: {}", stderr(&output));
            stdout(&output)
        };
        let mut post = place.tell(place.home.command("bboard"));
        assert!(post.arg("hello").status().unwrap().success());
        let status = remotex(&["status", "bboard"]);
        assert!(
            status.contains(&format!("address     {}", place.address)),
            "{status}"
        );
        let read = remotex(&["call", "bboard", "read"]);
        assert!(read.contains("\"item\":\"hello\""), "{read}");
        assert!(remotex(&["show", "bboard"]).contains("Pins an item to the board."));
        let doctor = remotex(&["doctor", "bboard"]);
        assert!(
            doctor.contains(&place.address) && doctor.ends_with("Nothing is wrong."),
            "{doctor}"
        );
        // Who does not know the address finds it by its own socket.
        let list = json_of(&place.home, &["ls", "--json"]);
        assert_eq!(list[0]["address"], *place.address, "{list}");
        assert_eq!(
            place.home.run_remotex(&["call", "bboard", "read"]),
            read,
            "it is the same board"
        );
        let before = place.home.servers();
        for who in [true, false] {
            match who {
                true => remotex(&["restart", "bboard"]),
                false => place.home.run_remotex(&["restart", "bboard"]),
            };
            assert_eq!(remotex(&["call", "bboard", "read"]), "[]");
        }
        assert_ne!(place.home.servers(), before);
        remotex(&["stop", "bboard"]);
        let stopped = place.remotex(&["status", "bboard"]);
        assert_eq!(stopped.status.code(), Some(3), "{}", stderr(&stopped));
        assert!(place.home.servers().is_empty(), "to ask starts none");
        remotex(&["start", "bboard"]);
        assert_eq!(remotex(&["call", "bboard", "read"]), "[]");
    }
}

#[test]
fn what_holds_of_calls_holds_over_a_network() {
    for place in Place::both("zoo") {
        for check in [
            "arguments",
            "paths",
            "names",
            "bodies",
            "blocks",
            "failures",
            "panics",
            "in-a-row",
            "at-once",
            "exit",
            "forks",
        ] {
            place.check(&["check", check]);
            assert_eq!(place.run(&["stop", "zoo"]), "()");
        }
        assert_eq!(place.run(&["echo-large", "3000000"]), "3000000");
    }
    for place in Place::both("small") {
        place.check(&["check", "too-large"]);
    }
}

#[test]
fn what_holds_of_references_holds_over_a_network() {
    for place in Place::both("holding") {
        for check in [
            "methods",
            "values",
            "traits",
            "life",
            "circles",
            "deadlocks",
            "restart",
            "limits",
            "variables",
            "forks",
            "odd",
        ] {
            place.check(&["holding", check]);
            assert_eq!(place.run(&["stop", "holding"]), "()");
        }
    }
}

#[test]
fn a_function_may_start_no_server_over_a_network() {
    for place in Place::both("limited") {
        place.check(&["limits", "starts"]);
    }
}

#[test]
fn hooks_and_details_are_as_ever_over_a_network() {
    for check in ["hooks", "details"] {
        for place in Place::both("hooked") {
            place.check(&["hooks", check]);
        }
    }
}

#[test]
fn a_client_whose_server_ends_between_its_calls_sees_nothing_of_it() {
    for place in Place::both("brief") {
        place.check(&["check", "stays"]);
    }
}

#[test]
fn a_connection_over_a_network_rests_and_goes_on() {
    for place in Place::both("lingering") {
        // For longer than its thread waits for it, and than the server may be idle.
        let file = place.home.path("file");
        place.check(&["holding", "idle", file.to_str().unwrap()]);
    }
}

#[test]
fn where_the_caller_is_means_nothing_on_another_machine() {
    for place in Place::both("zoo") {
        let why = "Some(\\\"the caller's working directory is not known, or was removed\\\")";
        let why = why.replace('\\', "");
        assert_eq!(
            place.run(&["meant", "a/b"]),
            format!("(\"/dev/null/a/b\", {why})")
        );
        assert_eq!(place.run(&["meant", "/a/b"]), format!("(\"/a/b\", {why})"));
        // Over its own socket, it is known as ever.
        let near = place
            .home
            .run_remotex(&["call", "zoo", "meant", "path=a/b"]);
        assert!(
            near.contains(place.home.path("a/b").to_str().unwrap()),
            "{near}"
        );
        assert_eq!(place.run(&["words"]), "(None, [], false)");
    }
}

/// For longer than anybody is waited for who does not greet.
#[test]
fn who_comes_while_the_server_starts_waits_for_it() {
    for place in Place::both("saving") {
        // Its `on_start` reads this, and waits until somebody writes.
        let value = place.home.path("state/value");
        fs::create_dir_all(value.parent().unwrap()).unwrap();
        let made = Command::new("mkfifo").arg(&value).status().unwrap();
        assert!(made.success());
        let first = begin(&mut place.zoo(&["saved", "a"]));
        await_that(|| std::net::TcpStream::connect(("127.0.0.1", place.port())).is_ok());
        let second = begin(&mut place.zoo(&["saved", "b"]));
        thread::sleep(std::time::Duration::from_secs(7));
        fs::write(&value, "loaded").unwrap();
        fs::remove_file(&value).unwrap();
        let said = [printed(first), printed(second)];
        let others = said
            .iter()
            .filter(|said| [r#""a""#, r#""b""#].contains(&&***said));
        assert_eq!(others.count(), 1, "{}: {said:?}", place.address);
        assert!(said.contains(&r#""loaded""#.to_owned()), "{said:?}");
    }
}

#[test]
fn a_server_of_another_name_is_not_taken_for_the_one_that_is_meant() {
    for place in Place::both("zoo") {
        assert_eq!(place.run(&["start", "zoo"]), "()");
        // It knows what the zoo's clients know.
        let folder = |server: &str| place.home.path(&format!("home/.config/remotex/{server}"));
        fs::rename(folder("zoo"), folder("manual")).unwrap();
        let mut other = place.home.zoo(&["manual"]);
        let said = stdout(
            &other
                .env("REMOTEX_MANUAL", &place.address)
                .output()
                .unwrap(),
        );
        assert_refused(&said, "Mismatch", &["server `zoo`", &place.address]);
    }
}

/// Calls in eight threads, while `disturb` is done to the server again and again. Returns how many were
/// answered, and how many may have run.
fn disturbed(place: &Place, disturb: impl Fn()) -> (usize, usize) {
    let file = place.home.path("runs");
    let runs = || -> Vec<String> {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let mut busy = begin(&mut place.zoo(&["busy", "8", "200", file.to_str().unwrap()]));
    for _ in 0..4 {
        let before = runs().len();
        // It may be done by then.
        await_that(|| busy.try_wait().unwrap().is_some() || runs().len() > before + 100);
        disturb();
    }
    let said = printed(busy);
    let numbers = said.trim_matches(['(', ')']).split(", ");
    let numbers: Vec<usize> = numbers.map(|number| number.parse().expect(&said)).collect();
    let runs = runs();
    let once: HashSet<_> = runs.iter().cloned().collect();
    assert_eq!(once.len(), runs.len(), "nothing has run twice");
    for thread in 0..8 {
        let list = fs::read_to_string(file.with_extension(format!("answered-{thread}"))).unwrap();
        let mut answered = list.lines();
        assert!(answered.all(|id| once.contains(id)), "it was answered");
    }
    assert_eq!(numbers[0] + numbers[1], 8 * 200, "every call has ended");
    (numbers[0], numbers[1])
}

#[test]
fn busy_clients_over_a_network_do_not_see_their_server_restart() {
    for place in Place::both("zoo") {
        let (_, lost) = disturbed(&place, || {
            assert_eq!(place.run(&["restart", "zoo"]), "()");
        });
        assert_eq!(lost, 0, "{}", place.address);
    }
}

#[test]
fn who_comes_to_a_network_while_the_server_ends_meets_the_next_one() {
    for place in Place::both("zoo") {
        for end in ["stop", "restart"] {
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        while !over.load(Ordering::SeqCst) {
                            assert_eq!(place.run(&["echo", "x"]), "\"x\"", "{end}");
                        }
                    });
                }
                for _ in 0..30 {
                    place.run(&[end, "zoo"]);
                }
                over.store(true, Ordering::SeqCst);
            });
        }
    }
}

#[test]
fn busy_clients_over_a_network_lose_only_what_ran_when_their_server_was_killed() {
    for place in Place::both("zoo") {
        let (answered, lost) = disturbed(&place, || {
            // One that is only starting may fail its starter.
            if let Some(pid) = place.serving() {
                kill(pid, Signal::KILL);
            }
        });
        assert!(answered > lost, "{}: {answered} {lost}", place.address);
    }
}
