//! A server that looks at its calls, and what it knows of those that have failed.

use std::sync::atomic::{AtomicU64, Ordering};

use remotex::{Call, Error, Mutex, Outcome, Remote, Result, Server, remote};

pub static HOOKED: Server = Server::new("hooked").autostart().before(check).after(note);

/// What was noted.
#[remote(HOOKED)]
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

static RUNS: AtomicU64 = AtomicU64::new(0);

fn check(call: &Call) -> Result<(), Error> {
    match call.function() {
        "forbidden" => Err("nobody may do that".into()),
        "unlucky" => panic!("the check is out of luck"),
        _ => Ok(()),
    }
}

fn note(call: &Call, outcome: &Outcome) {
    assert_ne!(call.function(), "unlucky_later", "the look is out of luck");
    NOTES.lock().push(format!(
        "{} {} {} {} {} {} {outcome}",
        call.server(),
        call.function(),
        call.caller().pid(),
        call.argument_bytes(),
        outcome.answer_bytes(),
        outcome.duration().as_secs() < 60,
    ));
}

#[remote(HOOKED)]
pub fn notes() -> Result<Vec<String>> {
    Ok(std::mem::take(&mut *NOTES.lock()))
}

#[remote(HOOKED)]
pub fn runs() -> Result<u64> {
    Ok(RUNS.load(Ordering::Relaxed))
}

fn run() -> Result<u64> {
    Ok(RUNS.fetch_add(1, Ordering::Relaxed) + 1)
}

#[remote(HOOKED)]
pub fn allowed(word: &str) -> Result<u64> {
    let _ = word;
    run()
}

#[remote(HOOKED)]
pub fn forbidden() -> Result<u64> {
    run()
}

#[remote(HOOKED)]
pub fn unlucky() -> Result<u64> {
    run()
}

#[remote(HOOKED)]
pub fn unlucky_later() -> Result<(u64, Remote<Thing>)> {
    Ok((run()?, Remote::new(Thing)))
}

#[remote(HOOKED)]
pub fn fails(word: &str, n: u32, list: &[u64]) -> anyhow::Result<()> {
    let _ = (n, list);
    let inner = std::io::Error::other(format!("no {word}"));
    Err(anyhow::Error::new(inner).context("it did not work"))
}

#[remote(HOOKED)]
pub fn raises() -> Result<(), Own> {
    Err(Own(7))
}

/// An error that travels as itself.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Own(pub u32);

impl From<Error> for Own {
    fn from(e: Error) -> Self {
        panic!("{e}");
    }
}

#[remote(HOOKED)]
pub fn panics(secret: String) -> Result<()> {
    panic!("it panicked with {} letters", secret.len());
}

/// An error whose `Debug` panics.
struct Hidden;

impl std::fmt::Debug for Hidden {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("not for your eyes");
    }
}

impl std::fmt::Display for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hidden")
    }
}

impl std::error::Error for Hidden {}

#[remote(HOOKED)]
pub fn hides() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(Box::new(Hidden))
}

#[remote(HOOKED)]
pub fn verbose() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    #[derive(Debug)]
    struct Endless(#[allow(dead_code, reason = "shown by Debug")] Vec<u8>);
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("endless")
        }
    }
    impl std::error::Error for Endless {}
    Err(Box::new(Endless(vec![7; 64 << 20])))
}

/// A thing that fails.
pub struct Thing;

#[remote(HOOKED)]
impl Thing {
    pub fn get() -> Result<Remote<Self>> {
        Ok(Remote::new(Self))
    }

    pub fn fail(&self) -> Result<()> {
        Err("the thing fails".into())
    }
}

pub(crate) fn hooks() {
    let pid = std::process::id();
    assert_eq!(allowed("abc").unwrap(), 1);
    let e = forbidden().unwrap_err();
    assert!(matches!(e, Error::Denied(_)) && !e.may_have_run());
    assert_eq!(e.to_string(), "nobody may do that");
    for (e, words, may_have_run) in [
        (unlucky().unwrap_err(), "the check is out of luck", true),
        (
            unlucky_later().unwrap_err(),
            "the look is out of luck",
            true,
        ),
    ] {
        let Error::Panicked { message, .. } = &e else {
            panic!("{e:?}");
        };
        assert!(message.contains(words), "{message}");
        assert_eq!(e.may_have_run(), may_have_run);
    }
    // What was made for an answer that a hook has spoiled is let go of.
    assert!(HOOKED.status().unwrap().holders.is_empty());
    assert_eq!(runs().unwrap(), 2);
    fails("luck", 1, &[]).unwrap_err();
    assert_eq!(raises().unwrap_err().0, 7);
    // What one call has made stays, however the next one ends.
    let thing = Thing::get().unwrap();
    forbidden().unwrap_err();
    assert_eq!(thing.fail().unwrap_err().to_string(), "the thing fails");
    let notes = notes().unwrap();
    let expected = [
        "allowed PID 11 8 true ok".into(),
        "forbidden PID 0 0 true nobody may do that".into(),
        format!(
            "unlucky PID 0 0 true it panicked at {}: the check is out of luck",
            place("the check is")
        ),
        "runs PID 0 8 true ok".into(),
        "fails PID 24 0 true it did not work".into(),
        "raises PID 0 4 true an error of its own type".into(),
        "Thing::get PID 0 32 true ok".into(),
        "forbidden PID 0 0 true nobody may do that".into(),
        "Thing::fail PID 32 0 true the thing fails".into(),
    ];
    let expected = expected.map(|line| format!("hooked {}", line.replace("PID", &pid.to_string())));
    assert_eq!(notes, expected);
}

