//! The axum server of both HTTP peers: a path for each function, bincode in the bodies.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{Router, post};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};

use crate::{Result, codec, runtime, work};

type Answer = std::result::Result<Vec<u8>, (StatusCode, String)>;

/// Listens on a socket if the address is a path, else on a port.
pub fn serve(address: &str) -> Result<()> {
    let app = Router::new()
        .route("/echo", post(echo))
        .route("/post", post(post_item))
        .route("/read", post(read));
    runtime::server()?.block_on(async {
        if address.starts_with('/') {
            axum::serve(UnixListener::bind(address)?, app).await?;
        } else {
            axum::serve(TcpListener::bind(address).await?, app).await?;
        }
        Ok(())
    })
}

async fn echo(body: Bytes) -> Answer {
    answer(&body, |(data,): (Vec<u8>,)| data)
}

async fn post_item(body: Bytes) -> Answer {
    answer(&body, |(item, by): (&str, &str)| work::post(item, by))
}

async fn read(body: Bytes) -> Answer {
    answer(&body, |(n,): (u32,)| work::read(n))
}

fn answer<'b, A: Deserialize<'b>, R: Serialize>(body: &'b [u8], run: impl Fn(A) -> R) -> Answer {
    let answer = || -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        codec::encode(run(codec::decode(body)?), &mut bytes)?;
        Ok(bytes)
    };
    answer().map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}
