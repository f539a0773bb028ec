use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn count(&self) -> remotex::Result<usize> {
    Ok(0)
}

fn main() {}
