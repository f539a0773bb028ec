//! The programs that share a server: all of this user, or those of one scope.

use std::path::Path;

use super::Server;
use crate::address::{self, Address, Files};
use crate::daemon::lock::Lock;
use crate::daemon::note::Note;
use crate::error::{Call, Error, Result};
use crate::program::Scope;
use crate::{explain, paths, testing};

impl Server {
    /// Where it is, which is looked for once in a process.
    pub(super) fn resolve(&self, call: Call<'_>) -> Result<&Address> {
        if let Some(address) = self.resolved.get() {
            return Ok(address);
        }
        let address = address::resolve(self.name, self.address, &|| self.scope())
            .map_err(|e| Error::Unreachable(call.trouble(e)))?;
        let address = match address {
            _ if testing::is_local() => Address::Local,
            Address::Unix(socket) if self.is_apart(&socket) && self.runs_by_hand() => {
                Address::Unix(address::usual(self.name, &Scope::Installed))
            }
            address => address,
        };
        explain::say(call, || {
            let shared = match &address {
                Address::Unix(socket) if self.is_apart(socket) => {
                    format!(", for {} alone", self.scope())
                }
                _ => String::new(),
            };
            format!("its address is `{address}`{shared}{}", paths::remark())
        });
        Ok(self.resolved.get_or_init(|| address))
    }

    /// Makes it the server of all programs, since it is started by hand, unless it has an address.
    pub(super) fn share(&self) {
        if self.address.is_none() && address::overridden(self.name).is_none() {
            let shared = address::usual(self.name, &Scope::Installed);
            // A process that has called it before has its address already.
            let _ = self.resolved.set(Address::Unix(shared));
        }
    }

    /// The programs that share the server that one of them has started.
    pub(crate) fn scope(&self) -> &'static Scope {
        match self.autostart {
            true => Scope::ours(),
            false => &Scope::Installed,
        }
    }

    /// Returns `true` if the server is for the programs of its scope alone.
    pub(crate) fn is_scoped(&self) -> bool {
        matches!(self.resolved.get(), Some(Address::Unix(socket)) if self.is_apart(socket))
    }

    /// Returns `true` for the socket that only the programs of its scope use.
    fn is_apart(&self, socket: &Path) -> bool {
        let scope = self.scope();
        *scope != Scope::Installed && socket == address::usual(self.name, scope)
    }

    /// Returns `true` if a server for all programs runs that was started by hand, and no daemon of
    /// the scope does.
    fn runs_by_hand(&self) -> bool {
        if self.one_per.is_some() {
            return false;
        }
        let lock = |scope| Files::of(self.name, &address::usual(self.name, scope), "").lock();
        let [ours, shared] = [self.scope(), &Scope::Installed].map(lock);
        let is_by_hand = || Note::at(&shared).is_some_and(|note| note.is_by_hand);
        !Lock::is_held(&ours) && Lock::is_held(&shared) && is_by_hand()
    }
}
