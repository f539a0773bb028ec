use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Board;

#[remote(SERVER, name = "board")]
impl Board {
    pub fn one() -> remotex::Result<u32> {
        Ok(1)
    }
}

fn main() {}
