//! Without the feature `tcp`, no server is met over a network.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Network;
use crate::error::{Call, Error};
use crate::transport::Stream;

pub(crate) fn connect(call: Call<'_>, at: &Network, _: Duration) -> Result<Option<Stream>, Error> {
    Err(without(call, at))
}

/// There is none.
#[derive(Debug)]
pub(crate) enum Door {}

impl Door {
    pub(crate) fn open(&mut self, _: Arc<dyn Fn(Stream) + Send + Sync>) -> io::Result<()> {
        match *self {}
    }
}

pub(crate) fn listen(call: Call<'_>, at: &Network) -> Result<Door, Error> {
    Err(without(call, at))
}

fn without(call: Call<'_>, at: &Network) -> Error {
    Error::Unreachable(call.trouble(format_args!(
        "this program was built without what `{at}` needs; build it with the feature `{}` of remotex",
        at.scheme.feature()
    )))
}
