//! From a request to the server, and back: a connection of its own for each.

use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::super::Site;
use crate::transport::{Plain, Stream};
use crate::wire::frame::walk;
use crate::wire::{Kind, Malformed};

/// The way to the server.
pub(super) struct Gateway {
    pub(super) site: Arc<dyn Site>,
    /// How many requests are on it.
    passing: AtomicU64,
}

impl Gateway {
    pub(super) fn to(site: Arc<dyn Site>) -> Self {
        Self {
            site,
            passing: AtomicU64::new(0),
        }
    }

    pub(super) fn passing(&self) -> u64 {
        self.passing.load(Ordering::Relaxed)
    }

    /// Sends frames to the server, and returns those that it replies with: its hello, and one more.
    pub(super) async fn exchange(&self, frames: &[u8]) -> Result<Vec<u8>, NoReply> {
        let _passing = Counted::on(&self.passing);
        let ends = pair().map_err(|_| NoReply::Unsent)?;
        let reply = exchange(&self.site, ends, frames).await;
        reply.map_err(|_| NoReply::Lost)
    }
}

/// One of several, until this is dropped.
pub(super) struct Counted<'c>(&'c AtomicU64);

impl<'c> Counted<'c> {
    pub(super) fn on(count: &'c AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why nothing is sent.
pub(super) const CROWDED: &str = "the server has no descriptor left for another call; try again";

/// Why there is no reply.
pub(super) enum NoReply {
    /// Nothing was sent: there is no descriptor for it.
    Unsent,
    /// The server has ended, and may have run what it was sent.
    Lost,
}

/// The two ends of a connection: ours, and the server's.
fn pair() -> io::Result<(UnixStream, Stream)> {
    let (ours, theirs) = Pair::pair()?;
    ours.set_nonblocking(true)?;
    let theirs = Stream::Far(Box::new(Plain(theirs.into())));
    Ok((UnixStream::from_std(ours)?, theirs))
}

async fn exchange(
    site: &Arc<dyn Site>,
    (ours, theirs): (UnixStream, Stream),
    frames: &[u8],
) -> io::Result<Vec<u8>> {
    site.admit(theirs);
    let (mut from, mut to) = ours.into_split();
    // It may refuse what it has only read the beginning of; then it says why, and reads no more.
    let mut sent = false;
    let send = async { drop(to.write_all(frames).await) };
    let receive = async {
        let mut reply = Vec::new();
        while reply_in(&reply)?.is_none() {
            if from.read_buf(&mut reply).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(reply)
    };
    // Who has been read to the end is not waited for.
    let mut send = std::pin::pin!(send);
    let mut receive = std::pin::pin!(receive);
    std::future::poll_fn(|context| {
        if !sent {
            sent = send.as_mut().poll(context).is_ready();
        }
        receive.as_mut().poll(context)
    })
    .await
}

/// The frame that follows the server's hello, if all of it is there.
pub(super) fn reply_in(frames: &[u8]) -> io::Result<Option<(Kind, &[u8])>> {
    for frame in walk(frames) {
        match frame.map_err(malformed)? {
            (Kind::Hello, _) => {}
            (kind, body) => return Ok(Some((kind, body))),
        }
    }
    Ok(None)
}

fn malformed(e: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, e.0)
}
