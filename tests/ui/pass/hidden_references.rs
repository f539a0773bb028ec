#![deny(warnings)]
//! Types whose references only the compiler sees.

use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

type Text<'a> = &'a str;
type Answer = std::result::Result<Vec<u8>, std::io::Error>;

#[remote(SERVER)]
fn aliases(text: Text<'_>, maybe: Option<Text<'_>>) -> Answer {
    Ok([text, maybe.unwrap_or("")].concat().into_bytes())
}

fn main() {
    let _ = aliases;
}
