use remotex::{Result, Server, remote};

static STRANGERS: Server = Server::new("strangers")
    .autostart()
    .idle_timeout(std::time::Duration::from_secs(60));

#[remote(STRANGERS)]
fn pid() -> Result<u32> {
    Ok(std::process::id())
}

fn main() -> Result<()> {
    remotex::init();
    match std::env::args().nth(1).as_deref() {
        Some("stop") => return STRANGERS.stop(),
        Some("restart") => return STRANGERS.restart(),
        _ => {}
    }
    match pid() {
        Ok(pid) => println!("{pid}"),
        Err(e) => println!("{e:#?}"),
    }
    Ok(())
}
