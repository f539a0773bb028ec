//! What a client must find, each in a process of its own with a server of its own.

use std::error::Error as StdError;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, process, thread};

use remotex::Error;

use super::errors;
use super::functions::*;
use super::servers::*;

pub(crate) fn run(name: &str) {
    match name {
        "arguments" => arguments(),
        "paths" => paths(),
        "names" => names_of_arguments(),
        "bodies" => bodies(),
        "blocks" => blocks(),
        "failures" => failures(),
        "panics" => panic_is_an_answer(),
        "debug" => backtrace_is_asked_for(),
        "exit" => exit_is_lost(),
        "unsendable" => unsendable(),
        "tagged" => errors::tagged(),
        "codes" => errors::codes(),
        "lines" => errors::lines(),
        "too-large" => too_large(),
        "caller" => caller(),
        "local" => local(),
        "in-a-row" => in_a_row(),
        "at-once" => at_once(),
        "stays" => stays(),
        "forks" => forks(),
        _ => panic!("no such check: {name}"),
    }
}

fn item(name: &str) -> Item {
    Item {
        name: name.into(),
        tags: vec![Some('x'), None],
    }
}

fn arguments() {
    assert!(!ZOO.is_local());
    let strange = Lent {
        name: "lent",
        n: -1,
    };
    let expected = r#"text a/b [1, 2] [3, 4] Some("maybe") Item { name: "i", tags: [Some('x'), None] } Lent { name: "lent", n: -1 }"#;
    let answer = lent(
        "text",
        Path::new("a/b"),
        &[1, 2],
        &[3, 4],
        Some("maybe"),
        &item("i"),
        strange,
    )
    .unwrap();
    assert_eq!(answer, expected);

    let one = item("one");
    let answer = more(
        "cow".into(),
        vec!["a", "b"],
        &["c"],
        Some(std::slice::from_ref(&one)),
        None,
        &"string".to_owned(),
        &PathBuf::from("p"),
        "alias",
    );
    assert_eq!(
        answer.unwrap(),
        format!(r#"cow ["a", "b"] ["c"] Some([{one:?}]) None string p alias"#)
    );
    let answer = more(
        "".into(),
        vec![],
        &[],
        None,
        Some(&one),
        &String::new(),
        &PathBuf::new(),
        "",
    )
    .unwrap();
    assert_eq!(answer, format!(" [] [] None Some({one:?})   "));
    assert_eq!(longer("a", "bb").unwrap(), "bb");
    assert_eq!(
        many(
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
        )
        .unwrap(),
        210
    );
}

fn paths() {
    let strange = Path::new(OsStr::from_bytes(b"\xff/\xfe"));
    let bytes = strange.as_os_str().as_bytes();
    assert_eq!(
        path_bytes(strange, strange.into(), Some(strange), Some(strange.into())).unwrap(),
        [bytes; 4]
    );
    assert_eq!(
        path_bytes(strange, "b".into(), None, None).unwrap(),
        [bytes, b"b"]
    );
    assert_eq!(path_back(strange).unwrap(), strange.join("x"));
    let large = vec![7; 300_000];
    assert_eq!(
        joined(large.clone(), strange).unwrap(),
        [&large, bytes].concat()
    );
    assert_eq!(joined(vec![], Path::new("")).unwrap(), b"");
}

fn names_of_arguments() {
    assert_eq!(patterns((1, 2), 3, 0, Point { x: 0, y: 4 }, 0).unwrap(), 10);
    assert_eq!(names(1, 2, 3, 4, 5).unwrap(), 15);
    assert_eq!(r#match(7).unwrap(), 7);
}

fn bodies() {
    assert_eq!(factorial(10).unwrap(), 3_628_800);
    assert!(same_process().unwrap());
    assert_eq!(with_attributes(4).unwrap(), 8);
    // None of these calls another function, nor themselves, by way of the socket.
    assert_eq!(ZOO.status().unwrap().calls, 3);
}

fn blocks() {
    let cat = Animal::Cat { lives: 9 };
    assert_eq!(Cage::count(vec![cat.clone(), cat.clone()]).unwrap(), 2);
    assert_eq!(
        Cage::count(vec![Animal::Dragon]).unwrap_err().to_string(),
        "there are no dragons"
    );
    assert_eq!(Cage::bars().unwrap(), 12);
    assert_eq!(
        Animal::swap(Animal::Dragon, std::slice::from_ref(&cat)).unwrap(),
        [cat, Animal::Dragon]
    );
    assert_eq!(Cage::named().unwrap(), pid().unwrap());
    assert_eq!(Cage::here(), process::id());
    assert!(Cage { animals: vec![] }.animals.is_empty());
}

fn sources(e: &dyn StdError) -> Vec<String> {
    std::iter::successors(e.source(), |&e| e.source())
        .map(ToString::to_string)
        .collect()
}

fn failures() {
    assert_eq!(typed(3), Err(Typed::Hungry { since: 3 }));

    let e = anyhow_chain().unwrap_err();
    assert_eq!(
        e.chain().map(ToString::to_string).collect::<Vec<_>>(),
        ["outer", "middle", "inner"]
    );
    let Some(Error::Failed {
        message, causes, ..
    }) = e.downcast_ref()
    else {
        panic!("{e:?}")
    };
    assert_eq!(
        (message.as_str(), causes.join(" ")),
        ("outer", "middle inner".into())
    );
    assert!(e.downcast_ref::<Error>().unwrap().may_have_run());

    let e = boxed().unwrap_err();
    assert_eq!(
        (e.to_string(), sources(&*e)),
        ("outer".into(), vec!["inner".into()])
    );
    assert_eq!(boxed_sync().unwrap_err().to_string(), "boxed");

    let e = io_kind(Path::new("/no/such/file")).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::NotFound);
    assert!(e.to_string().contains("No such file"), "{e}");

    // What the server met on its way elsewhere is a failure of the function, not of this call.
    let e = passes_on().unwrap_err();
    assert!(
        matches!(&e, Error::Failed { message, .. } if message.contains("`unstarted` on server `unstarted`")),
        "{e:?}"
    );
    let e = unstarted().unwrap_err();
    assert!(
        matches!(e, Error::Unreachable(_)) && !e.may_have_run(),
        "{e:?}"
    );
}

fn panic_is_an_answer() {
    let server = pid().unwrap();
    let e = panics("ouch").unwrap_err();
    assert!(e.may_have_run());
    assert!(
        e.to_string()
            .starts_with("`panics` on server `zoo` panicked at "),
        "{e}"
    );
    let Error::Panicked {
        message,
        location,
        backtrace,
    } = e
    else {
        panic!("{e:?}")
    };
    assert_eq!(message, "ouch, said the zoo");
    assert!(location.contains("functions.rs:"), "{location}");
    assert!(backtrace.is_none());
    let e = panics_strangely().unwrap_err();
    assert!(matches!(e, Error::Panicked { .. }), "{e:?}");
    caught_panic().unwrap();
    let Error::Panicked { location, .. } = resumed_panic().unwrap_err() else {
        panic!()
    };
    assert_eq!(location, "", "it is not that of the panic before");
    // Its `.on_start` runs within the call.
    let e = panics_after_aid().unwrap_err();
    let Error::Panicked { location, .. } = e else {
        panic!("{e:?}")
    };
    assert!(location.contains("servers.rs:"), "{location}");
    assert_eq!(pid().unwrap(), server, "the server goes on");
}

fn backtrace_is_asked_for() {
    let Error::Panicked { backtrace, .. } = panics("ouch").unwrap_err() else {
        panic!()
    };
    assert!(backtrace.unwrap().contains("panics"));
}

fn exit_is_lost() {
    let server = pid().unwrap();
    let e = exits().unwrap_err();
    assert!(matches!(e, Error::Lost(_)) && e.may_have_run(), "{e:?}");
    assert_eq!(
        e.to_string(),
        "`exits` on server `zoo`: it ended the process of the server with exit code 3, instead of returning; let it return an error"
    );
    let log = std::fs::read_to_string(ZOO.log().unwrap()).unwrap();
    let words = "remotex: server `zoo`: `exits` was called, and it ended the process of the server with exit code 3";
    assert!(log.contains(words), "{log}");
    assert_ne!(pid().unwrap(), server, "another one has started");
}

fn unsendable() {
    assert!(skipping(&Skipping { note: Some(1) }).unwrap());
    let e = skipping(&Skipping { note: None }).unwrap_err();
    assert!(!e.may_have_run());
    let Error::Unsendable { what, why } = e else {
        panic!("{e:?}")
    };
    assert_eq!(what, "the argument `value`");
    assert!(why.contains("`note`"), "{why}");

    let e = answers_skipping().unwrap_err();
    assert!(e.may_have_run());
    assert!(
        matches!(&e, Error::Unsendable { what, .. } if what == "the answer"),
        "{e:?}"
    );

    let e = untagged(Untagged::Number(1)).unwrap_err();
    assert!(!e.may_have_run());
    let Error::Unsendable { what, why } = e else {
        panic!("{e:?}")
    };
    assert_eq!(what, "the argument `value`");
    assert!(why.contains("untagged"), "{why}");
    let e = answers_untagged().unwrap_err();
    assert!(
        matches!(&e, Error::Unsendable { what, .. } if what == "the answer"),
        "{e:?}"
    );
    assert_eq!(
        ZOO.status().unwrap().connections,
        2,
        "all of that went over one connection"
    );
}

fn too_large() {
    assert_eq!(small(&[0; 4000]).unwrap(), 4000);
    let e = small(&[0; 5000]).unwrap_err();
    assert!(!e.may_have_run());
    let Error::TooLarge { size, limit } = e else {
        panic!("{e:?}")
    };
    assert!(
        limit == 4096 && size > 5000 && size < 5100,
        "{size} {limit}"
    );

    assert_eq!(answers(4000).unwrap().len(), 4000);
    let e = answers(5000).unwrap_err();
    assert!(e.may_have_run());
    assert!(matches!(e, Error::TooLarge { size: 5008, .. }), "{e:?}");
    assert_eq!(small(&[]).unwrap(), 0);
    let status = SMALL.status().unwrap();
    assert_eq!(
        (status.calls, status.connections),
        (4, 2),
        "the arguments that were too large were not sent"
    );
}

fn caller() {
    let uid = rustix::process::geteuid().as_raw();
    let home = env::current_dir().unwrap();
    assert_eq!(
        who().unwrap(),
        (uid, process::id(), home.clone(), home.join("a/b"))
    );
    env::set_current_dir("/").unwrap();
    assert_eq!(
        who().unwrap(),
        (uid, process::id(), "/".into(), "/a/b".into())
    );
}

fn local() {
    assert!(ZOO.is_local());
    assert_eq!(pid().unwrap(), process::id());
    assert_eq!(who().unwrap().1, process::id());
    assert!(ZOO.listen().unwrap_err().to_string().contains("local:"));
    ZOO.start().unwrap();
    ZOO.stop().unwrap();
}

fn in_a_row() {
    let server = pid().unwrap();
    for n in 1..=10_000 {
        assert_eq!(count().unwrap(), n);
    }
    assert_eq!(pid().unwrap(), server);
    assert_eq!(
        ZOO.status().unwrap().connections,
        2,
        "one of them asks for the status"
    );
}

fn at_once() {
    thread::scope(|scope| {
        for i in 0..200 {
            scope.spawn(move || {
                let text = format!("thread {i}");
                for _ in 0..5 {
                    assert_eq!(echo(&text).unwrap(), text);
                }
            });
        }
    });
    assert_eq!(ZOO.status().unwrap().calls, 1000);
}

/// A client that stays up meets an idle stop, a stop and a kill of its server between its calls,
/// and notices nothing, even if it lets SIGPIPE end it.
fn stays() {
    let await_end = |pid: u32| {
        while Path::new(&format!("/proc/{pid}")).exists() {
            thread::yield_now();
        }
    };
    let mut pids = vec![brief().unwrap()];
    await_end(pids[0]);
    pids.push(brief().unwrap());
    quit().unwrap();
    await_end(pids[1]);
    pids.push(brief().unwrap());
    let killed = rustix::process::Pid::from_raw(pids[2].try_into().unwrap()).unwrap();
    rustix::process::kill_process(killed, rustix::process::Signal::KILL).unwrap();
    await_end(pids[2]);
    pids.push(brief().unwrap());
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 4);
}

/// Both sides of a fork go on calling, and each gets its own answers.
fn forks() {
    assert_eq!(echo("before").unwrap(), "before");
    // SAFETY: this process has a single thread.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    let text = if child == 0 { "child" } else { "parent" };
    for _ in 0..500 {
        assert_eq!(echo(text).unwrap(), text);
    }
    if child == 0 {
        process::exit(0);
    }
    let mut status = 0;
    // SAFETY: it is our child, and `status` is a live variable.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0));
}
