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
    if std::env::args().nth(1).is_some() {
        return STRANGERS.stop();
    }
    match pid() {
        Ok(pid) => println!("{pid}"),
        Err(e) => println!("{e:?}"),
    }
    Ok(())
}
