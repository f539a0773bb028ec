use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn show(what: Box<dyn std::fmt::Display>) -> remotex::Result<String> {
    Ok(what.to_string())
}

fn main() {}
