use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn same(text: &str) -> remotex::Result<&str> {
    Ok(text)
}

fn main() {}
