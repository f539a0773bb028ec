//! Calls with numbers, which run once, spoken by hand.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use remote_runtime::wire::Kind;
use remote_runtime::wire::call::{Again, Head};
use remote_runtime::wire::fault::Fault;
use remote_runtime::wire::frame::{self, Inbox};
use remote_runtime::wire::hello::Hello;

use crate::bytes::{encoded, receive};
use crate::support::{Home, connect};

/// A connection of one session, on which both sides have said hello.
struct Session {
    stream: UnixStream,
    inbox: Inbox,
}

impl Session {
    fn open(home: &Home) -> Self {
        let (mut stream, mut inbox) = (connect(&home.socket("zoo")), Inbox::default());
        let (_, body) = receive(&mut stream, &mut inbox).unwrap();
        let theirs = Hello::read(&body).unwrap();
        let ours = Hello {
            build: theirs.build,
            image: theirs.image,
            session: Some([5; 16]),
            ..Hello::here("zoo", 1 << 20)
        };
        let mut out = Vec::new();
        ours.put(&mut out);
        stream.write_all(&out).unwrap();
        Self { stream, inbox }
    }

    /// Has the server write down a name, by a call of that number.
    fn note(
        &mut self,
        file: &Path,
        id: &str,
        number: u64,
        again: Option<Again>,
    ) -> (Kind, Vec<u8>) {
        let call = frame::of(Kind::Call, |out| {
            let head = Head {
                name: "note",
                number: Some(number),
                again,
                ..Head::default()
            };
            head.put(out);
            for argument in [file.to_str().unwrap(), id] {
                out.extend(encoded(argument));
            }
        });
        self.stream.write_all(&call).unwrap();
        receive(&mut self.stream, &mut self.inbox).unwrap()
    }
}

#[test]
fn a_first_sending_that_arrives_after_its_repetition_does_not_run() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["start", "zoo"]), "()");
    let file = home.path("runs");
    let (mut first, mut second) = (Session::open(&home), Session::open(&home));
    assert_eq!(second.note(&file, "five", 5, None).0, Kind::Answer);
    // This says that the answer has arrived, so that it is kept no longer.
    assert_eq!(second.note(&file, "six", 6, None).0, Kind::Answer);
    assert_eq!(first.note(&file, "five", 5, None).0, Kind::Forgotten);
    let again = Again {
        instance: None,
        since: Duration::from_millis(50),
    };
    let mut third = Session::open(&home);
    assert_eq!(third.note(&file, "five", 5, Some(again)).0, Kind::Forgotten);
    assert_eq!(third.note(&file, "seven", 7, None).0, Kind::Answer);
    assert_eq!(fs::read_to_string(file).unwrap(), "five\nsix\nseven\n");
}

#[test]
fn a_number_that_is_too_old_does_not_run() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["start", "zoo"]), "()");
    let file = home.path("runs");
    let mut session = Session::open(&home);
    assert_eq!(session.note(&file, "new", 1 << 20, None).0, Kind::Answer);
    assert_eq!(session.note(&file, "old", 1, None).0, Kind::Forgotten);
    assert_eq!(fs::read_to_string(file).unwrap(), "new\n");
}

#[test]
fn a_number_of_another_call_is_refused() {
    let home = Home::new();
    assert_eq!(home.run_zoo(&["start", "zoo"]), "()");
    let file = home.path("runs");
    let mut session = Session::open(&home);
    assert_eq!(session.note(&file, "one", 1, None).0, Kind::Answer);
    let mut other = Session::open(&home);
    let (kind, body) = other.note(&file, "two", 1, None);
    assert_eq!(kind, Kind::Fault);
    let fault = Fault::read(&body).unwrap();
    assert!(
        matches!(&fault, Fault::Malformed(why) if why.contains("has its number, 1")),
        "{fault:?}"
    );
    assert_eq!(fs::read_to_string(file).unwrap(), "one\n");
}
