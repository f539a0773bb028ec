use remotex::{Mutex, Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(read_only)]
static NEWS: Mutex<u32> = Mutex::new(0);

#[remote(idempotent)]
fn function() -> remotex::Result<()> {
    Ok(())
}

fn main() {}
