use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Plain;

#[remote(SERVER)]
fn take(plain: Plain) -> remotex::Result<()> {
    drop(plain);
    Ok(())
}

fn main() {}
