use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Board;

#[remote(SERVER)]
impl Clone for Board {
    fn clone(&self) -> Self {
        Board
    }
}

fn main() {}
