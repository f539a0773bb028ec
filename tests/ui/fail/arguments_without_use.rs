#![deny(unused)]

use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

#[remote(SERVER)]
pub fn weigh(load: u32, factor: u32, mut rest: u32) -> remotex::Result<u32> {
    Ok(load + rest)
}

pub struct Scale;

#[remote(SERVER)]
impl Scale {
    pub fn tare(weight: u32) -> remotex::Result<u32> {
        Ok(0)
    }

    pub fn add(&mut self, weight: u32) -> remotex::Result<u32> {
        Ok(0)
    }
}

fn main() {}
