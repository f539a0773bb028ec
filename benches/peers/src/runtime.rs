//! The runtimes of the asynchronous peers, as their documentation has them.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// For one thread of a client.
pub fn client() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

pub fn server() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}
