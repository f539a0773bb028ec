use remotex::{Server, remote};

static BAD: Server = Server::new("bad").idle_timeout(std::time::Duration::ZERO);

#[remote(BAD)]
fn one() -> remotex::Result<u32> {
    Ok(1)
}

fn main() {}
