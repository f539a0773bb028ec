//! The report of a server on itself.

use std::path::PathBuf;

use super::Shared;
use super::tally::{RunningFunction, Total};
use crate::transport;
use crate::wire::report::{Report, RunningCall};

/// The most calls that are named.
const NAMED: usize = 100;

impl Shared {
    pub(super) fn report(&self) -> Report {
        let connections = self.connections.lock();
        let Total { calls, running, .. } = connections.total();
        let listed = connections.open.values();
        let table = &self.service.table;
        let named = listed.filter_map(|listed| {
            let running = listed.tally.running(table)?;
            Some((running, listed.stream.is_far()))
        });
        let mut named: Vec<_> = named.collect();
        let open = connections.open.len() as u64;
        drop(connections);
        named.sort_unstable_by_key(|(running, _)| running.since);
        named.truncate(NAMED);
        let running_calls = named
            .into_iter()
            .map(|(running, is_far)| self.running_call(running, is_far));
        Report {
            started: self.started.1,
            connections: open,
            running,
            calls,
            program: std::env::current_exe().unwrap_or_default(),
            holders: self.sessions.report(),
            running_calls: running_calls.collect(),
            scope: self.service.scope.clone(),
        }
    }

    fn running_call(&self, running: RunningFunction, is_far: bool) -> RunningCall {
        let RunningFunction {
            function,
            process,
            since,
        } = running;
        // The number of a process of another machine may be that of one of ours.
        let program = (!is_far).then(|| transport::program(process)).flatten();
        RunningCall::new(
            function.to_owned(),
            process,
            program.unwrap_or_else(PathBuf::new),
            self.started.1 + since,
        )
    }
}
