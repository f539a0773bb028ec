//! The board that `bboard-server` and `bboard-client` have in common: what they both can name, and
//! what only one of them does.

#![allow(
    unreachable_pub,
    reason = "a module of programs, in which a remote function is `pub` all the same"
)]

use remotex::{Mutex, Server, remote};

/// A server that is started by hand, as the board of 2009 was.
pub static SERVER: Server = Server::new("bboard-2009");

static NEWS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The board's functions.
pub struct BBoard;

#[remote(SERVER)]
impl BBoard {
    /// Pins an item to the board.
    pub fn post(item: &str, by: &str) -> remotex::Result<()> {
        NEWS.lock().push(format!("From {by}: {item}"));
        Ok(())
    }

    /// All that is on the board, oldest first.
    pub fn read() -> remotex::Result<Vec<String>> {
        Ok(NEWS.lock().clone())
    }
}
