//! Functions that tell how often they ran, and those that end badly.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use remotex::{Result, caller, remote};

use super::functions::{ZOO, pid};

/// Writes `id` down in FILE, a line for each time that it runs.
#[remote(ZOO)]
pub(crate) fn note(file: &Path, id: &str) -> Result<()> {
    write_down(file, id)
}

/// The same, of which it is no matter how often it runs.
#[remote(ZOO, idempotent)]
pub(crate) fn note_again(file: &Path, id: &str) -> Result<()> {
    write_down(file, id)
}

fn write_down(file: &Path, id: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)?;
    Ok(file.write_all(format!("{id}\n").as_bytes())?)
}

/// Prints, which panics where there is no room for it.
#[remote(ZOO)]
pub(crate) fn shout() -> Result<()> {
    println!("{}", "shout ".repeat(10_000));
    Ok(())
}

/// Ends its server at once, the first time that it runs there.
#[remote(ZOO)]
pub(crate) fn exit(status: i32) -> Result<()> {
    std::process::exit(status)
}

/// The same, where it may be run again.
#[remote(ZOO, idempotent)]
pub(crate) fn exit_unless(file: &Path) -> Result<u32> {
    if !file.exists() {
        fs::write(file, "")?;
        std::process::exit(1);
    }
    pid()
}

#[remote(ZOO)]
#[allow(unconditional_recursion)]
pub(crate) fn overflow(n: u64) -> Result<u64> {
    let deeper = std::hint::black_box([n; 1000]);
    Ok(overflow(deeper[999])? + std::hint::black_box(deeper)[0])
}

static HOARD: remotex::Mutex<Vec<fs::File>> = remotex::Mutex::new(Vec::new());

/// Closes what `hoard` has opened.
#[remote(ZOO)]
pub(crate) fn unhoard() -> Result<()> {
    HOARD.lock().clear();
    Ok(())
}

/// Opens files until there are no more descriptors, and keeps them.
#[remote(ZOO)]
pub(crate) fn hoard() -> Result<usize> {
    while let Ok(file) = fs::File::open("/dev/null") {
        HOARD.lock().push(file);
    }
    Ok(HOARD.lock().len())
}

/// Who calls: the program, its arguments, and whether it is at a terminal.
#[remote(ZOO)]
pub(crate) fn caller_words() -> Result<(Option<PathBuf>, Vec<String>, bool)> {
    let caller = caller();
    let words = caller.arguments().unwrap_or_default();
    let words = words
        .iter()
        .map(|word| word.display().to_string())
        .collect();
    Ok((caller.program(), words, caller.terminal().is_some()))
}

/// Blocks all signals, as threads do that leave them to another one, and ignores one for real time.
pub(crate) fn block_signals() {
    // SAFETY: the set is filled before it is used, and no handler is installed.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
        libc::signal(libc::SIGRTMIN() + 3, libc::SIG_IGN);
    }
}
