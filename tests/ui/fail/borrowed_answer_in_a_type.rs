use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

use std::borrow::Cow;

#[remote(SERVER)]
fn same<'a>(text: &'a str) -> remotex::Result<Cow<'a, str>> {
    Ok(text.into())
}

fn main() {}
