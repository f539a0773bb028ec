use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use remote_runtime::codec::{Decoder, Encoder, Form};
use remote_runtime::shape::{Definition, Structure, Type};
use remote_runtime::wire::call::Head;
use remote_runtime::wire::fault::{self, Fault};
use remote_runtime::wire::frame::{self, Inbox};
use remote_runtime::wire::hello::Hello;
use remote_runtime::wire::interface::{Function, Interface};
use remote_runtime::wire::reference::{Reference, released};
use remote_runtime::wire::report::Report;
use remote_runtime::wire::{Kind, PROTOCOL, call::Fingerprint};
use remotex::Error;
use serde::{Deserialize, Serialize};

/// What stands in `docs/PROTOCOL.md` under a name.
fn golden(name: &str) -> Vec<u8> {
    let blocks = blocks();
    let block = blocks.get(name);
    block
        .unwrap_or_else(|| panic!("there is no block `{name}`"))
        .clone()
}

fn blocks() -> BTreeMap<String, Vec<u8>> {
    let mut blocks = BTreeMap::new();
    let mut lines = include_str!("../../docs/PROTOCOL.md").lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("```hex ") {
            let bytes = lines
                .by_ref()
                .take_while(|line| *line != "```")
                .flat_map(|line| line.split(';').next().unwrap().split_whitespace())
                .map(|byte| u8::from_str_radix(byte, 16).unwrap())
                .collect();
            assert!(blocks.insert(name.to_owned(), bytes).is_none(), "{name}");
        }
    }
    blocks
}

/// The body of a message that is one frame.
fn body(name: &str, kind: Kind) -> Vec<u8> {
    let mut inbox = Inbox::default();
    let bytes = golden(name);
    inbox.space().extend_from_slice(b"remotex\n");
    inbox
        .space()
        .extend(bytes.strip_prefix(b"remotex\n").unwrap_or(&bytes));
    assert_eq!(inbox.has_frame(frame::LARGEST), Ok(true), "{name}");
    assert_eq!(inbox.take(), Some(kind), "{name}");
    let body = inbox.body().to_vec();
    assert!(!inbox.is_partial(), "{name} goes on");
    body
}

/// The message must be this one.
fn assert_frame(name: &str, kind: Kind, fill: impl FnOnce(&mut Vec<u8>)) {
    assert_eq!(frame::of(kind, fill), golden(name), "{name}");
}

const SESSION: [u8; 16] = *b"0123456789abcdef";

const FINGERPRINT: Fingerprint = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];

#[test]
fn a_hello_is_as_the_protocol_has_it() {
    let hello = Hello {
        protocol: PROTOCOL,
        server: "bboard".into(),
        pid: 4242,
        limit: 64 << 20,
        directory: "/home/me".into(),
        session: Some(SESSION),
        ..Hello::default()
    };
    let mut out = Vec::new();
    hello.put(&mut out);
    assert_eq!(out, golden("client-hello"));
    assert_eq!(Hello::read(&body("client-hello", Kind::Hello)), Ok(hello));
}

