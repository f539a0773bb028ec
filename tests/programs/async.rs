//! A program under an async runtime, which starts after `init`.

use remotex::{Result, Server, remote};

static SERVER: Server = Server::new("async")
    .autostart()
    .idle_timeout(std::time::Duration::from_secs(60));

#[remote(SERVER)]
fn double(n: u32) -> Result<(u32, u32)> {
    Ok((2 * n, std::process::id()))
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn main() -> std::result::Result<(), AnyError> {
    remotex::init(); // in the daemon's process, no runtime is started
    run()
}

#[tokio::main]
async fn run() -> std::result::Result<(), AnyError> {
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
