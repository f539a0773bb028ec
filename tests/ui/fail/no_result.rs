use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn count() -> u32 {
    1
}

fn main() {}
