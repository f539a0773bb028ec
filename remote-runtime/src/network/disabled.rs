//! Without the feature `tcp`, no server is met over a network.

mod site;

use std::time::Duration;

use std::net::TcpListener;

use crate::address::Network;
use crate::error::{Call, Error};
use crate::transport::Stream;

pub(crate) use site::{Door, Site};

pub(crate) fn below(at: &Network, _: &str) -> Network {
    at.clone()
}

pub(crate) fn key(_: &Network) -> Option<String> {
    None
}

pub(crate) fn connect(
    call: Call<'_>,
    at: &Network,
    _: &str,
    _: Duration,
) -> Result<Option<Stream>, Error> {
    Err(without(call, at))
}

pub(crate) fn listen(
    call: Call<'_>,
    at: &Network,
    _: Option<TcpListener>,
) -> Result<Box<dyn Door>, Error> {
    Err(without(call, at))
}

fn without(call: Call<'_>, at: &Network) -> Error {
    Error::Unreachable(call.trouble(at.unbuilt()))
}
