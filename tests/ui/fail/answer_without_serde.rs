use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Plain;

#[remote(SERVER)]
fn make() -> remotex::Result<Vec<Plain>> {
    Ok(vec![Plain])
}

fn main() {}
