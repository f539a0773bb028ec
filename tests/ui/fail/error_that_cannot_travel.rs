use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

struct Mine;

impl From<remotex::Error> for Mine {
    fn from(_: remotex::Error) -> Self {
        Mine
    }
}

#[remote(SERVER)]
fn fail() -> std::result::Result<(), Mine> {
    Err(Mine)
}

fn main() {}
