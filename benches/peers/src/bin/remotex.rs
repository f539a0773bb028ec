//! remotex over its own transport. The driver says in `REMOTEX_PEERS` where the socket is.

use peers::Result;
use peers::work::{self, NewsItem, Peer};
use remotex::{Server, remote};

static SERVER: Server = Server::new("peers");

#[remote(SERVER)]
fn echo(data: Vec<u8>) -> remotex::Result<Vec<u8>> {
    Ok(data)
}

#[remote(SERVER)]
fn post(item: &str, by: &str) -> remotex::Result<()> {
    work::post(item, by);
    Ok(())
}

#[remote(SERVER)]
fn read(n: u32) -> remotex::Result<Vec<NewsItem>> {
    Ok(work::read(n))
}

/// A process keeps its connections itself: each thread that calls at the same time has its own.
struct Remotex;

impl Peer for Remotex {
    fn serve(_: &str) -> Result<()> {
        Ok(SERVER.listen()?)
    }

    fn connect(_: &str) -> Result<Self> {
        Ok(Self)
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        Ok(echo(data)?)
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        Ok(post(item, by)?)
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        Ok(read(n)?)
    }
}

fn main() -> Result<()> {
    peers::measure::main::<Remotex>()
}
