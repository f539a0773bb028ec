use std::time::Instant;

use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

pub struct Items(Vec<u8>);

#[remote(SERVER)]
impl Items {
    pub fn next(self) -> remotex::Result<u8> {
        Ok(self.0[0])
    }
}

#[remote(SERVER)]
fn since(instant: Instant) -> remotex::Result<u64> {
    Ok(instant.elapsed().as_secs())
}

#[remote(SERVER)]
fn when() -> remotex::Result<Instant> {
    Ok(Instant::now())
}

#[remote(SERVER)]
fn items() -> remotex::Result<impl Iterator<Item = u8>> {
    Ok([1].into_iter())
}

fn main() {}
