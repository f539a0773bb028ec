use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
unsafe fn poke(address: usize) -> remotex::Result<()> {
    drop(address);
    Ok(())
}

fn main() {}
