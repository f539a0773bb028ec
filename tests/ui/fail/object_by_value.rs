use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Track(Vec<u32>);

#[remote(SERVER)]
impl Track {
    pub fn count(self) -> remotex::Result<usize> {
        Ok(self.0.len())
    }

    pub fn points(self: std::sync::Arc<Self>) -> remotex::Result<Vec<u32>> {
        Ok(self.0.clone())
    }
}

fn main() {}
