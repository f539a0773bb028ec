use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn apply(f: fn(u32) -> u32) -> remotex::Result<u32> {
    Ok(f(1))
}

fn main() {}
