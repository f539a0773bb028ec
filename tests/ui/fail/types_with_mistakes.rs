use remotex::{Mutex, Server, Variable, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER, types)]
fn without_a_word() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, types = "")]
fn with_an_empty_one() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, types = 2)]
fn with_a_number() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, types = "1", types = "2")]
fn with_two() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(types = "1")]
fn without_a_server() -> remotex::Result<u32> {
    Ok(1)
}

pub struct Board;

#[remote(SERVER, types = "1")]
impl Board {
    #[remote(types)]
    pub fn one() -> remotex::Result<u32> {
        Ok(1)
    }
}

#[remote(SERVER, types = "1")]
static NEWS: Mutex<u32> = Mutex::new(0);

#[remote(SERVER, types = "1")]
static MOTD: Variable<u32> = Variable::new(|| 0);

fn main() {}
