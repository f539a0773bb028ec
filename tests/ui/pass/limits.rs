use remotex::{Server, Variable, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER, timeout = "90min", no_start)]
fn unlocked() -> remotex::Result<bool> {
    Ok(true)
}

pub struct Board;

#[remote(SERVER, json, timeout = "1 h")]
impl Board {
    #[remote(timeout = "250ms")]
    pub fn post(item: &str) -> remotex::Result<String> {
        Ok(item.to_owned())
    }
}

#[remote(SERVER, json, no_start, timeout = "1s")]
static MOTD: Variable<String> = Variable::new(String::new);

fn main() {}
