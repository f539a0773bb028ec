//! Serving as the child of a single client, over input and output.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak, mpsc};

use parking_lot::Mutex;

use super::{Server, Way};
use crate::address::Address;
use crate::bridge::{Ends, Wanted};
use crate::error::{Call, Error, Result};
use crate::link::PATIENCE;
use crate::network::Site;
use crate::serve::Host;
use crate::thread;
use crate::transport::Stream;

/// Where connections from within the process of a child go, while it serves.
pub(super) type Inside = Mutex<Option<Weak<dyn Site>>>;

impl Server {
    /// Serves the client that has started this process and speaks to it over its input and output,
    /// until that ends. No other client finds the server: it has no socket, and no files.
    pub(super) fn serve_alone(&'static self, wanted: &Wanted) -> Result<()> {
        let call = Call::control(self.name);
        let cannot = |e: io::Error| call.io("it cannot serve over its input and output", e);
        let ends = Ends::take().map_err(cannot)?;
        // In a process that has looked for its server before, that is known already.
        if self.resolved.set(Address::Child).is_err() {
            return Err(Error::Unreachable(
                call.trouble("this process is a client of it already"),
            ));
        }
        let (carrying, is_over) = mpsc::channel::<()>();
        let mut ends = Some((ends, carrying));
        let ready = &mut || {
            if let Some((ends, carrying)) = ends.take() {
                self.carry(ends, carrying);
            }
        };
        let served = self.serve(&wanted.key, None, None, ready);
        drop(ends);
        // The last answers may be on their way. Nothing is ever sent: it ends when the sender does.
        let _ = is_over.recv_timeout(PATIENCE);
        served.map_err(|failure| failure.error)
    }

    /// Takes connections from within this process from here on, if it is a child.
    pub(super) fn open(&'static self, host: &Host) {
        if let Some(Address::Child) = self.resolved.get() {
            *self.inside.lock() = Some(Arc::downgrade(&host.site()));
        }
    }

    /// Connects within the process of a child; `None` once it has ended.
    pub(super) fn join_inside(&self, call: Call<'_>) -> Result<Option<Stream>> {
        let Some(site) = self.inside.lock().as_ref().and_then(Weak::upgrade) else {
            return Ok(None);
        };
        let pair = UnixStream::pair();
        let (ours, others) = pair.map_err(|e| call.io("it cannot connect to itself", e))?;
        site.admit(Stream::Near(others));
        Ok(Some(Stream::Near(ours)))
    }

    /// Connects to this very server, and carries bytes; the server ends when they do. Drops `carrying` at the
    /// end.
    fn carry(&'static self, ends: Ends, carrying: mpsc::Sender<()>) {
        let run = move || {
            let _carrying = carrying;
            let call = Call::control(self.name);
            let way = Way::patient(self, call);
            let stream = way.and_then(|way| way.find(call));
            if let Ok(Some(stream)) = stream {
                // However that ends, the server has no client any more.
                let _ = ends.relay(stream);
            }
            let _ = self.stop();
        };
        // Without a thread, it ends like one whose client has gone.
        if thread::start("remotex stdio", Box::new(run)).is_err() {
            let _ = self.stop();
        }
    }
}
