#![deny(warnings)]
//! Names of the user's that are also those of the macro or of remotex.

mod std {}
mod core {}

use ::remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[derive(::serde::Serialize, ::serde::Deserialize)]
struct Argument;
#[derive(::serde::Serialize, ::serde::Deserialize)]
struct Result;
#[derive(::serde::Serialize, ::serde::Deserialize)]
struct Tag;

#[remote(SERVER)]
fn handler(argument: Argument, tag: &Tag, stub: &[Result]) -> ::remotex::Result<(Result, Tag)> {
    let _ = (argument, tag, stub);
    Ok((Result, Tag))
}

/// An argument that is called as the function is.
#[remote(SERVER)]
fn step(step: u8) -> ::remotex::Result<u8> {
    Ok(step)
}

/// Inside a function, where a module's path does not lead.
fn main() {
    static INNER: Server = Server::new("inner");

    #[remote(INNER)]
    fn local(n: u32) -> ::remotex::Result<u32> {
        Ok(n)
    }

    let _ = (handler, local, step);
}
