use remotex::{Mutex, Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER, timeout)]
fn without_a_time() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, timeout = 5)]
fn with_a_number() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, timeout = "soon")]
fn with_a_word() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, timeout = "0s")]
fn with_no_time() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, no_start, no_start)]
fn with_two() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(json)]
fn without_a_server() -> remotex::Result<u32> {
    Ok(1)
}

#[remote(SERVER, json)]
static NEWS: Mutex<u8> = Mutex::new(0);

fn main() {}
