//! What stays in the server: for whom, for how long, and against whom.

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use remote_runtime::codec::{Decoder, Encoder};
use remote_runtime::wire::fault::Fault;
use remote_runtime::wire::frame::{self, Inbox};
use remote_runtime::wire::hello::Hello;
use remote_runtime::wire::reference::Reference;
use remote_runtime::wire::{Kind, MAGIC};
use rustix::net::RecvFlags;
use rustix::process::Signal;

use crate::bytes::{call, encoded, receive};
use crate::support::{Home, Running, await_that, begin, checks, connect, kill, printed, stderr};

checks! { "holding";
    methods_are_called_where_the_object_is: "methods";
    references_travel_inside_values_and_nowhere_else: "values";
    whatever_implements_a_trait_can_be_referred_to: "traits";
    what_is_dropped_is_let_go_of_with_the_next_call: "life";
    a_circle_is_held_until_it_is_broken: "circles";
    who_would_wait_for_itself_is_told: "deadlocks";
    what_a_restart_ends_is_gone: "restart";
    a_client_holds_no_more_than_it_may: "limits";
    what_is_in_the_server_of_one_key_stays_there: "keys";
    what_never_ends_does_not_keep_a_server_from_its_end: "never";
    a_panic_on_the_way_costs_nothing: "odd";
    variables_are_got_and_set: "variables";
    a_fork_holds_nothing_of_its_parents: "forks";
    without_a_server_an_object_is_the_thing_itself: "local", "REMOTEX_HOLDING" = "local:";
}

