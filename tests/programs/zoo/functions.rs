//! The functions, which run in the server.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use remotex::{Error, Result, Server, caller, remote};
use serde::{Deserialize, Serialize};

use super::servers::unstarted;

/// A server that nobody needs any more ends by itself.
pub(crate) const FORGOTTEN: Duration = Duration::from_secs(60);

pub(crate) static ZOO: Server = Server::new("zoo").autostart().idle_timeout(FORGOTTEN);

#[remote(ZOO)]
pub(crate) fn pid() -> Result<u32> {
    Ok(std::process::id())
}

/// Stops the server from within, and says how it was until then.
#[remote(ZOO)]
pub(crate) fn bow_out() -> Result<(u32, u64)> {
    let status = ZOO.status()?;
    ZOO.stop()?;
    Ok((status.pid, status.running))
}

#[remote(ZOO)]
pub(crate) fn echo(text: &str) -> Result<String> {
    Ok(text.to_owned())
}

#[remote(ZOO)]
pub(crate) fn count() -> Result<u64> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    Ok(COUNT.fetch_add(1, Ordering::SeqCst) + 1)
}

/// Says that it began by making `FILE.began`, and waits until FILE is there.
#[remote(ZOO)]
pub(crate) fn slow(file: &Path) -> Result<u32> {
    fs::write(file.with_extension("began"), "")?;
    while !file.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    pid()
}

// Every kind of argument.

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) tags: Vec<Option<char>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lent<'a> {
    #[serde(borrow)]
    pub(crate) name: &'a str,
    pub(crate) n: i64,
}

pub(crate) type Text<'a> = &'a str;

#[remote(ZOO)]
pub(crate) fn lent(
    text: &str,
    path: &Path,
    bytes: &[u8],
    numbers: &[u32],
    maybe: Option<&str>,
    item: &Item,
    strange: Lent<'_>,
) -> Result<String> {
    Ok(format!(
        "{text} {} {bytes:?} {numbers:?} {maybe:?} {item:?} {strange:?}",
        path.display()
    ))
}

#[remote(ZOO)]
pub(crate) fn more(
    cow: Cow<'_, str>,
    words: Vec<&str>,
    slices: &[&str],
    items: Option<&[Item]>,
    item: Option<&Item>,
    string: &String,
    path: &PathBuf,
    alias: Text<'_>,
) -> Result<String> {
    Ok(format!(
        "{cow} {words:?} {slices:?} {items:?} {item:?} {string} {} {alias}",
        path.display()
    ))
}

