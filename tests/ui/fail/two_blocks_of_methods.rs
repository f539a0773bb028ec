use remotex::{Remote, Result, Server, remote};

static SERVER: Server = Server::new("ui");

pub struct Track(u32);

#[remote(SERVER)]
impl Track {
    pub fn new() -> Result<Remote<Track>> {
        Ok(Remote::new(Track(0)))
    }

    pub fn get(&self) -> Result<u32> {
        Ok(self.0)
    }
}

#[remote(SERVER)]
impl Track {
    pub fn set(&mut self, n: u32) -> Result<()> {
        self.0 = n;
        Ok(())
    }
}

fn main() {}