#[test]
fn a_call_and_its_answer_are_as_the_protocol_has_them() {
    let head = Head {
        name: "post",
        fingerprint: Some(FINGERPRINT),
        program: Some("bboard"),
        ..Head::default()
    };
    assert_frame("call", Kind::Call, |out| {
        head.put(out);
        let mut encoder = Encoder::new(out, 0, 1000);
        encoder.put("hello").unwrap();
        encoder.put("me").unwrap();
    });
    let call = body("call", Kind::Call);
    let (read, arguments) = Head::split(&call).unwrap();
    assert_eq!(read, head);
    let mut decoder = Decoder::new(arguments);
    assert_eq!(decoder.take(), Ok(("hello", "me")));
    decoder.finish().unwrap();
    assert_frame("answer", Kind::Answer, |out| {
        Encoder::new(out, 0, 1000).put(&()).unwrap();
    });
    assert_eq!(body("answer", Kind::Answer), b"");
    assert_frame("answer-list", Kind::Answer, |out| {
        Encoder::new(out, 0, 1000)
            .put(&["hello", "bye"][..])
            .unwrap();
    });
    let plain = Head {
        is_plain: true,
        ..head
    };
    assert_frame("call-plain", Kind::Call, |out| {
        plain.put(out);
        let arguments = ("hello", "me");
        Encoder::new(out, 0, 1000)
            .in_form(Form::Plain)
            .put(&arguments)
            .unwrap();
    });
    let call = body("call-plain", Kind::Call);
    assert_eq!(Head::split(&call).unwrap().0, plain);
    assert_frame("answer-plain", Kind::Answer, |out| {
        let wrong = BTreeMap::from([("code", 7)]);
        Encoder::new(out, 0, 1000)
            .in_form(Form::Plain)
            .put(&wrong)
            .unwrap();
    });
    let answer = body("answer-list", Kind::Answer);
    assert_eq!(Decoder::new(&answer).take(), Ok(vec!["hello", "bye"]));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(u8, u8),
}

#[test]
fn values_are_as_the_protocol_has_them() {
    let reference = Reference {
        home: 1,
        object: 2,
        id: SESSION,
    };
    let first = (true, -2_i16, 7_u128, 0.5_f32, 'ß', "ü");
    let second = (None::<u8>, Some(5_u16), [1_u16, 2].to_vec());
    let third = (
        BTreeMap::from([("a", 9_u8)]),
        Tree::Leaf,
        Tree::Node(3, 4),
        reference,
    );
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 0, 1000);
    encoder.put(&first).unwrap();
    encoder.put_block(b"\xff\0").unwrap();
    encoder.put(&second).unwrap();
    encoder.put(&third).unwrap();
    let values = golden("values");
    assert_eq!(out, values);
    let mut decoder = Decoder::new(&values);
    assert_eq!(decoder.take(), Ok(first));
    assert_eq!(decoder.take_block(), Ok(b"\xff\0".to_vec()));
    assert_eq!(decoder.take(), Ok(second));
    assert_eq!(decoder.take(), Ok(third));
    decoder.finish().unwrap();
}

#[test]
fn faults_are_as_the_protocol_has_them() {
    let failure = body("failure", Kind::Fault);
    let fault = Fault::read(&failure).unwrap();
    assert_frame("failure", Kind::Fault, |out| {
        fault.put(out);
        fault::put_record(&SESSION, out);
    });
    assert_eq!(fault::record(&failure), Some(SESSION));
    let Fault::Failed(failure) = fault else {
        panic!("{fault:?}");
    };
    let e = Error::from(failure);
    assert!(
        matches!(&e, Error::Failed { message, causes, .. }
            if message == "the board is full" && causes == &["no pins are left"]),
        "{e:?}"
    );
    assert_eq!(
        std::io::Error::from(e).kind(),
        std::io::ErrorKind::StorageFull
    );

    let panicked = Fault::Panicked {
        message: "ouch".into(),
        location: "src/main.rs:7:5".into(),
        backtrace: None,
    };
    assert_frame("panic", Kind::Fault, |out| panicked.put(out));
    assert_eq!(Fault::read(&body("panic", Kind::Fault)), Ok(panicked));
}

#[test]
fn a_report_is_as_the_protocol_has_it() {
    assert_frame("status", Kind::Status, |_| ());
    assert_eq!(body("status", Kind::Status), b"");
    let bytes = body("report", Kind::Report);
    let report = Report::read(&bytes).unwrap();
    assert_frame("report", Kind::Report, |out| report.put(out));
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert_eq!(report.started, started);
    let counted = (report.connections, report.running, report.calls);
    assert_eq!(counted, (2, 1, 3));
    assert_eq!(report.program, Path::new("/bin/bboard"));
    let [holder] = &report.holders[..] else {
        panic!("{report:?}");
    };
    let held = (holder.pid, holder.connections, holder.is_cut);
    assert_eq!(held, (4242, 1, false));
    assert_eq!(holder.references, [("Track".to_owned(), 2)]);
}

