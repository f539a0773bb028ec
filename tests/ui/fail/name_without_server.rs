use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(name = "one")]
fn one() -> remotex::Result<u32> {
    Ok(1)
}

fn main() {}
