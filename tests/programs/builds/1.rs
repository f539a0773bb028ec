//! The first build: see `main.rs` beside this.

include!("main.rs");

#[derive(Serialize, Deserialize)]
struct Item {
    weight: u16,
}

fn item() -> Item {
    Item { weight: 7 }
}
