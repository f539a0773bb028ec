use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn sum(n: u32, _: ...) -> remotex::Result<u32> {
    Ok(n)
}

fn main() {}
