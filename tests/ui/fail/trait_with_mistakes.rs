use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
trait Store<T> {
    type Key;
    const SIZE: usize;
    fn open() -> remotex::Result<u32>;
    fn get(&self, key: &mut u32) -> remotex::Result<T>;
    fn count(&self) -> usize;
}

#[remote(SERVER, name = "store")]
unsafe trait Nothing {}

fn main() {}