#[test]
fn a_guarded_static_is_not_for_clients() {
    let home = Home::new();
    let output = home.zoo(&["holding", "guards"]).output().unwrap();
    assert!(!output.status.success());
    let words = "`SHELF` is a static of server `holding`, which this process does not serve; touch it in a remote function";
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

#[test]
fn many_objects_leave_nothing_behind() {
    let home = Home::new();
    let said = home.run_zoo(&["holding", "many", "100000"]);
    let (before, after) = said.split_once(' ').unwrap();
    let [before, after] = [before, after].map(|kib| kib.parse::<u64>().unwrap());
    assert!(after < before + 512, "{before} KiB, then {after} KiB");
}

#[test]
fn methods_that_only_look_run_side_by_side() {
    let home = Home::new();
    let file = home.path("go");
    let client = home.begin_zoo(&["holding", "together", "8", file.to_str().unwrap()]);
    await_that(|| home.run_zoo(&["running", "holding"]) == "8");
    fs::write(&file, "").unwrap();
    assert!(client.wait_with_output().unwrap().status.success());
}

#[test]
fn no_clients_write_is_lost() {
    let home = Home::new();
    let clients: Vec<_> = (0..4)
        .map(|_| home.begin_zoo(&["holding", "sum", "250"]))
        .collect();
    let sums = clients.into_iter().map(printed);
    assert_eq!(sums.max_by_key(String::len).unwrap().len(), 4);
    assert_eq!(home.run_zoo(&["holding", "sum", "0"]), "1000");
}

#[test]
fn what_is_held_keeps_a_server_from_being_idle() {
    let home = Home::new();
    let file = home.path("letter");
    let client = home
        .zoo(&["holding", "idle", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(client.status.success(), "{}", stderr(&client));
    // Its client has gone, and so goes the server; what it held has ended before it.
    await_that(|| {
        home.run_zoo(&["status", "lingering"])
            .starts_with("Unreachable")
    });
    assert!(file.with_extension("other").exists());
}

/// Passes bytes on, and cuts all connections at once when told to.
struct Cutter {
    socket: PathBuf,
    streams: Arc<Mutex<Vec<UnixStream>>>,
}

impl Cutter {
    fn begin(home: &Home, to: PathBuf) -> Self {
        let socket = home.path("run/cutter");
        let listener = UnixListener::bind(&socket).unwrap();
        let streams: Arc<Mutex<Vec<UnixStream>>> = Arc::default();
        let all = streams.clone();
        thread::spawn(move || {
            // It ends with the test.
            while let Ok((client, _)) = listener.accept() {
                let ends = [client, UnixStream::connect(&to).unwrap()];
                for (from, to) in [(0, 1), (1, 0)] {
                    let [mut from, mut to] =
                        [from, to].map(|at: usize| ends[at].try_clone().unwrap());
                    thread::spawn(move || {
                        // One of them may be cut at any time.
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                all.lock().unwrap().extend(ends);
            }
        });
        Self { socket, streams }
    }

    fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            // It may have closed.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn command(&self, home: &Home, words: &[&str]) -> std::process::Command {
        let mut command = home.zoo(words);
        command.env("REMOTEX_HOLDING", format!("unix:{}", self.socket.display()));
        command
    }
}

#[test]
fn who_was_cut_off_goes_on_with_what_it_holds() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let cutter = Cutter::begin(&home, home.socket("holding"));
    let file = home.path("end");
    let client = begin(&mut cutter.command(&home, &["holding", "cut", file.to_str().unwrap()]));
    await_that(|| file.with_extension("made").exists());
    for _ in 0..50 {
        await_that(|| !cutter.streams.lock().unwrap().is_empty());
        cutter.cut();
    }
    fs::write(&file, "").unwrap();
    let said = printed(client);
    assert!(said.ends_with(" true"), "{said}");
    await_that(|| home.run_zoo(&["boxes"]) == "0");
}

#[test]
fn who_was_cut_off_in_a_call_does_not_lose_what_it_holds() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let cutter = Cutter::begin(&home, home.socket("holding"));
    let file = home.path("go");
    let mut command = cutter.command(&home, &["holding", "cut-off", file.to_str().unwrap()]);
    let client = begin(&mut command);
    // The call that makes the object runs as well.
    await_that(|| file.with_extension("made").exists());
    await_that(|| home.run_zoo(&["running", "holding"]) == "1");
    cutter.cut();
    assert!(client.wait_with_output().unwrap().status.success());
}

#[test]
fn what_killed_clients_held_is_let_go_of() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let clients: Vec<_> = (0..64)
        .map(|i| {
            let file = home.path(&format!("client-{i}"));
            let client = home.begin_zoo(&["holding", "hold", "10", file.to_str().unwrap()]);
            (Running::of(client), file)
        })
        .collect();
    // Each at some moment of its own: while it makes, holds or drops.
    for (client, file) in &clients {
        await_that(|| file.exists());
        kill(client.pid(), Signal::KILL);
    }
    drop(clients);
    await_that(|| home.run_zoo(&["boxes"]) == "0");
    assert_eq!(home.run_zoo(&["holders", "holding"]), "0");
}

/// A connection of the session of that token.
fn joined(socket: &Path, token: [u8; 16]) -> (UnixStream, Inbox) {
    let (mut stream, mut inbox) = (connect(socket), Inbox::default());
    let (kind, body) = receive(&mut stream, &mut inbox).unwrap();
    assert_eq!(kind, Kind::Hello);
    let theirs = Hello::read(&body).unwrap();
    let ours = Hello {
        build: theirs.build,
        image: theirs.image,
        session: Some(token),
        ..Hello::here("holding", 1 << 20)
    };
    let mut out = Vec::new();
    ours.put(&mut out);
    assert!(out.starts_with(&MAGIC));
    stream.write_all(&out).unwrap();
    (stream, inbox)
}

type Connection = (UnixStream, Inbox);

fn ask(connection: &mut Connection, function: &str, arguments: &[u8]) -> (Kind, Vec<u8>) {
    let (stream, inbox) = connection;
    stream.write_all(&call(function, arguments)).unwrap();
    receive(stream, inbox).unwrap()
}

fn make(connection: &mut Connection) -> Reference {
    let (kind, body) = ask(connection, "Box::with", &encoded("a"));
    assert_eq!(kind, Kind::Answer);
    Decoder::new(&body).take().unwrap()
}

/// What a call of `Box::inside` on that reference ends with.
fn look(connection: &mut Connection, reference: &Reference) -> Result<(), Fault> {
    let mut out = Vec::new();
    Encoder::new(&mut out, 0, 100).put(reference).unwrap();
    match ask(connection, "Box::inside", &out) {
        (Kind::Answer, _) => Ok(()),
        (Kind::Fault, body) => Err(Fault::read(&body).unwrap()),
        (kind, _) => panic!("{kind:?}"),
    }
}

fn assert_gone(ended: Result<(), Fault>, why: &str) {
    match ended {
        Err(Fault::Gone(words)) => {
            let gone = format!("the `Box` that is meant is gone: {why}");
            assert!(words.starts_with(&gone), "{words}");
        }
        ended => panic!("{ended:?}"),
    }
}

fn release(connection: &mut Connection, ids: &[[u8; 16]]) {
    let release = frame::of(Kind::Release, |out| {
        out.extend_from_slice(ids.as_flattened());
    });
    connection.0.write_all(&release).unwrap();
}

const NOT_HELD: &str = "this process does not hold it";

#[test]
fn a_reference_is_to_its_object_or_to_nothing() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let socket = home.socket("holding");
    let mut ours = joined(&socket, *b"0123456789abcdef");
    let it = make(&mut ours);
    look(&mut ours, &it).unwrap();
    // Another connection of the session has it too, another session has not.
    let mut again = joined(&socket, *b"0123456789abcdef");
    look(&mut again, &it).unwrap();
    let mut other = joined(&socket, *b"0123456789abcdeg");
    assert_gone(look(&mut other, &it), NOT_HELD);
    release(&mut other, &[it.id]);
    look(&mut ours, &it).unwrap();
    // Made up: any bit of its id, and whatever else.
    for bit in 0..128 {
        let id = (u128::from_le_bytes(it.id) ^ 1 << bit).to_le_bytes();
        assert_gone(look(&mut ours, &Reference { id, ..it }), NOT_HELD);
    }
    let ended = Reference {
        home: it.home + 1,
        ..it
    };
    assert_gone(look(&mut ours, &ended), "the server that had it has ended");
    // Of another type.
    let (kind, body) = ask(&mut ours, "counter", &encoded("words"));
    assert_eq!(kind, Kind::Answer);
    let counter: Reference = Decoder::new(&body).take().unwrap();
    assert_gone(
        look(&mut ours, &counter),
        "that reference is one to a `Counter`",
    );
    // Let go of, twice, with some bytes too many.
    release(&mut again, &[it.id, it.id]);
    assert_gone(look(&mut again, &it), NOT_HELD);
    assert_gone(look(&mut ours, &it), NOT_HELD);
    release(&mut ours, &[it.id, counter.id]);
    ours.0
        .write_all(&frame::of(Kind::Release, |out| {
            out.extend_from_slice(b"short");
        }))
        .unwrap();
    assert_gone(look(&mut ours, &counter), NOT_HELD);
    assert_eq!(home.run_zoo(&["holders", "holding"]), "0");
    assert_eq!(home.run_zoo(&["boxes"]), "0");
}

#[test]
fn what_was_made_is_let_go_of_if_nobody_read_it_and_only_then() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let socket = home.socket("holding");
    let mut ours = joined(&socket, *b"0123456789abcdef");
    // However the next call ends, it has read the answer before it.
    let it = make(&mut ours);
    let (kind, _) = ask(&mut ours, "no such function", b"");
    assert_eq!(kind, Kind::Fault);
    look(&mut ours, &it).unwrap();
    // Said to be unreadable: all of it goes, and nothing else.
    let other = make(&mut ours);
    release(&mut ours, &[]);
    assert_gone(look(&mut ours, &other), NOT_HELD);
    look(&mut ours, &it).unwrap();
    release(&mut ours, &[]);
    look(&mut ours, &it).unwrap();
    // Not read, and so the kernel says.
    let (mut gone, _) = joined(&socket, *b"0123456789abcdef");
    gone.write_all(&call("Box::with", &encoded("unread")))
        .unwrap();
    let has_come = |stream: &UnixStream| {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        rustix::net::recv(stream, &mut [0; 1], flags).is_ok()
    };
    await_that(|| has_come(&gone));
    drop(gone);
    await_that(|| home.run_zoo(&["boxes"]) == "1");
    look(&mut ours, &it).unwrap();
}

