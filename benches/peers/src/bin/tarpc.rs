//! tarpc over a Unix socket, with its bincode transport.

use futures::StreamExt;
use peers::work::{self, NewsItem, Peer};
use peers::{Result, measure, runtime};
use tarpc::context::{self, Context};
use tarpc::serde_transport::unix;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tokio::runtime::Runtime;

#[tarpc::service]
trait Board {
    async fn echo(data: Vec<u8>) -> Vec<u8>;
    async fn post(item: String, by: String);
    async fn read(n: u32) -> Vec<NewsItem>;
}

#[derive(Clone)]
struct Server;

impl Board for Server {
    async fn echo(self, _: Context, data: Vec<u8>) -> Vec<u8> {
        data
    }

    async fn post(self, _: Context, item: String, by: String) {
        work::post(item, by);
    }

    async fn read(self, _: Context, n: u32) -> Vec<NewsItem> {
        work::read(n)
    }
}

struct Tarpc {
    runtime: Runtime,
    client: BoardClient,
}

impl Peer for Tarpc {
    fn serve(address: &str) -> Result<()> {
        runtime::server()?.block_on(async {
            let mut listener = unix::listen(address, Bincode::default).await?;
            while let Some(transport) = listener.next().await {
                let calls = BaseChannel::with_defaults(transport?).execute(Server.serve());
                tokio::spawn(calls.for_each(async |call| drop(tokio::spawn(call))));
            }
            Ok(())
        })
    }

    fn connect(address: &str) -> Result<Self> {
        let runtime = runtime::client()?;
        let client = runtime.block_on(async {
            let transport = unix::connect(address, Bincode::default).await?;
            Result::Ok(BoardClient::new(Default::default(), transport).spawn())
        })?;
        Ok(Self { runtime, client })
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        let call = self.client.echo(context::current(), data);
        Ok(self.runtime.block_on(call)?)
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        let call = self.client.post(context::current(), item.into(), by.into());
        Ok(self.runtime.block_on(call)?)
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        let call = self.client.read(context::current(), n);
        Ok(self.runtime.block_on(call)?)
    }
}

fn main() -> Result<()> {
    measure::main::<Tarpc>()
}
