//! The same two functions over limit (b), and a server that has to be started.

use peers::Result;
use peers::codec::decode;
use peers::framed::{Framed, answer};
use peers::frames::{self, POST, READ};
use peers::work::{self, NewsItem};

fn run(function: u8, buffer: &mut Vec<u8>) -> Result<()> {
    if function == POST {
        let (item, by): (&str, &str) = decode(buffer)?;
        work::post(item, by);
        answer((), buffer)
    } else {
        let (n,) = decode(buffer)?;
        answer(work::read(n), buffer)
    }
}

fn main() -> Result<()> {
    let address = std::env::var("BOARD")?;
    match std::env::args().nth(1).as_deref() {
        Some("serve") => frames::serve(&address, run),
        Some(item) => Framed::connect(&address)?.call(POST, (item, "me")),
        None => {
            let items: Vec<NewsItem> = Framed::connect(&address)?.call(READ, (100_u32,))?;
            for news in items {
                println!("{}: {}", news.by, news.item);
            }
            Ok(())
        }
    }
}
