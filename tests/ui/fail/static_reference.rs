use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn name(name: &'static str) -> remotex::Result<()> {
    drop(name);
    Ok(())
}

fn main() {}