/// Paths that are not UTF-8 arrive as they are.
#[remote(ZOO)]
pub(crate) fn path_bytes(
    a: &Path,
    b: PathBuf,
    c: Option<&Path>,
    d: Option<PathBuf>,
) -> Result<Vec<Vec<u8>>> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    Ok([
        Some(bytes(a)),
        Some(bytes(&b)),
        c.map(bytes),
        d.as_deref().map(bytes),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// Bytes and paths come back as they are, too.
#[remote(ZOO)]
pub(crate) fn joined(bytes: Vec<u8>, path: &Path) -> Result<Vec<u8>> {
    Ok([bytes, path.as_os_str().as_bytes().to_vec()].concat())
}

#[remote(ZOO)]
pub(crate) fn path_back(path: &Path) -> io::Result<PathBuf> {
    Ok(path.join("x"))
}

#[remote(ZOO)]
pub(crate) fn longer<'a>(a: &'a str, b: &'a str) -> Result<String>
where
    'a: 'a,
{
    let longer: &'a str = if a.len() < b.len() { b } else { a };
    Ok(longer.to_owned())
}

#[remote(ZOO)]
pub(crate) fn patterns(
    (a, b): (u32, u32),
    mut x: u32,
    _: u8,
    Point { y, .. }: Point,
    _unused: u8,
) -> Result<u32> {
    x += a;
    Ok(x + b + y)
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// An argument whose name meets those that the macro uses.
#[remote(ZOO)]
pub(crate) fn names(out: u32, away: u32, from: u32, reply: u32, argument_0: u32) -> Result<u32> {
    Ok(out + away + from + reply + argument_0)
}

#[remote(ZOO)]
pub(crate) fn r#match(r#in: u32) -> Result<u32> {
    Ok(r#in)
}

#[remote(ZOO)]
pub(crate) fn many(
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    l: u8,
    m: u8,
    n: u8,
    o: u8,
    p: u8,
    q: u8,
    r: u8,
    s: u8,
    t: u8,
) -> Result<u32> {
    Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t]
        .into_iter()
        .map(u32::from)
        .sum())
}

// Bodies.

#[remote(ZOO)]
pub(crate) fn factorial(n: u64) -> Result<u64> {
    if n == 0 {
        return Ok(1);
    }
    Ok(n * factorial(n - 1)?)
}

/// Calls another remote function, which stays in the server.
#[remote(ZOO)]
pub(crate) fn same_process() -> Result<bool> {
    Ok(pid()? == std::process::id())
}

#[remote(ZOO)]
pub(crate) fn with_attributes(n: u32) -> Result<u32> {
    #![allow(clippy::items_after_statements)]
    let m = n;
    const TWO: u32 = 2;
    Ok(m * TWO)
}

pub(crate) struct Cage {
    pub(crate) animals: Vec<String>,
}

/// Functions in a block.
#[remote(ZOO)]
impl Cage {
    pub const BARS: usize = 12;

    pub fn bars() -> Result<usize> {
        Ok(Self::BARS)
    }

    pub fn count(animals: Vec<Animal>) -> Result<usize> {
        Self::check(&animals)?;
        Ok(animals.len())
    }

    #[remote(name = "Cage::open")]
    #[cfg(any())]
    pub fn never_there() -> Result<()> {
        Ok(())
    }

    #[remote(name = "named-by-hand")]
    pub fn named() -> Result<u32> {
        pid()
    }

    #[remote(skip)]
    pub fn here() -> u32 {
        std::process::id()
    }

    fn check(animals: &[Animal]) -> Result<()> {
        if animals.contains(&Animal::Dragon) {
            Err("there are no dragons".into())
        } else {
            Ok(())
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Animal {
    Cat { lives: u8 },
    Dragon,
}

#[remote(ZOO)]
impl Animal {
    pub fn swap(animal: Self, others: &[Self]) -> Result<Vec<Self>> {
        Ok(others.iter().cloned().chain([animal]).collect())
    }
}

// Errors.

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Typed {
    Hungry { since: u32 },
    Away(String),
}

impl From<Error> for Typed {
    fn from(e: Error) -> Self {
        Self::Away(e.to_string())
    }
}

#[remote(ZOO)]
pub(crate) fn typed(since: u32) -> std::result::Result<(), Typed> {
    Err(Typed::Hungry { since })
}

#[remote(ZOO)]
pub(crate) fn anyhow_chain() -> anyhow::Result<()> {
    Err(anyhow::anyhow!("inner").context("middle").context("outer"))
}

#[remote(ZOO)]
pub(crate) fn boxed() -> std::result::Result<(), Box<dyn StdError>> {
    Err(anyhow::anyhow!("inner").context("outer").into())
}

#[remote(ZOO)]
pub(crate) fn boxed_sync() -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
    Err("boxed".into())
}

#[remote(ZOO)]
pub(crate) fn io_kind(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

/// An error of remotex that the function returns is its own failure, not the call's.
#[remote(ZOO)]
pub(crate) fn passes_on() -> Result<u32> {
    unstarted()
}

#[remote(ZOO)]
pub(crate) fn panics(text: &str) -> Result<()> {
    panic!("{text}, said the zoo");
}

#[remote(ZOO)]
pub(crate) fn caught_panic() -> Result<()> {
    let caught = std::panic::catch_unwind(|| panic!("caught"));
    assert!(caught.is_err());
    Ok(())
}

/// Panics without the hook.
#[remote(ZOO)]
pub(crate) fn resumed_panic() -> Result<()> {
    std::panic::resume_unwind(Box::new("resumed"));
}

#[remote(ZOO)]
pub(crate) fn panics_strangely() -> Result<()> {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a bomb");
        }
    }
    std::panic::panic_any(Bomb);
}

#[remote(ZOO)]
pub(crate) fn exits() -> Result<()> {
    std::process::exit(3);
}

// What cannot travel.

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Skipping {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<u8>,
}

#[remote(ZOO)]
pub(crate) fn skipping(value: &Skipping) -> Result<bool> {
    Ok(value.note.is_some())
}

#[remote(ZOO)]
pub(crate) fn answers_skipping() -> Result<Skipping> {
    Ok(Skipping { note: None })
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Number(u32),
}

#[remote(ZOO)]
pub(crate) fn answers_untagged() -> Result<Untagged> {
    Ok(Untagged::Number(1))
}

#[remote(ZOO)]
pub(crate) fn untagged(value: Untagged) -> Result<u32> {
    let Untagged::Number(n) = value;
    Ok(n)
}

// Who calls.

#[remote(ZOO)]
pub(crate) fn who() -> Result<(u32, u32, PathBuf, PathBuf)> {
    let caller = caller();
    Ok((
        caller.uid(),
        caller.pid(),
        caller.cwd()?,
        caller.path("a/b"),
    ))
}

/// What the caller means by a path, and why its folder is not known.
#[remote(ZOO)]
pub(crate) fn meant(path: &Path) -> Result<(PathBuf, Option<String>)> {
    let caller = caller();
    let why = caller.cwd().err().map(|e| e.to_string());
    Ok((caller.path(path), why))
}

/// Returns the text of a file of the caller's, and its path as the caller would write it.
#[remote(ZOO)]
pub(crate) fn read_of_caller(path: &Path) -> Result<(String, PathBuf)> {
    let path = caller().path(path);
    Ok((fs::read_to_string(&path)?, caller().relative(path)))
}

/// The caller's mask, in octal.
#[remote(ZOO)]
pub(crate) fn umask() -> Result<Option<String>> {
    Ok(caller().umask().map(|mask| format!("{mask:03o}")))
}

#[remote(ZOO)]
pub(crate) fn cwd() -> Result<PathBuf> {
    Ok(std::env::current_dir()?)
}

#[remote(ZOO)]
pub(crate) fn environment() -> Result<Vec<String>> {
    Ok(std::env::vars().map(|(name, _)| name).collect())
}

/// What the server's descriptors lead to, in their order.
#[remote(ZOO)]
pub(crate) fn descriptors() -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        all.extend(fs::read_link(entry?.path()).map(|path| path.display().to_string()));
    }
    Ok(all)
}
