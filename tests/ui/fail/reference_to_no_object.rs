use remotex::{Remote, Server, remote};

static SERVER: Server = Server::new("ui");

struct Track(u32);

#[remote(SERVER)]
fn load() -> remotex::Result<Remote<Track>> {
    Ok(Remote::new(Track(1)))
}

fn main() {}
