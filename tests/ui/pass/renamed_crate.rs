#![deny(warnings)]
//! remotex under another name.

mod vendor {
    pub use ::remotex as far;
}

use vendor::far::{Result, Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER, crate = crate::vendor::far)]
fn one() -> Result<u32> {
    Ok(1)
}

fn main() {
    let _ = one;
}
