use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Track(Vec<u32>);

#[remote(SERVER)]
impl Track {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn first(&mut self) -> Option<u32> {
        self.0.first().copied()
    }
}

fn main() {}