#[test]
fn a_report_names_the_calls_that_run() {
    let report = Report::read(&body("busy-report", Kind::Report)).unwrap();
    assert_frame("busy-report", Kind::Report, |out| report.put(out));
    let [call] = &report.running_calls[..] else {
        panic!("{report:?}");
    };
    assert_eq!((&*call.function, call.process), ("post", 4242));
    assert_eq!(call.program, Path::new("/bin/bboard"));
    assert_eq!(call.since, report.started + Duration::from_secs(1));
}

fn function() -> Function {
    let mut function = Function::default();
    function.name = "post".into();
    function.docs = "Pins an item.".into();
    function.package = "bboard".into();
    function.file = "src/main.rs".into();
    function.line = 20;
    function.arguments = ["item", "by"]
        .map(|name| (name.to_owned(), "&str".to_owned()))
        .into();
    function.output = "Result<()>".into();
    function.fingerprint = Some(FINGERPRINT);
    function
}

fn interface(structure: Structure) -> Interface {
    let mut function = function();
    function.structure = Some(structure);
    let mut interface = Interface::default();
    interface.server = "bboard".into();
    interface.program = "/bin/bboard".into();
    interface.functions.push(function);
    interface
}

#[test]
fn an_interface_is_as_the_protocol_has_it() {
    assert_frame("interface", Kind::Interface, |_| ());
    let offer = interface(Structure {
        arguments: vec![Type::Text, Type::Text],
        answer: Some(Type::Unit),
        ..Structure::default()
    });
    assert_frame("offer", Kind::Offer, |out| offer.put(out));
    assert_eq!(Interface::read(&body("offer", Kind::Offer)), Ok(offer));
}

#[test]
fn types_are_as_the_protocol_has_them() {
    let integer = |bits, signed| Type::Integer { bits, signed };
    let offer = interface(Structure {
        arguments: vec![Type::Defined(1)],
        answer: Some(Type::Tuple(vec![
            integer(16, true),
            Type::Float(32),
            Type::Bool,
        ])),
        error: Some(Type::Struct {
            name: "Wrong".into(),
            fields: vec![("code".into(), integer(32, false))],
        }),
        definitions: vec![
            Definition::List(Type::Defined(1)),
            Definition::Enum {
                name: "Tree".into(),
                variants: vec![
                    ("Leaf".into(), Some(Type::Unit)),
                    ("Node".into(), Some(Type::Defined(0))),
                ],
            },
        ],
    });
    // A structure is the end of its function, which is the end of its interface.
    let (mut with, mut without) = (Vec::new(), Vec::new());
    offer.put(&mut with);
    interface(Structure::default()).put(&mut without);
    let structure = golden("types");
    assert_eq!(with.len(), without.len() + structure.len());
    assert!(with.ends_with(&structure));
    assert_eq!(Interface::read(&with), Ok(offer));
}

#[test]
fn what_has_ids_and_numbers_is_as_the_protocol_has_it() {
    let other = *b"fedcba9876543210";
    assert_frame("release", Kind::Release, |out| {
        out.extend([SESSION, other].concat());
    });
    let ids = body("release", Kind::Release);
    assert!(released(&ids).eq([SESSION, other]));
    assert_frame("goodbye", Kind::Goodbye, |out| {
        out.extend(3_u64.to_le_bytes());
    });
    assert_eq!(body("goodbye", Kind::Goodbye), 3_u64.to_le_bytes());
}

#[test]
fn every_message_of_the_protocol_is_compared() {
    let source = include_str!("protocol.rs");
    for name in blocks().keys() {
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}
