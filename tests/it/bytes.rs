use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use remote_runtime::codec::Encoder;
use remote_runtime::wire::call::Head;
use remote_runtime::wire::fault::Fault;
use remote_runtime::wire::frame::{self, Inbox};
use remote_runtime::wire::hello::Hello;
use remote_runtime::wire::{Kind, MAGIC};
use rustix::buffer::spare_capacity;

use crate::support::{Home, connect, stdout};

/// The next frame, or `None` at the end of the connection.
pub(crate) fn receive(stream: &mut UnixStream, inbox: &mut Inbox) -> Option<(Kind, Vec<u8>)> {
    while !inbox.has_frame(frame::LARGEST).unwrap() {
        match rustix::io::read(&*stream, spare_capacity(inbox.space())).map_err(io::Error::from) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return None,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => panic!("{e}"),
        }
    }
    Some((inbox.take().unwrap(), inbox.body().to_vec()))
}

fn hello(server: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Hello::here(server, 1 << 20).put(&mut out);
    out
}

/// A connection on which both sides have greeted.
pub(crate) fn greeted(socket: &Path, server: &str) -> (UnixStream, Inbox) {
    let (mut stream, mut inbox) = (connect(socket), Inbox::default());
    let (kind, body) = receive(&mut stream, &mut inbox).unwrap();
    assert_eq!(kind, Kind::Hello);
    // As a client of the very same program, of which no call is compared.
    let mut out = Vec::new();
    let theirs = Hello::read(&body).unwrap();
    let ours = Hello {
        build: theirs.build,
        image: theirs.image,
        ..Hello::here(server, 1 << 20)
    };
    ours.put(&mut out);
    stream.write_all(&out).unwrap();
    (stream, inbox)
}

/// A call as a frame.
pub(crate) fn call(function: &str, arguments: &[u8]) -> Vec<u8> {
    frame::of(Kind::Call, |out| {
        let head = Head {
            name: function,
            ..Head::default()
        };
        head.put(out);
        out.extend_from_slice(arguments);
    })
}

/// Makes a call without arguments, and returns what its reply is.
pub(crate) fn call_on(stream: &mut UnixStream, inbox: &mut Inbox, function: &str) -> Kind {
    stream.write_all(&call(function, b"")).unwrap();
    receive(stream, inbox).unwrap().0
}

pub(crate) fn encoded(value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out, 0, 1 << 20).put(value).unwrap();
    out
}

/// What the server says to `bytes` after both have greeted.
fn fault_of(home: &Home, bytes: &[u8]) -> Fault {
    let (mut stream, mut inbox) = greeted(&home.socket("zoo"), "zoo");
    stream.write_all(bytes).unwrap();
    let (kind, body) = receive(&mut stream, &mut inbox).expect("a reply");
    assert_eq!(kind, Kind::Fault);
    Fault::read(&body).unwrap()
}

/// A server, with a client that must not notice anything of what others send.
fn undisturbed(others: impl FnOnce(&Home)) {
    let home = Home::new();
    let pid = home.run_zoo(&["pid"]);
    let (mut stream, mut inbox) = greeted(&home.socket("zoo"), "zoo");
    others(&home);
    stream
        .write_all(&call("echo", &encoded("still here")))
        .unwrap();
    assert_eq!(
        receive(&mut stream, &mut inbox),
        Some((Kind::Answer, encoded("still here")))
    );
    assert_eq!(home.run_zoo(&["pid"]), pid);
}

/// What comes after the server's hello when a connection begins with `bytes`.
fn after_hello(home: &Home, bytes: &[u8]) -> Option<Fault> {
    let (mut stream, mut inbox) = (connect(&home.socket("zoo")), Inbox::default());
    stream.write_all(bytes).unwrap();
    assert_eq!(receive(&mut stream, &mut inbox).unwrap().0, Kind::Hello);
    let (kind, body) = receive(&mut stream, &mut inbox)?;
    assert_eq!(kind, Kind::Fault);
    assert!(
        receive(&mut stream, &mut inbox).is_none(),
        "the connection ends"
    );
    Some(Fault::read(&body).unwrap())
}

