//! The route of a client to a server, as the way there knows it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Way;
use crate::address::{Address, Piped};
use crate::bridge::{self, Manner};
use crate::client::{self, Deadline, Route};
use crate::daemon;
use crate::daemon::lock::Lock;
use crate::error::{Call, Error, Result, Trouble};
use crate::program::{self, Build};
use crate::transport::Stream;
use crate::{explain, network, registry};

/// `true` if this process has found that its own file was replaced or removed.
static HAS_OUTLIVED: AtomicBool = AtomicBool::new(false);

impl Route for Way {
    fn connect(&self, call: Call<'_>) -> Result<Option<Stream>> {
        if self.starts_none {
            return self.meet_only(call);
        }
        if let Some(piped) = self.bridge(call)? {
            let patience = self.within(bridge::patience(piped));
            let manner = match piped {
                Piped::Ssh { .. } => Manner::Start,
                Piped::Stdio(_) => Manner::Serve,
            };
            return bridge::connect(call, piped, &self.key, manner, patience);
        }
        if let Some(network) = self.network(call)? {
            return self.connect_over(call, network);
        }
        let Some(files) = self.files(call)? else {
            return Err(self.server.refused_here(call));
        };
        match daemon::connect(call, &files, self.patience())? {
            None if self.starts() => self.start(call, &files).map(Some),
            found => Ok(found),
        }
    }

    fn rejoin(&self, call: Call<'_>) -> Result<Option<Stream>> {
        let found = match self.bridge(call)? {
            Some(_) => self.find(call)?,
            // It may only be out of reach.
            None if self.network(call)?.is_some() => return self.join(call),
            None => self.join(call)?,
        };
        let gone =
            "what it refers to is gone: the server that had it has ended; get a new reference";
        found
            .map(Some)
            .ok_or_else(|| Error::Gone(call.trouble(gone)))
    }

    fn reconnect(&self, call: Call<'_>) -> Option<Stream> {
        // Whatever keeps it from being found, the next call says it.
        self.join(call).ok()?
    }

    fn nobody(&self, call: Call<'_>) -> Error {
        if self.server.found.is_some() {
            return self.server.not_running(call);
        }
        if self.is_child() {
            let gone = "it served the client that has started this process, and ended with it";
            return Error::Unreachable(call.trouble(gone));
        }
        if self.starts_none {
            return Error::Unreachable(call.trouble(format_args!(
                "nobody listens at `{}`, and a call of this function starts no server; call another function first, or start the server",
                self.address()
            )));
        }
        if let (true, false, Some(files)) = (self.server.autostart, self.is_far(), self.socket())
            && let Err(e) = self.may_start(call, &files, "nobody listens at")
        {
            return e;
        }
        let remedy = match self.server.resolved.get() {
            Some(Address::Network(network)) if !network.is_here() => "start the server there",
            _ => "start the server, or add `.autostart()` to its `Server`",
        };
        Error::Unreachable(call.trouble(format_args!(
            "nobody listens at `{}`; {remedy}",
            self.address()
        )))
    }

    fn succeeds(&self) -> bool {
        self.starts() && !HAS_OUTLIVED.load(Ordering::Relaxed)
    }

    fn is_awaited(&self, call: Call<'_>) -> bool {
        // Nobody here starts one that is elsewhere, which comes back by itself.
        !self.starts_none || self.is_elsewhere(call).unwrap_or(false)
    }

    fn is_single(&self) -> bool {
        let address = self.server.resolved.get();
        matches!(address, Some(Address::Piped(Piped::Stdio(_))))
    }

    fn may_be_cut(&self) -> bool {
        self.is_far() && !self.is_single()
    }

    fn build(&self) -> Option<Build> {
        // Files of another machine have the same numbers as others of ours.
        Build::ours().filter(|_| !self.is_far())
    }

    fn succeed(&self, call: Call<'_>, program: &str, version: &str) -> Result<()> {
        if program::is_replaced() {
            explain::say(call, || {
                "this process has outlived its own file, so that its build takes no server's place"
                    .into()
            });
            HAS_OUTLIVED.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let Some(files) = self.files(call)? else {
            return Ok(());
        };
        explain::say(call, || {
            "the server is of another build; this one takes its place".into()
        });
        let starting = daemon::begin(call, &files, self.start_by())?;
        let Some(stream) = daemon::connect(call, &files, self.patience())? else {
            // The next attempt starts one.
            return Ok(());
        };
        let way = self.holding_start();
        let (succession, state) = client::succeed(call, &way, stream, program, version)?;
        // If it has ended without a word, the next attempt starts one as well.
        let next = self.take_over(call, self.which(), &files, starting, succession);
        let ended =
            "it has not run, since the server made room for this build first, and has ended";
        match state.remark(call, self, ended) {
            Some(remark) => Err(Error::Unreachable(Trouble::new(remark))),
            None => next.map(drop),
        }
    }

    fn is_starting(&self) -> bool {
        !self.is_ours_to_start
            && self
                .socket()
                .is_some_and(|files| Lock::is_held(&files.start()))
    }

    fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    fn key(&self) -> &str {
        &self.key
    }

    fn image(&self) -> u64 {
        registry::image()
    }

    fn limit(&self) -> usize {
        self.server.max_message
    }

    fn address(&self) -> String {
        match self.server.resolved.get() {
            // Of several, each has its own.
            Some(address @ Address::Unix(_)) => self.files_at(address).map_or_else(
                || address.to_string(),
                |files| format!("unix:{}", files.socket.display()),
            ),
            Some(Address::Network(network)) => network::below(network, &self.key).to_string(),
            Some(address) => address.to_string(),
            None => "an unknown address".into(),
        }
    }

    fn log(&self) -> String {
        let logs = self.socket().map(|files| files.logs()).unwrap_or_default();
        match logs.iter().find(|log| log.exists()) {
            Some(log) => format!("what `{}` says", log.display()),
            None if self.is_far() => format!("what its log says, at `{}`", self.address()),
            None => "what it has said where it was started".into(),
        }
    }
}
