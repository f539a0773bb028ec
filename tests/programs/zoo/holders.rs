//! Clients that hold what stays in the server for as long as somebody else decides: until they are
//! killed, or cut off, or told to go on.

use std::path::Path;
use std::thread;
use std::time::Duration;

use remotex::{Error, Result};

use super::objects::{Box, HOLDING, LINGERING, Letter, SUM, Seat, boxes};
use super::strange::{Odd, odd};

pub(crate) fn run(words: &[&str]) {
    match words {
        ["slow", file] => slow(file),
        ["never"] => never(),
        ["crowded", file] => crowded(file.as_ref()),
        ["odd"] => panics(),
        ["many", n] => many(n.parse().unwrap()),
        ["together", n, file] => together(n.parse().unwrap(), file.as_ref()),
        ["sum", n] => sum(n.parse().unwrap()),
        ["forks"] => forks(),
        ["hold", n, file] => hold(n.parse().unwrap(), file.as_ref()),
        ["cut", file] => cut(file.as_ref()),
        ["cut-off", file] => cut_off(file.as_ref()),
        ["idle", file] => idle(file.as_ref()),
        _ => panic!("no such check: {words:?}"),
    }
}

/// Holds what takes until `file` is there to end, and waits to be killed.
fn slow(file: &str) {
    let _it = Box::with(&format!("slow {file}")).unwrap();
    println!("ready");
    thread::sleep(Duration::from_secs(600));
}

/// Holds what never ends, and stops the server.
fn never() {
    let it = Letter::of(Path::new("never")).unwrap();
    LINGERING.stop().unwrap();
    assert!(matches!(it.path().unwrap_err(), Error::Gone(_)));
    std::process::exit(0);
}

/// Makes and drops so many, and prints how much memory the server takes before and after.
fn many(n: usize) {
    let memory = |round: usize| {
        for _ in 0..round {
            drop(Box::with("a").unwrap());
        }
        assert_eq!(boxes().unwrap(), 0);
        let status = HOLDING.status().unwrap();
        assert!(status.holders.is_empty());
        resident(status.pid)
    };
    let before = memory(1000);
    println!("{before} {}", memory(n));
}

/// In KiB.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Calls so many methods at once that only look, each of which ends when `file` is there.
fn together(n: usize, file: &Path) {
    let it = Box::with("a").unwrap();
    thread::scope(|scope| {
        for _ in 0..n {
            scope.spawn(|| it.together(file).unwrap());
        }
    });
    assert_eq!(it.put(("b", 1)).unwrap(), 2);
}

/// Adds 1 so often.
fn sum(n: u64) {
    for _ in 0..n {
        loop {
            let old = SUM.get().unwrap();
            if SUM.replace(&old, old + 1).unwrap() {
                break;
            }
        }
    }
    println!("{}", SUM.get().unwrap());
}

fn forks() {
    let it = Box::with("a").unwrap();
    // SAFETY: no other thread runs in this process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // What the parent holds is not the child's, to use or to let go of.
        let is_gone = matches!(it.inside(), Err(Error::Gone(_)));
        drop(it);
        let own = Box::with("own").and_then(|own| own.inside());
        std::process::exit(i32::from(!is_gone || own.is_err()));
    }
    let mut status = 0;
    // SAFETY: the pointer is that of a variable.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0));
    assert_eq!(it.inside().unwrap(), ["a"]);
}

/// Holds so many, says so by a file, and goes on making and dropping until it is killed.
fn hold(n: usize, file: &Path) {
    let mut held: Vec<_> = (0..n).map(|_| Box::with("held").unwrap()).collect();
    std::fs::write(file, "").unwrap();
    for at in (0..n).cycle() {
        held[at] = Box::with("held anew").unwrap();
    }
}

/// Goes on with what it holds when its connection was cut, as often as there is a `file`.
fn cut(file: &Path) {
    let it = Box::with("a").unwrap();
    std::fs::write(file.with_extension("made"), "").unwrap();
    let mut lost = 0;
    while !file.exists() {
        match it.put(("b", 1)) {
            Ok(_) => {}
            Err(Error::Lost(_)) => lost += 1,
            Err(e) => panic!("{e:?}"),
        }
    }
    let inside: Result<Vec<String>> = it.inside();
    println!("{lost} {}", inside.unwrap().len() > 1);
}

/// Is cut off in a call that ends when `file` is there, and does nothing for longer than it is waited
/// for.
fn cut_off(file: &Path) {
    let it = Box::with("a").unwrap();
    std::fs::write(file.with_extension("made"), "").unwrap();
    let e = it.together(file).unwrap_err();
    assert!(matches!(e, Error::Lost(_)), "{e:?}");
    std::fs::write(file, "").unwrap();
    thread::sleep(Duration::from_secs(4));
    assert_eq!(it.inside().unwrap(), ["a"]);
}

/// Holds what writes `file` when it ends, for longer than its server may be idle.
fn idle(file: &Path) {
    let it = Letter::of(file).unwrap();
    let pid = LINGERING.status().unwrap().pid;
    thread::sleep(Duration::from_secs(4));
    assert_eq!(LINGERING.status().unwrap().pid, pid);
    assert_eq!(it.path().unwrap(), file);
    assert!(!file.exists());
    drop(it);
    // The next call lets go of it, and of its own.
    drop(Letter::of(&file.with_extension("other")).unwrap());
    assert!(file.exists());
}

/// Is turned away while its own call goes on that it has given up, and does not lose what it holds.
fn crowded(file: &Path) {
    let seat = Seat::take().unwrap();
    assert!(matches!(seat.wait(file).unwrap_err(), Error::TimedOut(_)));
    assert!(matches!(seat.is_there().unwrap_err(), Error::Busy(_)));
    std::fs::write(file, "").unwrap();
    thread::sleep(Duration::from_secs(4));
    assert!(seat.is_there().unwrap());
}

/// Panics while it encodes and decodes, and neither loses nor keeps anything by that.
fn panics() {
    let it = Box::with("a").unwrap();
    assert!(std::panic::catch_unwind(|| odd(Odd(4242))).is_err());
    thread::sleep(Duration::from_secs(4));
    assert_eq!(it.inside().unwrap(), ["a"]);
    assert!(std::panic::catch_unwind(|| odd(Odd(2423))).is_err());
    assert_eq!(boxes().unwrap(), 1);
    assert_eq!(odd(Odd(1)).unwrap().1.0, 2);
}
