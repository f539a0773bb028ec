use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
struct Board;

fn main() {}
