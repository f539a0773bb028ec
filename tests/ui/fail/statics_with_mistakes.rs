use remotex::{Mutex, Server, Variable, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
static mut COUNT: u32 = 0;

#[remote(SERVER, read_only)]
static NEWS: Mutex<u32> = Mutex::new(0);

#[remote(SERVER, name = "news")]
static OTHER: Mutex<u32> = Mutex::new(0);

#[remote(SERVER, idempotent)]
static THIRD: Variable<u32> = Variable::new(|| 0);

#[remote(SERVER)]
static FOURTH: Variable = Variable::new(|| 0);

#[remote(SERVER, read_only)]
fn function() -> remotex::Result<()> {
    Ok(())
}

fn main() {}
