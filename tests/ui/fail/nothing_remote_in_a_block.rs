use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Board;

#[remote(SERVER)]
impl Board {
    #[allow(dead_code)]
    fn one() -> remotex::Result<u32> {
        Ok(1)
    }
}

fn main() {}
