use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Mine;

#[remote(SERVER)]
fn fail() -> std::result::Result<(), Mine> {
    Err(Mine)
}

fn main() {}
