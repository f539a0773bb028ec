use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Track<'a>(&'a [u32]);

#[remote(SERVER)]
impl<'a> Track<'a> {
    pub fn count(&self) -> remotex::Result<usize> {
        Ok(self.0.len())
    }
}

fn main() {}
