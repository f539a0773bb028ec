//! Who listens in a server's place, and who connects without being let in.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::support::{Home, await_that, begin, free_port, printed, stdout};

use super::{Place, assert_refused};

/// What a listener has heard.
type Heard = Arc<Mutex<Vec<u8>>>;

/// Listens at an address, and does the same with each who connects.
fn listen(port: u16, meet: impl Fn(TcpStream, &Heard) + Send + 'static) -> Heard {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let heard = Heard::default();
    let hears = heard.clone();
    // It ends with the tests.
    thread::spawn(move || {
        for stream in listener.incoming() {
            meet(stream.unwrap(), &hears);
        }
    });
    heard
}

/// Reads so many bytes, or until the end.
fn hear(mut stream: &TcpStream, most: u64, heard: &Heard) -> Vec<u8> {
    let mut bytes = Vec::new();
    // However it ends, what has come is what counts.
    let _ = (&mut stream).take(most).read_to_end(&mut bytes);
    heard.lock().unwrap().extend(&bytes);
    bytes
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn an_impostor_learns_neither_the_token_nor_a_word_of_a_call() {
    let greeting = [&b"remotex-tcp 1\n"[..], &[7; 32]].concat();
    // What it answers to who says what a client says.
    type Answer = fn(&[u8]) -> Vec<u8>;
    let answers: [(Answer, &str); 4] = [
        (
            |_| vec![9; 32],
            "does not know the token, so it is not the server",
        ),
        // Back what it was sent itself.
        (
            |said| said[32..].to_vec(),
            "does not know the token, so it is not the server",
        ),
        (|_| vec![0; 32], "does not let us in"),
        // And goes on with the hello of a server.
        (
            |_| [&[9; 32][..], b"hello hello hello"].concat(),
            "does not know the token",
        ),
    ];
    for (answer, words) in answers {
        let place = Place::new("tcp", "zoo");
        place.home.run_remotex(&["keys", "init", "zoo"]);
        let greeting = greeting.clone();
        let heard = listen(place.port(), move |mut stream, heard| {
            stream.write_all(&greeting).unwrap();
            let said = hear(&stream, 64, heard);
            // Who connected may have gone.
            let _ = stream.write_all(&answer(&said));
            hear(&stream, u64::MAX, heard);
        });
        assert_refused(&place.run(&["echo", "marzipan"]), "Denied", &[words]);
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 64, "a number and a proof, and no more");
        let token = fs::read_to_string(place.key("token")).unwrap();
        assert!(!contains(&heard, token.trim()) && !contains(&heard, "marzipan"));
        await_that(|| place.home.servers().is_empty());
    }
}

#[test]
fn an_impostor_without_the_keys_learns_nothing_over_tls() {
    let place = Place::new("tls", "zoo");
    // A server whose keys are others.
    let other = Home::new();
    other.run_remotex(&["keys", "init", "zoo"]);
    let started = place.tell(other.zoo(&["start", "zoo"])).output().unwrap();
    assert_eq!(stdout(&started), "()");
    assert_refused(
        &place.run(&["echo", "marzipan"]),
        "Denied",
        &["is not the server that the keys in"],
    );
    assert!(stdout(&other.zoo(&["status", "zoo"]).output().unwrap()).starts_with("Unreachable"));
    let status = stdout(&place.tell(other.zoo(&["status", "zoo"])).output().unwrap());
    assert!(status.contains(", 0, "), "it has taken no call: {status}");
}

#[test]
fn what_listens_and_is_no_server_is_named() {
    let http = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    let ssh = "SSH-2.0-OpenSSH_9.9p1 Debian-3\r\n";
    for (scheme, banner, variant, words) in [
        (
            "tcp",
            ssh,
            "Malformed",
            "is no remotex server that speaks tcp",
        ),
        (
            "tls",
            ssh,
            "Malformed",
            "does not speak TLS as a remotex server does",
        ),
        (
            "tcp",
            http,
            "Malformed",
            "is no remotex server that speaks tcp",
        ),
        (
            "tls",
            http,
            "Malformed",
            "does not speak TLS as a remotex server does",
        ),
        (
            "tcp",
            "220 hi\r\n",
            "Unreachable",
            "has ended the connection before it has greeted",
        ),
        (
            "tcp",
            "",
            "Unreachable",
            "has ended the connection before it has greeted",
        ),
        (
            "tls",
            "",
            "Unreachable",
            "has ended the connection before it has greeted",
        ),
    ] {
        let place = Place::new(scheme, "zoo");
        place.home.run_remotex(&["keys", "init", "zoo", "--renew"]);
        listen(place.port(), move |mut stream, _| {
            let _ = stream.write_all(banner.as_bytes());
        });
        let said = place.run(&["pid"]);
        assert_refused(&said, variant, &[&place.address, words]);
    }
}