#[test]
fn a_server_refuses_what_is_no_connection() {
    undisturbed(|home| {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            &[0; 100],
            &[0xff; 10_000],
            b"remotey\n",
        ] {
            assert!(
                matches!(after_hello(home, bytes), Some(Fault::Malformed(_))),
                "{bytes:?}"
            );
        }
        let no_hello = [&MAGIC[..], &call("echo", b"")].concat();
        assert!(matches!(
            after_hello(home, &no_hello),
            Some(Fault::Malformed(_))
        ));
        assert!(matches!(
            after_hello(home, &hello("ark")),
            Some(Fault::Mismatch(_))
        ));
        let huge = [&MAGIC[..], &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]].concat();
        assert!(matches!(
            after_hello(home, &huge),
            Some(Fault::TooLarge { answer: false, .. })
        ));
    });
}

#[test]
fn a_server_refuses_what_is_no_call() {
    undisturbed(|home| {
        assert_eq!(
            fault_of(home, &call("nothing", b"")),
            Fault::UnknownFunction
        );
        assert!(
            matches!(fault_of(home, &call("echo", b"")), Fault::Mismatch(why) if why.contains("`text`"))
        );
        assert!(matches!(
            fault_of(home, &call("echo", &[0xff; 8])),
            Fault::Mismatch(_)
        ));
        let left_over = [&encoded("x")[..], b"y"].concat();
        assert!(matches!(
            fault_of(home, &call("echo", &left_over)),
            Fault::Mismatch(_)
        ));
        assert!(matches!(
            fault_of(home, &frame::of(Kind::Call, |out| out.push(9))),
            Fault::Malformed(_)
        ));
        assert!(matches!(
            fault_of(home, &frame::of(Kind::Call, |out| out.extend([1, 0, 0xff]))),
            Fault::Malformed(_)
        ));
        assert!(matches!(
            fault_of(home, &frame::of(Kind::Answer, |_| ())),
            Fault::Malformed(_)
        ));
        assert!(matches!(
            fault_of(home, &[0, 0, 0, 0, 99, 0, 0, 0]),
            Fault::Malformed(_)
        ));
        let huge = [0xff, 0xff, 0xff, 0xff, Kind::Call as u8, 0, 0, 0];
        assert!(matches!(
            fault_of(home, &huge),
            Fault::TooLarge { answer: false, .. }
        ));
    });
}

#[test]
fn a_connection_goes_on_after_a_fault_of_a_call() {
    let home = Home::new();
    home.run_zoo(&["pid"]);
    let (mut stream, mut inbox) = greeted(&home.socket("zoo"), "zoo");
    for bytes in [
        call("nothing", b""),
        call("echo", b"?"),
        call("panics", &encoded("ouch")),
    ] {
        stream.write_all(&bytes).unwrap();
        assert_eq!(receive(&mut stream, &mut inbox).unwrap().0, Kind::Fault);
    }
    // Two calls at once are answered in their order.
    stream
        .write_all(&[call("echo", &encoded("a")), call("echo", &encoded("b"))].concat())
        .unwrap();
    for text in ["a", "b"] {
        assert_eq!(
            receive(&mut stream, &mut inbox),
            Some((Kind::Answer, encoded(text)))
        );
    }
}

#[test]
fn a_server_lets_go_of_who_is_silent() {
    undisturbed(|home| {
        let mut silent = connect(&home.socket("zoo"));
        let (mut halfway, mut inbox) = greeted(&home.socket("zoo"), "zoo");
        let half = call("echo", &encoded("half"));
        halfway.write_all(&half[..half.len() - 1]).unwrap();
        assert!(
            receive(&mut halfway, &mut inbox).is_none(),
            "half a call, then silence"
        );
        let mut inbox = Inbox::default();
        assert_eq!(receive(&mut silent, &mut inbox).unwrap().0, Kind::Hello);
        assert!(
            receive(&mut silent, &mut inbox).is_none(),
            "a connection that never speaks"
        );
    });
}

