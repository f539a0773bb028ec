//! axum and a hyper client over a Unix socket, with bincode in the bodies.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use peers::work::{NewsItem, Peer};
use peers::{Result, codec, http, measure, runtime};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

struct Hyper {
    runtime: Runtime,
    requests: SendRequest<Full<Bytes>>,
}

impl Hyper {
    fn call<T: DeserializeOwned>(&mut self, path: &str, arguments: impl Serialize) -> Result<T> {
        let mut body = Vec::new();
        codec::encode(arguments, &mut body)?;
        let request = Request::post(path)
            .header("host", "peers")
            .body(Full::from(body))?;
        let requests = &mut self.requests;
        let answer = self.runtime.block_on(async {
            requests.ready().await?;
            let response = requests.send_request(request).await?;
            response.into_body().collect().await
        })?;
        codec::decode(&answer.to_bytes())
    }
}

impl Peer for Hyper {
    fn serve(address: &str) -> Result<()> {
        http::serve(address)
    }

    fn connect(address: &str) -> Result<Self> {
        let runtime = runtime::client()?;
        let requests = runtime.block_on(async {
            let stream = TokioIo::new(UnixStream::connect(address).await?);
            let (requests, connection) = handshake(stream).await?;
            tokio::spawn(connection);
            Result::Ok(requests)
        })?;
        Ok(Self { runtime, requests })
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        self.call("/echo", (data,))
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        self.call("/post", (item, by))
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        self.call("/read", (n,))
    }
}

fn main() -> Result<()> {
    measure::main::<Hyper>()
}
