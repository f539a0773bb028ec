use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn first<const N: usize>(items: &[u8]) -> remotex::Result<Vec<u8>> {
    Ok(items[..N].to_vec())
}

fn main() {}
