//! Serving as the child of a single client, over input and output.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Server, Way};
use crate::address::Address;
use crate::bridge::{Ends, Wanted};
use crate::error::{Call, Error, Result};
use crate::{paths, thread};

impl Server {
    /// Serves the client that has started this process and speaks to it over its input and output,
    /// until that ends.
    pub(super) fn serve_alone(&'static self, wanted: &Wanted) -> Result<()> {
        let call = Call::control(self.name);
        let cannot = |e: io::Error| call.io("it cannot serve over its input and output", e);
        let ends = Ends::take().map_err(cannot)?;
        // A socket that nobody else finds, so that it is a server as any other.
        let folder = Folder(paths::private().map_err(cannot)?);
        let socket = folder.0.join(format!("{}.sock", self.name));
        // In a process that has looked for its server before, that is known already.
        if self.resolved.set(Address::Unix(socket)).is_err() {
            return Err(Error::Unreachable(
                call.trouble("this process is a client of it already"),
            ));
        }
        *self.key.lock() = Some(wanted.key.clone());
        let mut ends = Some(ends);
        self.listen_then(&mut || {
            if let Some(ends) = ends.take() {
                self.carry(ends);
            }
        })
    }

    /// Connects to this very server, and carries bytes; it ends when they do.
    fn carry(&'static self, ends: Ends) {
        let run = move || {
            let call = Call::control(self.name);
            let way = Way::patient(self, call);
            let stream = way.and_then(|way| way.find(call));
            if let Ok(Some(stream)) = stream {
                // However that ends, there is nobody any more whom it serves.
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

/// A folder that is removed with all that is in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // The rest of it is of no use any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}
