//! The bulletin board: one program, which is its own server.
//!
//! ```sh
//! cargo run --example bboard -- Rust 2.0 is not released, again   # pins an item to the board
//! cargo run --example bboard                                      # reads it, in another process
//! cargo run --example bboard -- --stop                            # takes the board down
//! ```

use std::time::{Duration, SystemTime};

use remotex::{Mutex, Server, remote};
use serde::{Deserialize, Serialize};

/// Where the bulletin board lives. The first call starts it; an hour without a call ends it.
static SERVER: Server = Server::new("bboard")
    .autostart()
    .idle_timeout(Duration::from_secs(3600));

/// The board itself: an ordinary static, which only the server's process ever touches; the attribute
/// makes sure of that.
#[remote(SERVER)]
static NEWS: Mutex<Vec<NewsItem>> = Mutex::new(Vec::new());

#[derive(Serialize, Deserialize, Clone)]
struct NewsItem {
    item: String,
    by: String,
    when: SystemTime,
}

/// Pins an item to the board.
#[remote(SERVER)]
fn post(item: &str, by: &str) -> remotex::Result<()> {
    NEWS.lock().push(NewsItem {
        item: item.into(),
        by: by.into(),
        when: SystemTime::now(),
    });
    Ok(())
}

/// All that is on the board, oldest first.
#[remote(SERVER)]
fn read() -> remotex::Result<Vec<NewsItem>> {
    Ok(NEWS.lock().clone())
}

fn main() -> remotex::Result<()> {
    remotex::init(); // in the daemon's process this serves, and never returns
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.join(" ").as_str() {
        "" => {
            for NewsItem { item, by, when } in read()? {
                println!("From {by}, {}: {item}", ago(when));
            }
            Ok(())
        }
        "--stop" => SERVER.stop(),
        option if option.starts_with('-') => {
            println!("bboard [ITEM…]  pins an item to the board; without one, reads it");
            println!("bboard --stop   takes the board down");
            Ok(())
        }
        item => post(item, &rustix::system::uname().nodename().to_string_lossy()),
    }
}

fn ago(when: SystemTime) -> String {
    let minutes = when.elapsed().unwrap_or_default().as_secs() / 60;
    match minutes {
        0 => "just now".into(),
        1 => "1 minute ago".into(),
        2..120 => format!("{minutes} minutes ago"),
        120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}
