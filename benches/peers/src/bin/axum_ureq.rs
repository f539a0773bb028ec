//! axum and a ureq client over TCP on this machine, with bincode in the bodies.

use peers::work::{NewsItem, Peer};
use peers::{Result, codec, http, measure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;

struct Ureq {
    agent: Agent,
    address: String,
}

impl Ureq {
    fn call<T: DeserializeOwned>(&self, path: &str, arguments: impl Serialize) -> Result<T> {
        let mut body = Vec::new();
        codec::encode(arguments, &mut body)?;
        let url = format!("http://{}/{path}", self.address);
        let mut response = self.agent.post(url).send(&body)?;
        codec::decode(&response.body_mut().read_to_vec()?)
    }
}

impl Peer for Ureq {
    fn serve(address: &str) -> Result<()> {
        http::serve(address)
    }

    fn connect(address: &str) -> Result<Self> {
        let agent = Agent::new_with_defaults();
        let address = address.into();
        Ok(Self { agent, address })
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.call("echo", (data,))
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        self.call("post", (item, by))
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        self.call("read", (n,))
    }
}

fn main() -> Result<()> {
    measure::main::<Ureq>()
}
