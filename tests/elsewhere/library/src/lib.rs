//! A server, and its functions in a module.

use remotex::Server;

/// All that the program names.
pub static SERVER: Server = Server::new("elsewhere").autostart();

mod functions;

/// A function that panics.
pub fn ouch() -> remotex::Result<()> {
    functions::inner::ouch()
}

/// What only a client names.
pub fn client() -> remotex::Result<String> {
    functions::inner::far("away")
}

/// A server that several programs share.
pub static SHARED: Server = Server::new("shared")
    .autostart()
    .idle_timeout(std::time::Duration::from_secs(60));

/// Which process serves them.
#[remotex::remote(SHARED)]
pub fn shared() -> remotex::Result<u32> {
    Ok(std::process::id())
}
