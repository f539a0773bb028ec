use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

trait Board {
    #[remote(SERVER)]
    fn one() -> remotex::Result<u32>;
}

fn main() {}
