use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn show() -> remotex::Result<Box<dyn std::fmt::Display>> {
    Ok(Box::new(1))
}

fn main() {}
