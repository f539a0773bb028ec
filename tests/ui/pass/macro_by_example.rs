#![deny(warnings)]
//! Remote functions that another macro writes.

use remotex::{Result, Server, remote};

static SERVER: Server = Server::new("ui");

macro_rules! getters {
    ($($name:ident($argument:ident: $ty:ty);)*) => {$(
        #[remote(SERVER)]
        fn $name($argument: $ty) -> Result<$ty> {
            Ok($argument)
        }
    )*};
}

getters! {
    one(n: u32);
    two(text: String);
    three(_unused: Option<u8>);
}

fn main() {
    let _ = (one, two, three);
}
