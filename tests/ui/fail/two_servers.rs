use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

static OTHER: Server = Server::new("other");

#[remote(SERVER)]
#[remote(OTHER)]
fn one() -> remotex::Result<u32> {
    Ok(1)
}

fn main() {}
