//! `Guarded<T>`: a static that only the server may touch.

use std::ops::Deref;

use crate::server::Server;

/// What `#[remote(SERVER)]` makes of a `static`: it is used as before, but outside of the server that
/// is a panic, instead of a silent look at another process's own, empty copy.
#[derive(Debug)]
pub struct Guarded<T> {
    server: &'static Server,
    name: &'static str,
    value: T,
}

impl<T> Guarded<T> {
    /// What the macro puts into a static.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(server: &'static Server, name: &'static str, value: T) -> Self {
        Self {
            server,
            name,
            value,
        }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    /// The static itself.
    ///
    /// # Panics
    /// In a process that does not serve its server.
    #[track_caller]
    fn deref(&self) -> &T {
        assert!(
            self.server.is_local(),
            "`{}` is a static of server `{}`, which this process does not serve; touch it in a remote function",
            self.name,
            self.server.name()
        );
        &self.value
    }
}