#[test]
fn a_slow_end_of_what_was_held_keeps_nobody_waiting() {
    let home = Home::new();
    let file = home.path("end");
    let client = home.begin_zoo(&["holding", "slow", file.to_str().unwrap()]);
    let client = Running::of(client);
    await_that(|| home.run_zoo(&["holders", "holding"]) == "1");
    client.signal(Signal::KILL);
    await_that(|| file.with_extension("begun").exists());
    assert_eq!(home.run_zoo(&["boxes"]), "0");
    // Only the server's own end waits for it.
    let stop = home.begin_zoo(&["stop", "holding"]);
    fs::write(&file, "").unwrap();
    assert_eq!(printed(stop), "()");
    assert!(file.with_extension("ended").exists());
}

#[test]
fn who_is_turned_away_keeps_what_it_holds() {
    let home = Home::new();
    let file = home.path("go");
    let words = ["holding", "crowded", file.to_str().unwrap()];
    let output = home.zoo(&words).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_slow_end_of_what_was_dropped_keeps_nobody_from_the_last_thread() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let socket = home.socket("holding");
    let file = home.path("end");
    let path = file.to_str().unwrap();
    let mut ours = joined(&socket, *b"0123456789abcdef");
    let it = make(&mut ours);
    let (kind, body) = ask(&mut ours, "Box::with", &encoded(&format!("slow {path}")));
    assert_eq!(kind, Kind::Answer);
    let slow: Reference = Decoder::new(&body).take().unwrap();
    let mut together = Vec::new();
    let mut encoder = Encoder::new(&mut together, 0, 1000);
    encoder.put(&it).unwrap();
    encoder.put(path).unwrap();
    let all: Vec<_> = (0..511)
        .map(|_| {
            let (mut stream, inbox) = joined(&socket, *b"0123456789abcdef");
            stream.write_all(&call("Box::together", &together)).unwrap();
            (stream, inbox)
        })
        .collect();
    await_that(|| home.run_zoo(&["running", "holding"]) == "511");
    // There is one thread left, which runs nothing of the user's.
    release(&mut ours, &[slow.id]);
    assert_eq!(home.run_zoo(&["running", "holding"]), "511");
    fs::write(&file, "").unwrap();
    look(&mut ours, &it).unwrap();
    for (mut stream, mut inbox) in all {
        assert_eq!(receive(&mut stream, &mut inbox).unwrap().0, Kind::Answer);
    }
}

