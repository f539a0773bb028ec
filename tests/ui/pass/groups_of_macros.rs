#![deny(warnings)]
//! Types that a macro by example wraps in groups that nobody sees, and constants of `Self`.

use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

macro_rules! with {
    ($name:ident, $of:ty, $block:ty) => {
        #[remote(SERVER)]
        fn $name() -> $of {
            Ok(1)
        }

        #[remote(SERVER)]
        impl $block {
            pub fn key(key: [u8; Self::LENGTH]) -> remotex::Result<[u8; 4]> {
                Ok(key)
            }
        }
    };
}

struct Block;

impl Block {
    const LENGTH: usize = 4;
}

with!(one, Result<u32, Box<dyn std::error::Error>>, Block);

#[deprecated]
#[derive(serde::Serialize, serde::Deserialize)]
struct Old;

#[allow(deprecated)]
#[remote(SERVER)]
fn old(_old: Old) -> remotex::Result<()> {
    Ok(())
}

/// Comparisons with an inferred side stay what they are without remotex. (With the feature `json`, those
/// for equality of the smaller numbers do not, because of serde_json.)
fn inferred(n: usize, large: u128) -> bool {
    n < "1".parse().unwrap_or_default()
        && n >= "0".parse().unwrap_or_default()
        && large == "0".parse().unwrap_or_default()
}

fn main() {
    let _ = (one, Block::key, old);
    assert!(inferred(0, 0));
}
