//! The first build: see `main.rs` beside this.

include!("main.rs");

type Number = u64;

/// The author says that its types have changed since the other build.
#[remote(TYPES, types = "1")]
fn revised(reading: &Reading) -> Result<u32> {
    grams(reading)
}