#[test]
fn who_listens_and_says_nothing_is_not_waited_for_for_ever() {
    let places = Place::both("zoo");
    let begun = places.each_ref().map(|place| {
        place.home.run_remotex(&["keys", "init", "zoo", "--renew"]);
        listen(place.port(), |stream, _| std::mem::forget(stream));
        begin(&mut place.zoo(&["pid"]))
    });
    for said in begun.map(printed) {
        assert_refused(
            &said,
            "TimedOut",
            &["does not greet in time; it may be stopped, or no remotex server"],
        );
    }
}

#[test]
fn tcp_and_tls_do_not_take_each_other_for_themselves() {
    let [tcp, tls] = Place::both("zoo");
    for place in [&tcp, &tls] {
        assert_eq!(place.run(&["start", "zoo"]), "()");
    }
    let at = |place: &Place, address: String| {
        let mut zoo = place.home.zoo(&["pid"]);
        stdout(&zoo.env("REMOTEX_ZOO", address).output().unwrap())
    };
    let said = at(&tls, format!("tls://127.0.0.1:{}", tcp.port()));
    assert_refused(&said, "Malformed", &["does not speak TLS"]);
    // Each waits for the other to begin.
    let said = at(&tls, format!("tcp://127.0.0.1:{}", tls.port()));
    assert_refused(&said, "TimedOut", &["does not greet in time"]);
    for place in [&tcp, &tls] {
        place.run(&["pid"]).parse::<u32>().unwrap();
    }
}

#[test]
fn what_is_no_client_is_let_go_and_keeps_nobody_out() {
    for place in Place::both("zoo") {
        assert_eq!(place.run(&["start", "zoo"]), "()");
        let garbage: Vec<u8> = (0..40_000_u32).map(|n| ((n * n) >> 3) as u8).collect();
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: here\r\n\r\nand so on, and on, for sixty-four bytes"[..],
            b"\x16\x03\x01\xff\xff\x01",
            &[0; 64],
            &garbage,
        ] {
            let mut stream = TcpStream::connect(("127.0.0.1", place.port())).unwrap();
            // It may be refused before all of it was taken.
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            await_end(&stream);
        }
        place.run(&["pid"]).parse::<u32>().unwrap();
        let status = place.run(&["status", "zoo"]);
        assert!(status.contains(", 1, "), "one call has come: {status}");
    }
}

/// A crowd of connections of another user, on which nothing is sent, and which are opened anew whenever
/// they are closed, until this is dropped.
struct Crowd {
    opened: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Crowd {
    fn gather(port: u16, n: usize) -> Self {
        let (opened, ends) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counts, quits) = (opened.clone(), ends.clone());
        let thread = thread::spawn(move || {
            // This thread alone is another user from here on.
            #[cfg(target_os = "linux")]
            {
                let nobody = rustix::fs::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            let mut crowd = Vec::new();
            while !quits.load(Ordering::Relaxed) {
                while crowd.len() < n && !quits.load(Ordering::Relaxed) {
                    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                    stream.set_nonblocking(true).unwrap();
                    crowd.push(stream);
                    counts.fetch_add(1, Ordering::Relaxed);
                }
                crowd.retain_mut(|stream| match stream.read(&mut [0; 64]) {
                    Ok(n) => n > 0,
                    Err(e) => e.kind() == ErrorKind::WouldBlock,
                });
                thread::yield_now();
            }
        });
        Self {
            opened,
            ends,
            thread: Some(thread),
        }
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_crowd_that_comes_again_and_again_keeps_no_client_out() {
    if !cfg!(target_os = "linux") || !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root on Linux has connections of another user");
        return;
    }
    for place in Place::both("zoo") {
        // It may have 64 such connections, a quarter of its descriptors.
        let few = "ulimit -n 256; exec \"$@\"";
        let zoo = place.zoo(&["start", "zoo"]);
        let mut start = place.tell(std::process::Command::new("sh"));
        start
            .args(["-c", few, "sh"])
            .arg(zoo.get_program())
            .args(zoo.get_args());
        for (name, value) in zoo.get_envs() {
            match value {
                Some(value) => start.env(name, value),
                None => start.env_remove(name),
            };
        }
        assert_eq!(stdout(&start.output().unwrap()), "()");
        let crowd = Crowd::gather(place.port(), 300);
        for _ in 0..10 {
            let before = crowd.opened();
            await_that(|| crowd.opened() > before + 100);
            assert_eq!(place.run(&["echo", "x"]), "\"x\"");
        }
        let log = fs::read_to_string(place.home.path("state/remotex/zoo.log")).unwrap();
        assert!(log.contains("it makes room for others"), "{log}");
    }
}

/// Reads until the other end has closed.
fn await_end(mut stream: &TcpStream) {
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset, "{e}"),
    }
}