#[test]
fn who_comes_back_soon_finds_what_it_held() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let socket = home.socket("holding");
    let token = *b"0123456789abcdef";
    let mut first = joined(&socket, token);
    let it = make(&mut first);
    // As soon as this one is there, the other may go.
    let mut second = joined(&socket, token);
    look(&mut second, &it).unwrap();
    drop(first);
    look(&mut second, &it).unwrap();
    drop(second);
    await_that(|| home.run_zoo(&["boxes"]) == "0");
    let mut late = joined(&socket, token);
    assert_gone(look(&mut late, &it), NOT_HELD);
}

#[test]
fn many_sessions_leave_nothing_behind() {
    let home = Home::new();
    home.run_zoo(&["start", "holding"]);
    let socket = home.socket("holding");
    let open_and_drop = |of: u64| {
        for i in 0..of {
            let token = (u128::from(i) << 64 | u128::from(of)).to_le_bytes();
            let mut connection = joined(&socket, token);
            let it = make(&mut connection);
            // Some let go of it, most just go.
            if i % 4 == 0 {
                release(&mut connection, &[it.id]);
            }
        }
    };
    let memory = || {
        await_that(|| home.run_zoo(&["boxes"]) == "0");
        assert_eq!(home.run_zoo(&["holders", "holding"]), "0");
        home.run_zoo(&["resident", "holding"])
            .parse::<u64>()
            .unwrap()
    };
    open_and_drop(10_000);
    let before = memory();
    thread::scope(|scope| {
        let open_and_drop = &open_and_drop;
        for of in [12_500, 12_501, 12_502, 12_503] {
            scope.spawn(move || open_and_drop(of));
        }
    });
    let after = memory();
    assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
}
