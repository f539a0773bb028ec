//! The least that a user of remotex writes: two functions, and the program that calls them.

use peers::work::{self, NewsItem};
use remotex::{Server, remote};

static SERVER: Server = Server::new("board").autostart();

#[remote(SERVER)]
fn post(item: &str, by: &str) -> remotex::Result<()> {
    work::post(item, by);
    Ok(())
}

#[remote(SERVER)]
fn read(n: u32) -> remotex::Result<Vec<NewsItem>> {
    Ok(work::read(n))
}

fn main() -> remotex::Result<()> {
    remotex::init();
    match std::env::args().nth(1) {
        Some(item) => post(&item, "me"),
        None => {
            for news in read(100)? {
                println!("{}: {}", news.by, news.item);
            }
            Ok(())
        }
    }
}
