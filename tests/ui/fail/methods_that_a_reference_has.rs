use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Track(Vec<u32>);

#[remote(SERVER)]
impl Track {
    pub fn into(&self) -> remotex::Result<Vec<u32>> {
        Ok(self.0.clone())
    }

    #[remote(or_local)]
    pub fn count(&self) -> remotex::Result<usize> {
        Ok(self.0.len())
    }
}

fn main() {}
