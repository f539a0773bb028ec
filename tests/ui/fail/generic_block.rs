use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Board<T>(T);

#[remote(SERVER)]
impl<T> Board<T> {
    pub fn one() -> remotex::Result<u32> {
        Ok(1)
    }
}

fn main() {}
