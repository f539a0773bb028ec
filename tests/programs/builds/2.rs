//! The second build: see `main.rs` beside this.

include!("main.rs");

#[derive(Serialize, Deserialize)]
struct Item {
    name: Option<String>,
    weight: u16,
}

fn item() -> Item {
    Item {
        name: None,
        weight: 7,
    }
}
