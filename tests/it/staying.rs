//! Clients that live on, and what comes between them and their server.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;

use rustix::process::Signal;

use crate::support::{Home, await_that, begin, free_port, is_alive, kill, printed, stdout};

/// How much passes through a proxy before it cuts its first connection; the later ones pass.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Request(usize),
    Reply(usize),
}

/// How bytes get to a server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    /// Through a socket of this machine, as far as the client can tell.
    Unix,
    /// Over a network, where a cut is to be expected.
    Tcp,
}

/// Passes bytes on in both directions, until the cut.
struct Proxy {
    address: String,
    /// How much has passed in each direction over the first connection.
    passed: [Arc<AtomicUsize>; 2],
}

/// Takes the next connection, and makes one to the server.
type Accept = Box<dyn FnMut() -> [File; 2] + Send>;

impl Proxy {
    fn begin(home: &Home, over: Over, cut: Cut, name: &str) -> Self {
        let (address, mut accept) = match over {
            Over::Unix => unix(home, name),
            Over::Tcp => tcp(),
        };
        let passed = [Arc::default(), Arc::default()];
        let counted = passed.clone();
        thread::spawn(move || {
            let mut first = true;
            // It ends with the test.
            loop {
                let ends = accept();
                let (request, reply) = match cut {
                    Cut::Request(n) if first => (n, usize::MAX),
                    Cut::Reply(n) if first => (usize::MAX, n),
                    _ => (usize::MAX, usize::MAX),
                };
                let [requests, replies] = match first {
                    true => counted.clone(),
                    false => Default::default(),
                };
                first = false;
                let again = || ends.each_ref().map(|end| end.try_clone().unwrap());
                let ([client, server], [to_client, to_server]) = (again(), again());
                pass(client, to_server, request, requests, again());
                pass(server, to_client, reply, replies, again());
            }
        });
        Self { address, passed }
    }
}

fn unix(home: &Home, name: &str) -> (String, Accept) {
    let socket = home.path(&format!("run/{name}"));
    let listener = UnixListener::bind(&socket).unwrap();
    let to = home.socket("zoo");
    let accept = move || {
        let ends = [
            listener.accept().unwrap().0,
            UnixStream::connect(&to).unwrap(),
        ];
        ends.map(|end| File::from(OwnedFd::from(end)))
    };
    (format!("unix:{}", socket.display()), Box::new(accept))
}

/// Where the server listens whose connections are cut.
static PORT: LazyLock<u16> = LazyLock::new(free_port);

fn tcp() -> (String, Accept) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = move || {
        let ends = [
            listener.accept().unwrap().0,
            TcpStream::connect(("127.0.0.1", *PORT)).unwrap(),
        ];
        ends.map(|end| File::from(OwnedFd::from(end)))
    };
    (format!("tcp://{address}"), Box::new(accept))
}

fn pass(mut from: File, mut to: File, most: usize, counted: Arc<AtomicUsize>, ends: [File; 2]) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        let mut left = most;
        while left > 0 {
            let space = buffer.len().min(left);
            match from.read(&mut buffer[..space]) {
                Ok(0) => break,
                Ok(n) => {
                    // Before the other side can have done anything with it.
                    counted.fetch_add(n, Ordering::SeqCst);
                    if to.write_all(&buffer[..n]).is_err() {
                        break;
                    }
                    left -= n;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        for end in ends {
            // One of them may be closed already.
            let _ = rustix::net::shutdown(end, rustix::net::Shutdown::Both);
        }
    });
}

/// How many bytes a call's request and reply have.
fn lengths(home: &Home, over: Over, word: &str) -> [usize; 2] {
    let proxy = Proxy::begin(home, over, Cut::Request(usize::MAX), word);
    let said = through(home, &proxy, word, "whole");
    assert_eq!(said, "()");
    proxy.passed.map(|passed| passed.load(Ordering::SeqCst))
}

/// What a call says that goes through a proxy and writes down `id`.
fn through(home: &Home, proxy: &Proxy, word: &str, id: &str) -> String {
    let file = home.path(word);
    stdout(
        &home
            .zoo(&[word, file.to_str().unwrap(), id])
            .env("REMOTEX_ZOO", &proxy.address)
            .output()
            .unwrap(),
    )
}

