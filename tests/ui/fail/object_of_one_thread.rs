use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Track(std::rc::Rc<u32>);

#[remote(SERVER)]
impl Track {
    pub fn count(&self) -> remotex::Result<u32> {
        Ok(*self.0)
    }
}

fn main() {}
