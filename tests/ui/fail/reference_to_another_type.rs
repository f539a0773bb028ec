use remotex::{Remote, Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
trait Store {
    fn count(&self) -> remotex::Result<u32>;
}

#[remote(SERVER)]
fn open() -> remotex::Result<Remote<dyn Store>> {
    Ok(Remote::new("no store"))
}

fn main() {}
