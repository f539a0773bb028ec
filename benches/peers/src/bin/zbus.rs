//! zbus from peer to peer over a Unix socket, without a bus.

use peers::work::{self, NewsItem, Peer};
use peers::{Result, measure, runtime};
use serde::Serialize;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use zbus::connection::{Builder, Connection};
use zbus::message::Body;
use zbus::zvariant::DynamicType;

const INTERFACE: &str = "remotex.peers.Board";
const PATH: &str = "/board";

struct Board;

#[zbus::interface(name = "remotex.peers.Board")]
impl Board {
    fn echo(&self, data: Vec<u8>) -> Vec<u8> {
        data
    }

    fn post(&self, item: &str, by: &str) {
        work::post(item, by);
    }

    fn read(&self, n: u32) -> Vec<NewsItem> {
        work::read(n)
    }
}

struct Zbus {
    runtime: Runtime,
    connection: Connection,
}

impl Zbus {
    fn call<A: Serialize + DynamicType>(&self, method: &str, arguments: &A) -> Result<Body> {
        let call =
            self.connection
                .call_method(None::<&str>, PATH, Some(INTERFACE), method, arguments);
        Ok(self.runtime.block_on(call)?.body())
    }
}

impl Peer for Zbus {
    fn serve(address: &str) -> Result<()> {
        runtime::server()?.block_on(async {
            let listener = UnixListener::bind(address)?;
            let guid = zbus::Guid::generate();
            loop {
                let (stream, _) = listener.accept().await?;
                let builder = Builder::unix_stream(stream)
                    .server(guid.clone())?
                    .p2p()
                    .serve_at(PATH, Board)?;
                tokio::spawn(async {
                    builder.build().await?.closed().await;
                    zbus::Result::Ok(())
                });
            }
        })
    }

    fn connect(address: &str) -> Result<Self> {
        let runtime = runtime::client()?;
        let builder = Builder::address(format!("unix:path={address}").as_str())?.p2p();
        let connection = runtime.block_on(builder.build())?;
        Ok(Self {
            runtime,
            connection,
        })
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.call("Echo", &(data,))?.deserialize()?)
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        self.call("Post", &(item, by))?;
        Ok(())
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        Ok(self.call("Read", &(n,))?.deserialize()?)
    }
}

fn main() -> Result<()> {
    measure::main::<Zbus>()
}
