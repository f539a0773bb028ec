use remotex::{Result, Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
pub trait Words {
    fn count(&self) -> Result<usize>;

    fn twice(&self) -> Result<usize>
    where
        Self: Sized,
    {
        Ok(2 * self.count()?)
    }
}

fn main() {}
