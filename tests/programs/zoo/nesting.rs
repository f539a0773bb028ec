//! Functions that call each other's servers, and programs that call the server that started them.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use remotex::{Result, Server, remote};

use super::functions::{FORGOTTEN, ZOO};

pub(crate) static OUTER: Server = Server::new("outer").autostart().idle_timeout(FORGOTTEN);

pub(crate) static INNER: Server = Server::new("inner").autostart().idle_timeout(FORGOTTEN);

/// How many calls have begun to run.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

/// Waits until so many calls of it have begun, and then leads back to this server over another one.
#[remote(OUTER)]
pub(crate) fn outer(all: usize) -> Result<u32> {
    BEGUN.fetch_add(1, Ordering::SeqCst);
    for _ in 0..6000 {
        if BEGUN.load(Ordering::SeqCst) >= all {
            return middle();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err("the others have not come".into())
}

#[remote(INNER)]
fn middle() -> Result<u32> {
    innermost()
}

#[remote(OUTER)]
fn innermost() -> Result<u32> {
    Ok(std::process::id())
}

/// Calls from so many threads at once; returns how many of them were answered.
pub(crate) fn at_once(threads: usize, all: usize) -> Result<usize> {
    OUTER.start()?;
    let threads: Vec<_> = (0..threads)
        .map(|_| std::thread::spawn(move || outer(all)))
        .collect();
    let ended = threads.into_iter().map(|thread| thread.join().unwrap());
    Ok(ended.filter(Result::is_ok).count())
}

/// The output of another process of this program, which calls this server.
#[remote(ZOO)]
pub(crate) fn child_pid() -> Result<String> {
    let child = Command::new(std::env::current_exe()?).arg("pid").output()?;
    Ok(String::from_utf8_lossy(&child.stdout).trim().to_owned())
}
