use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn one(#[cfg(unix)] n: u32) -> remotex::Result<u32> {
    Ok(n)
}

fn main() {}
