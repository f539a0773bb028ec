use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn largest<T: Ord>(items: Vec<T>) -> remotex::Result<Option<T>> {
    Ok(items.into_iter().max())
}

fn main() {}
