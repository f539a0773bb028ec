//! The part of a process that serves.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{LOCAL, Server, UNKNOWN};
use crate::chain;

/// The number of servers of this process.
static ROLES: AtomicUsize = AtomicUsize::new(0);

/// Returns true if this process is a server.
pub(super) fn serves() -> bool {
    ROLES.load(Ordering::Acquire) != 0
}

/// Serving in this process: functions run here while it lives.
pub(super) struct Role(&'static Server);

impl Role {
    pub(super) fn take(server: &'static Server, key: &str) -> Self {
        chain::serve(server.name);
        *server.key.lock() = Some(key.to_owned());
        server.role.store(LOCAL, Ordering::Release);
        ROLES.fetch_add(1, Ordering::AcqRel);
        Self(server)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.0.role.store(UNKNOWN, Ordering::Release);
        ROLES.fetch_sub(1, Ordering::AcqRel);
        *self.0.key.lock() = None;
    }
}
