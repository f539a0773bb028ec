//! A program under an async runtime, whose `main` is already inside it when `init` is called.

use remotex::{Result, Server, remote};

static SERVER: Server = Server::new("async")
    .autostart()
    .idle_timeout(std::time::Duration::from_secs(60));

#[remote(SERVER)]
fn double(n: u32) -> Result<(u32, u32)> {
    Ok((2 * n, std::process::id()))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    remotex::init();
    // A call blocks, so that it belongs where blocking is allowed; it works elsewhere too.
    let (two, server) = double(1)?;
    let tasks: Vec<_> = (0..8)
        .map(|n| tokio::task::spawn_blocking(move || double(n)))
        .collect();
    for (n, task) in (0..).zip(tasks) {
        assert_eq!(task.await??, (2 * n, server));
    }
    assert_ne!(server, std::process::id());
    println!("{two}");
    Ok(())
}
