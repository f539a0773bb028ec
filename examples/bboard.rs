use std::time::{Duration, SystemTime};

use remotex::{Mutex, Server, remote};
use serde::{Deserialize, Serialize};

/// Where the bulletin board lives. The first call starts it; an hour without a call ends it.
static SERVER: Server = Server::new("bboard").autostart().idle_timeout(Duration::from_secs(3600));

/// The board itself: an ordinary static, which only the server's process ever touches.
static NEWS: Mutex<Vec<NewsItem>> = Mutex::new(Vec::new());

#[derive(Serialize, Deserialize, Clone)]
pub struct NewsItem { pub item: String, pub by: String, pub when: SystemTime }

/// Pins an item to the board.
#[remote(SERVER)]
pub fn post(item: &str, by: &str) -> remotex::Result<()> {
    NEWS.lock().push(NewsItem { item: item.into(), by: by.into(), when: SystemTime::now() });
    Ok(())
}

/// All that is on the board, oldest first.
#[remote(SERVER)]
pub fn read() -> remotex::Result<Vec<NewsItem>> { Ok(NEWS.lock().clone()) }

fn main() -> remotex::Result<()> {
    remotex::init();            // in the daemon's process this serves, and never returns
    match std::env::args().nth(1) {
        Some(item) => post(&item, "me"),
        None => { for n in read()? { println!("{}: {}", n.by, n.item) } Ok(()) }
    }
}