#[test]
fn strangers_who_say_nothing_are_let_go_and_others_get_in() {
    for place in Place::both("zoo") {
        assert_eq!(place.run(&["start", "zoo"]), "()");
        let stranger = || TcpStream::connect(("127.0.0.1", place.port())).unwrap();
        // More than are met at once.
        let silent: Vec<_> = (0..150).map(|_| stranger()).collect();
        // Its own socket is not theirs to keep anybody from.
        assert!(place.run(&["status", "zoo"]).starts_with('('));
        let near = place.home.run_remotex(&["call", "zoo", "echo", "text=x"]);
        assert_eq!(near, "\"x\"");
        // Nor is anybody else kept: the oldest are put out.
        assert_eq!(place.run(&["echo", "x"]), "\"x\"");
        for stream in &silent {
            await_end(stream);
        }
        let log = fs::read_to_string(place.home.path("state/remotex/zoo.log")).unwrap();
        assert!(log.contains("it has not said in time who it is"), "{log}");
    }
}

#[test]
fn a_stranger_who_trickles_is_let_go_too() {
    for place in Place::both("zoo") {
        assert_eq!(place.run(&["start", "zoo"]), "()");
        let mut stream = TcpStream::connect(("127.0.0.1", place.port())).unwrap();
        let often = Duration::from_millis(500);
        stream.set_read_timeout(Some(often)).unwrap();
        // Of what TLS begins with, as slowly as it may be.
        let mut bytes = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
            .iter()
            .cycle();
        await_that(|| {
            if stream.write_all(&[*bytes.next().unwrap()]).is_err() {
                return true;
            }
            let mut greeting = [0; 64];
            match stream.read(&mut greeting) {
                Ok(n) => n == 0,
                Err(e) => e.kind() == ErrorKind::ConnectionReset,
            }
        });
        place.run(&["pid"]).parse::<u32>().unwrap();
    }
}

#[test]
fn a_stop_is_not_kept_by_strangers() {
    for place in Place::both("zoo") {
        assert_eq!(place.run(&["start", "zoo"]), "()");
        let stranger = || TcpStream::connect(("127.0.0.1", place.port())).unwrap();
        let _silent: Vec<_> = (0..100).map(|_| stranger()).collect();
        assert_eq!(place.run(&["stop", "zoo"]), "()");
        await_that(|| place.home.servers().is_empty());
        place.run(&["pid"]).parse::<u32>().unwrap();
    }
}

#[test]
fn a_port_that_somebody_else_has_is_said_to_be_theirs() {
    for place in Place::both("zoo") {
        let _theirs = TcpListener::bind(("127.0.0.1", place.port())).unwrap();
        let said = place.run(&["start", "zoo"]);
        for words in [
            &*place.address,
            "another program has it: stop that one, or choose another port",
        ] {
            assert!(said.contains(words), "{said}");
        }
        await_that(|| place.home.servers().is_empty());
    }
}

#[test]
fn what_others_could_read_does_not_leave_the_machine() {
    let remedy = "use `tls://`, for which `remotex keys init` makes the keys";
    let home = Home::new();
    let zoo = |words: &[&str], address: &str| {
        let mut zoo = home.zoo(words);
        stdout(&zoo.env("REMOTEX_ZOO", address).output().unwrap())
    };
    for host in ["0.0.0.0", "[::]", "10.1.2.3", "zoo.example"] {
        let address = format!("tcp://{host}:{}", free_port());
        // A client, before it looks for anybody.
        assert_refused(&zoo(&["pid"], &address), "Denied", &[&address, remedy]);
        assert_refused(&zoo(&["status", "zoo"], &address), "Denied", &[remedy]);
    }
    let address = format!("tcp://0.0.0.0:{}", free_port());
    assert_refused(&zoo(&["serve"], &address), "Denied", &[&address, remedy]);
    assert!(home.servers().is_empty());
}

#[test]
fn with_tls_a_server_may_be_met_from_anywhere() {
    let place = Place::new("tls", "zoo");
    let anywhere = format!("tls://0.0.0.0:{}", place.port());
    let pid = |address: &str| {
        let mut pid = place.home.zoo(&["pid"]);
        stdout(&pid.env("REMOTEX_ZOO", address).output().unwrap())
    };
    // One that may be on another machine is never started.
    let elsewhere = pid(&format!("tls://zoo.invalid:{}", place.port()));
    assert_refused(&elsewhere, "Unreachable", &["cannot be reached"]);
    assert!(place.home.servers().is_empty());
    let started = pid(&anywhere);
    started.parse::<u32>().expect(&started);
    assert_eq!(pid(&format!("tls://127.0.0.1:{}", place.port())), started);
}

#[test]
fn at_a_port_there_is_the_server_of_one_key() {
    let home = Home::new();
    let address = format!("tcp://127.0.0.1:{}", free_port());
    let call = |folder: &str| {
        let mut call = home.zoo(&["folder"]);
        let call = call.current_dir(folder).env("REMOTEX_FOLDERS", &address);
        stdout(&call.output().unwrap())
    };
    let own = home.path("");
    let own = own.to_str().unwrap().trim_end_matches('/');
    let answer = call(own);
    assert!(answer.ends_with(&format!("{own:?})")), "{answer}");
    let words =
        format!("server `folders` for `{own}` listens at `{address}`, and not the one for `/`");
    assert_refused(&call("/"), "Mismatch", &[&words]);
    assert_eq!(home.servers().len(), 1);
    assert_eq!(call(own), answer);
}
