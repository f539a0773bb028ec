use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
fn sort(items: &mut Vec<u32>) -> remotex::Result<()> {
    items.sort();
    Ok(())
}

fn main() {}
