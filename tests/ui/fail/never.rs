use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn never() -> ! {
    loop {}
}

fn main() {}
