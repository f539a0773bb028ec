use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn numbers() -> remotex::Result<impl Iterator<Item = u32>> {
    Ok(0..3)
}

fn main() {}
