use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

static OTHER: u32 = 1;

#[remote(OTHER)]
fn one() -> remotex::Result<u32> {
    Ok(SERVER.name().len() as u32)
}

fn main() {}