#[test]
fn a_client_that_closes_anywhere_disturbs_nobody_and_runs_nothing_of_half_a_call() {
    undisturbed(|home| {
        let before = home.run_zoo(&["count"]);
        assert_eq!(before, "1");
        let whole = [hello("zoo"), call("count", b"")].concat();
        for cut in 0..whole.len() {
            connect(&home.socket("zoo"))
                .write_all(&whole[..cut])
                .unwrap();
        }
        assert_eq!(home.run_zoo(&["count"]), "2");
    });
}

/// What the zoo prints of a call when its server sends `reply` after its hello (if that is asked
/// for), and closes once it has the call.
fn client_of(reply: &[u8], greets: bool, word: &str) -> String {
    let home = Home::new();
    let socket = home.path("fake.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let reply = if greets {
        [&hello("zoo"), reply].concat()
    } else {
        reply.to_vec()
    };
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut inbox = Inbox::default();
        while receive(&mut stream, &mut inbox).unwrap().0 != Kind::Call {}
        stream.write_all(&reply).unwrap();
    });
    let mut client = home.zoo(&["without-init", word]);
    let said = stdout(
        &client
            .env("REMOTEX_ZOO", format!("unix:{}", socket.display()))
            .output()
            .unwrap(),
    );
    server.join().unwrap();
    said
}

#[test]
fn a_client_names_what_is_wrong_with_a_reply() {
    for (reply, expected) in [
        (
            frame::of(Kind::Answer, |_| ()),
            "Malformed true `pid` on server `zoo`: its answer cannot be read: it ends too early",
        ),
        (
            frame::of(Kind::Answer, |out| out.extend([0; 5])),
            "Malformed true `pid` on server `zoo`: its answer cannot be read: 1 bytes are left over",
        ),
        (
            frame::of(Kind::Fault, |_| ()),
            "Malformed true `pid` on server `zoo`: the reply cannot be read",
        ),
        (
            frame::of(Kind::Status, |_| ()),
            "Malformed true `pid` on server `zoo`: the server sent a frame of kind Status",
        ),
        (
            frame::of(Kind::Raised, |_| ()),
            "Mismatch true `pid` on server `zoo`: the server sent an error of another type",
        ),
        (
            vec![0xff; 64],
            "Malformed true `pid` on server `zoo`: the reply is no message",
        ),
        (
            [0xff, 0xff, 0xff, 0xff, Kind::Answer as u8, 0, 0, 0].to_vec(),
            "TooLarge true",
        ),
        (
            frame::of(Kind::Answer, |out| out.extend([0; 4]))[..9].to_vec(),
            "Lost true `pid` on server `zoo`: ",
        ),
        (Vec::new(), "Lost true `pid` on server `zoo`: "),
        (
            frame::of(Kind::Goodbye, |out| out.extend(1_u64.to_le_bytes())),
            "Lost true `pid` on server `zoo`: ",
        ),
        (
            frame::of(Kind::Goodbye, |out| out.extend(0_u64.to_le_bytes())),
            "Unreachable false `pid` on server `zoo`: nobody listens",
        ),
    ] {
        let said = client_of(&reply, true, "pid");
        assert!(said.starts_with(expected), "{reply:?}: {said}");
    }
}

#[test]
fn a_client_notices_what_is_no_server() {
    let said = client_of(b"HTTP/1.1 400 Bad Request\r\n\r\n", false, "pid");
    assert!(
        said.starts_with("Malformed false `pid` on server `zoo`: what listens at `unix:"),
        "{said}"
    );
    // Whoever has read the call and says nothing may have passed it on.
    let said = client_of(b"", false, "pid");
    assert!(
        said.starts_with("Lost true `pid` on server `zoo`: "),
        "{said}"
    );
}

#[test]
fn a_client_does_not_wait_for_ever() {
    let home = Home::new();
    let socket = home.path("fake.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut client = home.zoo(&["without-init", "pid"]);
    let said = stdout(
        &client
            .env("REMOTEX_ZOO", format!("unix:{}", socket.display()))
            .output()
            .unwrap(),
    );
    assert!(
        said.starts_with("TimedOut true `pid` on server `zoo`: the server at `unix:"),
        "{said}"
    );
}