/// How often each call has run.
fn runs(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Cuts a call after every possible byte, and returns for each what it said and how often it ran.
fn cut_everywhere(over: Over, word: &str) -> Vec<(Cut, String, usize)> {
    let home = Home::new();
    let at_server = |words: &[&str]| {
        let mut command = home.zoo(words);
        if over == Over::Tcp {
            command.env("REMOTEX_ZOO", format!("tcp://127.0.0.1:{}", *PORT));
        }
        stdout(&command.output().unwrap())
    };
    assert_eq!(at_server(&["start", "zoo"]), "()");
    // As long as any of the others, since what is cut says which call it is.
    let [request, reply] = lengths(&home, over, word);
    assert!(request > 100 && reply > 50, "{request} {reply}");
    let cuts = (0..=request)
        .map(Cut::Request)
        .chain((0..=reply).map(Cut::Reply));
    let mut ended = Vec::new();
    for (number, cut) in cuts.enumerate() {
        let id = format!("{number:05}");
        let proxy = Proxy::begin(&home, over, cut, &format!("{word}{number}"));
        let said = through(&home, &proxy, word, &id);
        ended.push((cut, id, said));
    }
    assert_eq!(
        at_server(&["stop", "zoo"]),
        "()",
        "all that ran has come to its end"
    );
    let runs = runs(&home.path(word));
    let times = |id: &str| runs.iter().filter(|run| *run == id).count();
    ended
        .into_iter()
        .map(|(cut, id, said)| (cut, said, times(&id)))
        .collect()
}

#[test]
fn a_call_that_is_cut_anywhere_runs_once_or_may_have_run() {
    for (cut, said, times) in cut_everywhere(Over::Unix, "note") {
        match said.as_str() {
            "()" => assert_eq!(times, 1, "{cut:?}"),
            said => {
                assert!(said.starts_with("Lost true "), "{cut:?}: {said}");
                assert!(times <= 1, "{cut:?}: {times}");
            }
        }
    }
}

#[test]
fn over_a_network_a_call_that_is_cut_anywhere_runs_once_and_is_answered() {
    for (cut, said, times) in cut_everywhere(Over::Tcp, "note") {
        assert_eq!((said.as_str(), times), ("()", 1), "{cut:?}");
    }
}

#[test]
fn an_idempotent_call_that_is_cut_anywhere_is_answered() {
    for (cut, said, times) in cut_everywhere(Over::Unix, "note-again") {
        assert_eq!(said, "()", "{cut:?}");
        assert!((1..=2).contains(&times), "{cut:?}: {times}");
    }
}

/// Eight busy threads, while `disturb` is done again and again to their server.
fn undisturbed(disturb: impl Fn(&Home) + Send + Sync) -> (usize, usize) {
    let home = Home::new();
    let file = home.path("runs");
    let words = ["busy", "8", "400", file.to_str().unwrap()];
    let busy = home.begin_zoo(&words);
    let over = AtomicBool::new(false);
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let before = runs(&file).len();
                await_that(|| over.load(Ordering::SeqCst) || runs(&file).len() > before + 100);
                disturb(&home);
            }
        });
        let said = printed(busy);
        over.store(true, Ordering::SeqCst);
        said
    });
    let numbers = said.trim_matches(['(', ')']).split(", ");
    let numbers: Vec<usize> = numbers.map(|number| number.parse().expect(&said)).collect();
    let [answered, lost] = numbers[..] else {
        panic!("{said}")
    };
    assert_eq!(answered + lost, 8 * 400, "every call has ended");
    let runs = runs(&file);
    let once: HashSet<_> = runs.iter().cloned().collect();
    assert_eq!(once.len(), runs.len(), "nothing has run twice");
    for thread in 0..8 {
        let list = fs::read_to_string(file.with_extension(format!("answered-{thread}"))).unwrap();
        for id in list.lines() {
            assert!(once.contains(id), "{id} was answered and has not run");
        }
    }
    (answered, lost)
}

#[test]
fn busy_clients_do_not_see_their_server_stop() {
    let (_, lost) = undisturbed(|home| {
        home.run_zoo(&["stop", "zoo"]);
    });
    assert_eq!(lost, 0);
}

#[test]
fn busy_clients_do_not_see_their_server_restart() {
    let (_, lost) = undisturbed(|home| {
        let said = home.run_zoo(&["restart", "zoo"]);
        assert_eq!(said, "()");
    });
    assert_eq!(lost, 0);
}

#[test]
fn busy_clients_lose_nothing_but_what_ran_when_their_server_was_killed() {
    let (answered, lost) = undisturbed(|home| {
        // One that is only starting may fail its starter.
        if let Some(pid) = home.serving("zoo") {
            kill(pid, Signal::KILL);
        }
    });
    assert!(answered > lost, "{answered} {lost}");
}

#[test]
fn an_idempotent_call_runs_again_when_its_server_ended_under_it() {
    let home = Home::new();
    let file = home.path("file");
    let old: i32 = home.run_zoo(&["pid"]).parse().unwrap();
    let said = home.run_zoo(&["exit-unless", file.to_str().unwrap()]);
    let new: i32 = said.parse().unwrap_or_else(|_| panic!("{said}"));
    assert_ne!(new, old);
    assert!(!is_alive(old));
    let said = home.run_zoo(&["exit"]);
    assert!(
        said.starts_with("Lost true `exit` on server `zoo`: "),
        "{said}"
    );
    assert!(
        said.contains("ended the process of the server with exit code "),
        "{said}"
    );
}

#[test]
fn a_client_finds_a_server_again_that_is_started_by_hand() {
    let home = Home::new();
    let first = home.serve(&["serve", "manual"], "manual");
    let file = home.path("enough");
    let mut client = home.zoo(&["manual-for", file.to_str().unwrap()]);
    let client = begin(&mut client);
    await_that(|| home.path("enough.1").exists());
    first.signal(Signal::KILL);
    drop(first);
    let second = home.serve(&["serve", "manual"], "manual");
    await_that(|| home.path("enough.2").exists());
    fs::write(file, "").unwrap();
    assert_eq!(printed(client), "2");
    // Who has never met it does not wait for it.
    drop(second);
    let said = home.run_zoo(&["manual"]);
    assert!(
        said.starts_with("Unreachable false `manual` on server `manual`: nobody listens at "),
        "{said}"
    );
}
