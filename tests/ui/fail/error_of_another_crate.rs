use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn text() -> Result<u32, String> {
    Err("no".into())
}

fn main() {}
