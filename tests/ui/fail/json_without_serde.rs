use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

pub struct Plain;

#[remote(SERVER, json)]
fn answers() -> remotex::Result<Plain> {
    Ok(Plain)
}

#[remote(SERVER, json)]
fn takes(plain: Plain) -> remotex::Result<()> {
    drop(plain);
    Ok(())
}

fn main() {}
