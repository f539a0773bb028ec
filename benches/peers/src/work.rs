//! The work: three functions, and the board that two of them are about.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::Result;

pub const ITEM: &str = "Rust 2.0 is not released, again";
pub const BY: &str = "someone x";

/// How many items the board keeps; a run posts far more of them.
pub const KEPT: usize = 1000;

#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "zbus", derive(zbus::zvariant::Type))]
pub struct NewsItem {
    pub item: String,
    pub by: String,
}

static BOARD: Mutex<VecDeque<NewsItem>> = Mutex::new(VecDeque::new());

/// What a server does in a `post`.
pub fn post(item: impl Into<String>, by: impl Into<String>) {
    let (item, by) = (item.into(), by.into());
    let mut board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    if board.len() == KEPT {
        board.pop_front();
    }
    board.push_back(NewsItem { item, by });
}

/// What a server does in a `read`: the newest `n` items.
pub fn read(n: u32) -> Vec<NewsItem> {
    let board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    board.iter().rev().take(n as usize).cloned().collect()
}

/// A way to call these functions in another process: its server, and a client's connection, which
/// one thread at a time uses.
pub trait Peer: Sized + Send {
    /// Listens at the address and serves until it is killed.
    fn serve(address: &str) -> Result<()>;

    fn connect(address: &str) -> Result<Self>;

    /// Owned in both directions, so that no interface has to copy what it can hand over.
    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>>;

    fn post(&mut self, item: &str, by: &str) -> Result<()>;

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>>;
}
