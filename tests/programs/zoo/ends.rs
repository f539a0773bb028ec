//! Servers whose starts and ends go wrong, or print.

use std::fs;
use std::path::{Path, PathBuf};

use remotex::{Result, Server, remote};

use super::functions::FORGOTTEN;

/// A server whose end prints before it saves.
pub(crate) static PRINTING: Server = Server::new("printing")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .on_stop(print_and_save);

fn print_and_save() -> Result<()> {
    println!("{}", "saves ".repeat(20_000));
    eprintln!("saves");
    Ok(fs::write(saved(), "saved")?)
}

fn saved() -> PathBuf {
    PathBuf::from(std::env::var_os("XDG_STATE_HOME").unwrap()).join("saved")
}

#[remote(PRINTING)]
pub(crate) fn printing() -> Result<u32> {
    Ok(std::process::id())
}

/// Waits for FILE, and prints more than a pipe holds.
#[remote(PRINTING)]
pub(crate) fn print_later(file: &Path) -> Result<()> {
    fs::write(file.with_extension("began"), "")?;
    while !file.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    println!("{}", "prints ".repeat(20_000));
    Ok(fs::write(file.with_extension("printed"), "")?)
}

/// Calls what only a client's `main` has to call.
#[remote(PRINTING)]
pub(crate) fn init_again() -> Result<u32> {
    remotex::init();
    printing()
}

/// A server whose start panics.
pub(crate) static PANICKING: Server = Server::new("panicking")
    .autostart()
    .on_start(panic_at_start);

fn panic_at_start() -> Result<()> {
    eprintln!("{}", "begins ".repeat(1000));
    panic!("there is no shelf")
}

#[remote(PANICKING)]
pub(crate) fn panicking() -> Result<()> {
    Ok(())
}

/// Two servers whose starts call each other.
pub(crate) static RING_1: Server = Server::new("ring-1").autostart().on_start(ring_2);
pub(crate) static RING_2: Server = Server::new("ring-2").autostart().on_start(ring_1);

#[remote(RING_1)]
pub(crate) fn ring_1() -> Result<()> {
    Ok(())
}

#[remote(RING_2)]
pub(crate) fn ring_2() -> Result<()> {
    Ok(())
}

/// A server whose start runs a program that calls it.
pub(crate) static SNAKE: Server = Server::new("snake").autostart().on_start(bite);

fn bite() -> Result<()> {
    let program = std::env::current_exe()?;
    let said = std::process::Command::new(program).arg("snake").output()?;
    Err(String::from_utf8_lossy(&said.stdout).trim().into())
}

#[remote(SNAKE)]
pub(crate) fn snake() -> Result<()> {
    Ok(())
}
