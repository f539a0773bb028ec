//! How long calls take, and the same work without a server.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::encoded;
use crate::daemon::trial::{self, Request};
use crate::error::{Call, Result};
use crate::link::START;
use crate::server::Server;
use crate::wire::interface::Function;

impl Server {
    /// Calls a function again and again, and returns how long each call took from its first byte to its
    /// answer: at most `most` times, and not again after `within`. It really runs each time.
    ///
    /// # Errors
    /// As of [`call_json`](Server::call_json); the first call that fails ends it.
    pub fn time_calls(
        &'static self,
        function: &Function,
        arguments: &Map<String, Value>,
        most: u64,
        within: Duration,
        mut after_each: impl FnMut(),
    ) -> Result<Vec<Duration>> {
        let call = Call::of(self.name(), &function.name);
        let arguments = encoded(function, call, arguments)?;
        let (began, mut took) = (Instant::now(), Vec::new());
        for _ in 0..most.max(1) {
            let before = Instant::now();
            drop(self.exchange(call, function, &arguments)?);
            took.push(before.elapsed());
            after_each();
            if began.elapsed() >= within {
                break;
            }
        }
        Ok(took)
    }

    /// The same without the server: a new process of the server's program does what `.on_start` says, and
    /// runs the function by itself; nothing is sent, and nothing saved.
    ///
    /// # Errors
    /// If the server's program is not known, does not begin with [`init`](crate::init), or is another
    /// build by now; if `on_start` or the function fails.
    pub fn time_alone(
        &'static self,
        function: &Function,
        arguments: &Map<String, Value>,
        most: u64,
        within: Duration,
    ) -> Result<Vec<Duration>> {
        let call = Call::of(self.name(), &function.name);
        let request = Request {
            server: self.name().to_owned(),
            key: self.key(),
            function: function.name.clone(),
            fingerprint: function.fingerprint,
            arguments: encoded(function, call, arguments)?,
            most,
            within,
        };
        let way = self.way(call)?;
        way.may_run_alone(call)?;
        let deadline = Instant::now() + START + within;
        trial::attempt(call, way.which(), &request, deadline)
    }
}
