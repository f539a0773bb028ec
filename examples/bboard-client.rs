//! The bulletin board as two programs; this one posts and reads. It may be started first: it waits
//! for the server.
//!
//! ```sh
//! cargo run --example bboard-client -- Fresh bread in the kitchen
//! cargo run --example bboard-client
//! ```

use std::thread::sleep;
use std::time::Duration;

use board::BBoard;
use remotex::Error;

#[path = "board/board.rs"]
mod board;

fn main() -> remotex::Result<()> {
    let item = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    if item.is_empty() {
        for line in patiently(BBoard::read)? {
            println!("{line}");
        }
        return Ok(());
    }
    patiently(|| BBoard::post(&item, "the kitchen"))
}

/// Calls until there is a server. A call that found none has not run, so that nothing is done twice.
fn patiently<T>(call: impl Fn() -> remotex::Result<T>) -> remotex::Result<T> {
    let mut told = false;
    loop {
        match call() {
            Err(e @ Error::Unreachable(_)) => {
                if !std::mem::replace(&mut told, true) {
                    eprintln!("{e}; waiting for it");
                }
                sleep(Duration::from_millis(200));
            }
            ended => return ended,
        }
    }
}