/// Where in this file that is said, as a panic has it.
fn place(words: &str) -> String {
    let lines = include_str!("hooks.rs").lines();
    let (at, line) = lines
        .enumerate()
        .find(|(_, line)| line.contains(words))
        .unwrap();
    let column = line.find("panic!").unwrap() + 1;
    format!("{}:{}:{column}", file!(), at + 1)
}

pub(crate) fn details() {
    let e = fails("luck", 1, &[2, 3]).unwrap_err();
    let e = e.downcast_ref::<Error>().unwrap();
    let details = e.details().unwrap();
    assert_eq!(details.function, "fails");
    assert_eq!(details.message, "it did not work");
    assert_eq!(details.causes, ["no luck"]);
    assert!(
        details.debug.as_ref().unwrap().contains("Caused by:"),
        "{details:?}"
    );
    assert!(details.when.elapsed().unwrap().as_secs() < 60);
    let sizes = [("word", 12), ("n", 4), ("list", 24)];
    assert_eq!(
        details.arguments,
        sizes.map(|(name, size)| (name.to_owned(), size))
    );
    let text = details.to_string();
    let begin = "`fails` failed: it did not work\n  because: no luck\n  0 s ago, with `word` (12 bytes), `n` (4 bytes), `list` (24 bytes)\n";
    assert!(text.starts_with(begin), "{text}");
    // Of a panic, and what was sent is not told.
    let panicked = panics("do not tell".into()).unwrap_err();
    let details = panicked.details().unwrap();
    assert!(details.location.as_ref().unwrap().contains("hooks.rs"));
    assert!(
        details
            .backtrace
            .as_ref()
            .unwrap()
            .contains("hooks::panics"),
        "{details}"
    );
    assert_eq!(details.arguments, [("secret".to_owned(), 19)]);
    assert!(!details.to_string().contains("do not tell"));
    // The other one is still there, and others can look.
    assert_eq!(e.details().unwrap().message, "it did not work");
    let hidden = hides().unwrap_err();
    let hidden = hidden.downcast_ref::<Error>().unwrap();
    assert_eq!(hidden.to_string(), "hidden");
    assert_eq!(hidden.details().unwrap().debug, None);
    // Of a method too.
    let e = Thing::get().unwrap().fail().unwrap_err();
    assert_eq!(e.details().unwrap().arguments, [("self".to_owned(), 32)]);
    // Only the latest are kept.
    for _ in 0..16 {
        fails("x", 1, &[]).unwrap_err();
    }
    let gone = panicked.details().unwrap_err();
    assert!(matches!(gone, Error::Gone(_)));
    assert_eq!(
        gone.to_string(),
        "`panics` on server `hooked`: the server does not keep what is known of that call any more"
    );
    // What would be endless is cut.
    let e = verbose().unwrap_err();
    let e = e.downcast_ref::<Error>().unwrap().details().unwrap();
    assert_eq!(e.debug.unwrap().len(), 64 * 1024);
    // There are none of what has not run, or not in a server.
    let e = forbidden().unwrap_err().details().unwrap_err();
    assert!(e.to_string().contains("this error is no such"), "{e}");
    assert!(Error::failed("x").details().is_err());
    let e = fails("x", 1, &[]).unwrap_err();
    HOOKED.restart().unwrap();
    fails("another", 1, &[]).unwrap_err();
    let words = e
        .downcast_ref::<Error>()
        .unwrap()
        .details()
        .unwrap_err()
        .to_string();
    assert!(
        words.ends_with("does not keep what is known of that call any more"),
        "{words}"
    );
    HOOKED.stop().unwrap();
    let e = e.downcast_ref::<Error>().unwrap().details().unwrap_err();
    assert_eq!(
        e.to_string(),
        "`fails` on server `hooked`: the server that knew more of it has ended"
    );
}

/// With REMOTEX_DEBUG, what is known is printed at once.
pub(crate) fn debug() {
    fails("luck", 1, &[2, 3]).unwrap_err();
    panics("do not tell".into()).unwrap_err();
    raises().unwrap_err();
}
