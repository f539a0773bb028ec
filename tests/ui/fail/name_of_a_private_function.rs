use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Board;

#[remote(SERVER)]
impl Board {
    #[remote(name = "one")]
    fn one() -> remotex::Result<u32> {
        Ok(1)
    }

    pub fn two() -> remotex::Result<u32> {
        Ok(Self::one()? + 1)
    }
}

fn main() {}
