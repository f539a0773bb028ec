//! Servers beside the zoo's own, each for one thing that can happen to a server.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use remotex::{Mutex, Result, Server, remote};

use super::functions::{FORGOTTEN, ZOO};

pub(crate) static UNSTARTED: Server = Server::new("unstarted");

#[remote(UNSTARTED)]
pub(crate) fn unstarted() -> Result<u32> {
    Ok(1)
}

pub(crate) static SMALL: Server = Server::new("small")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .max_message(4096);

#[remote(SMALL)]
pub(crate) fn small(bytes: &[u8]) -> Result<usize> {
    Ok(bytes.len())
}

#[remote(SMALL)]
pub(crate) fn answers(bytes: usize) -> Result<Vec<u8>> {
    Ok(vec![7; bytes])
}

pub(crate) static FEW: Server = Server::new("few")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .max_connections(2);

#[remote(FEW)]
pub(crate) fn few() -> Result<u32> {
    Ok(std::process::id())
}

/// A server that ends when it was idle for a moment.
pub(crate) static BRIEF: Server = Server::new("brief")
    .autostart()
    .idle_timeout(Duration::from_millis(200));

#[remote(BRIEF)]
pub(crate) fn brief() -> Result<u32> {
    Ok(std::process::id())
}

/// Stops its own server.
#[remote(BRIEF)]
pub(crate) fn quit() -> Result<()> {
    BRIEF.stop()
}

fn fail() -> Result<()> {
    Err("there is no water".into())
}

pub(crate) static FAILING: Server = Server::new("failing").autostart().on_start(fail);

#[remote(FAILING)]
pub(crate) fn failing_start() -> Result<()> {
    Ok(())
}

fn die() -> Result<()> {
    eprintln!("the zoo burns down");
    std::process::exit(7);
}

pub(crate) static DYING: Server = Server::new("dying").autostart().on_start(die);

#[remote(DYING)]
pub(crate) fn dying_start() -> Result<()> {
    Ok(())
}

/// A server without a process of its own.
static AID: Server = Server::new("aid").at("local:").on_start(|| Ok(()));

#[remote(AID)]
fn aid() -> Result<()> {
    Ok(())
}

/// Panics after the first call to a server whose functions run here.
#[remote(ZOO)]
pub(crate) fn panics_after_aid() -> Result<()> {
    aid()?;
    panic!("there was no aid")
}

/// Keeps its value over its own end, in a file of its state folder.
pub(crate) static SAVING: Server = Server::new("saving")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .on_start(load_value)
    .on_stop(save_value);

static VALUE: Mutex<String> = Mutex::new(String::new());

fn file_of_value() -> PathBuf {
    PathBuf::from(std::env::var_os("XDG_STATE_HOME").unwrap()).join("value")
}

fn load_value() -> Result<()> {
    // A remote function that is called here runs here.
    save(&fs::read_to_string(file_of_value()).unwrap_or_default())?;
    Ok(())
}

fn save_value() -> Result<()> {
    Ok(fs::write(file_of_value(), &*VALUE.lock())?)
}

/// Sets the value, and returns the one before.
#[remote(SAVING)]
pub(crate) fn save(value: &str) -> Result<String> {
    Ok(std::mem::replace(&mut *VALUE.lock(), value.to_owned()))
}

/// The same, called within another server.
#[remote(ZOO)]
pub(crate) fn save_there(value: &str) -> Result<String> {
    save(value)
}

pub(crate) static TWINS: Server = Server::new("twins").autostart();

#[remote(TWINS)]
pub(crate) fn twin() -> Result<()> {
    Ok(())
}

#[remote(TWINS, name = "twin")]
pub(crate) fn other_twin() -> Result<()> {
    Ok(())
}

pub(crate) static DOUBLES_1: Server = Server::new("doubles").autostart();
pub(crate) static DOUBLES_2: Server = Server::new("doubles").autostart();

#[remote(DOUBLES_1)]
pub(crate) fn double() -> Result<()> {
    Ok(())
}

#[remote(DOUBLES_2)]
pub(crate) fn other_double() -> Result<()> {
    Ok(())
}

/// A server that gives up soon.
pub(crate) static HASTY: Server = Server::new("hasty")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .timeout(Duration::from_secs(2));

/// Takes so long; `true` if the caller has told how long it waits, and it is not over yet.
#[remote(HASTY)]
pub(crate) fn sleep(millis: u64) -> Result<bool> {
    std::thread::sleep(Duration::from_millis(millis));
    let deadline = remotex::caller().deadline();
    Ok(deadline.is_some_and(|deadline| deadline > std::time::Instant::now()))
}

/// One server for each folder that it is called in.
pub(crate) static FOLDERS: Server = Server::new("folders")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .one_per(folder);

fn folder() -> String {
    std::env::current_dir().unwrap().display().to_string()
}

#[remote(FOLDERS)]
pub(crate) fn folder_server() -> Result<(u32, String)> {
    Ok((std::process::id(), FOLDERS.key()))
}

pub(crate) static KEEPING: Server = Server::new("keeping")
    .autostart()
    .idle_timeout(FORGOTTEN)
    .keep_env(&["TOKEN"]);

#[remote(KEEPING)]
pub(crate) fn kept(name: &str) -> Result<Option<String>> {
    Ok(std::env::var(name).ok())
}

/// A server that cannot be started: nobody does.
pub(crate) static NOWHERE: Server = Server::new("nowhere");

#[remote(NOWHERE, or_local)]
pub(crate) fn anywhere(text: &str) -> Result<String> {
    Ok(format!("{text} in {}", std::process::id()))
}

/// Hangs, unless there is a file that says not to.
fn hang() -> Result<()> {
    while !file_of_value().exists() {
        std::thread::park();
    }
    Ok(())
}

pub(crate) static HANGING: Server = Server::new("hanging").autostart().on_start(hang);

#[remote(HANGING)]
pub(crate) fn hanging_start() -> Result<()> {
    Ok(())
}

/// A server whose `on_stop` wants what a call may hold.
pub(crate) static CLINGING: Server = Server::new("clinging").autostart().on_stop(wait_for_lock);

static CLUNG: Mutex<()> = Mutex::new(());

fn wait_for_lock() -> Result<()> {
    drop(CLUNG.lock());
    Ok(())
}

/// Holds the lock for ever.
#[remote(CLINGING)]
pub(crate) fn cling(file: &std::path::Path) -> Result<()> {
    let _held = CLUNG.lock();
    fs::write(file, "")?;
    loop {
        std::thread::park();
    }
}

/// A server that nobody starts but by hand.
pub(crate) static MANUAL: Server = Server::new("manual").idle_timeout(FORGOTTEN);

#[remote(MANUAL)]
pub(crate) fn manual() -> Result<u32> {
    Ok(std::process::id())
}

#[remote(MANUAL)]
pub(crate) fn manual_again() -> Result<u32> {
    manual()
}
