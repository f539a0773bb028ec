use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

static BAD: Server = Server::new("bad").at("/run/bad.sock");

#[remote(BAD)]
fn one() -> remotex::Result<u32> {
    Ok(SERVER.name().len() as u32)
}

fn main() {}
