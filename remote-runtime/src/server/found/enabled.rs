//! Servers that this program does not declare, and has found: the feature `discovery`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Server;
use crate::address::{self, Address};
use crate::daemon::note::{Note, Origin};
use crate::error::{Call, Error, Result};
use crate::paths::quoted;
use crate::program::Scope;

/// What was found of a server.
#[derive(Debug)]
pub(super) struct Found {
    key: String,
    /// The program that it runs, if anything was found that says so.
    program: PathBuf,
    /// The programs that share the servers of that program.
    scope: Scope,
    origin: Option<Origin>,
    /// The crate that declares its functions.
    package: String,
    /// The variable that puts it where it is, and its value, if it is not where servers are.
    moved: Option<(String, OsString)>,
}

impl Found {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) fn package(&self) -> &str {
        &self.package
    }

    /// What tells a process of its program where it is.
    pub(super) fn moved(&self) -> Option<(&str, &OsStr)> {
        let moved = self.moved.as_ref();
        moved.map(|(variable, address)| (&**variable, &**address))
    }

    /// What the command does with this server, as it is typed.
    pub(super) fn command(&self, name: &str, what: &str) -> String {
        format!("`{}`", typed(what, name, &self.key))
    }

    /// Whether it can be started from here.
    pub(super) fn may_start(&self, call: Call<'_>) -> Result<()> {
        let program = self.program.display();
        let why = match self.origin {
            Some(Origin::Program) if self.program.exists() => return Ok(()),
            Some(Origin::Program) => {
                format!("its program `{program}` is not there any more; install it again, and run it")
            }
            Some(Origin::Hand) => format!(
                "its program `{program}` serves where it is run by hand, and does not call `remotex::init()`; run it again"
            ),
            Some(Origin::Manager) => {
                "a service manager starts it, with its first call; ask that one, as by `systemctl --user`".into()
            }
            None => "nothing here says which program it belongs to; run that one".into(),
        };
        Err(Error::Unreachable(call.trouble(why)))
    }
}

impl Server {
    /// The server of that name and key, whose address without a key is `address`. It stays for as long as
    /// this process.
    pub(crate) fn of_found(
        name: &'static str,
        key: &str,
        address: Address,
        note: Option<Note>,
    ) -> &'static Self {
        let origin = note.as_ref().map(|note| note.origin);
        let note = note.unwrap_or_default();
        let leak = |name: String| -> &'static str { name.leak() };
        let keep: Vec<_> = note.keep.into_iter().map(leak).collect();
        let moved = match &address {
            _ if !note.address.is_empty() => Some((address::variable(name), note.address.into())),
            Address::Unix(socket) if *socket != address::usual(name, &Scope::of(&note.program)) => {
                let mut moved = OsString::from("unix:");
                moved.push(socket);
                Some((address::variable(name), moved))
            }
            _ => None,
        };
        let mut server = Self::new(name).keep_env(keep.leak());
        server.resolved = address.into();
        server.found = Some(Found {
            key: key.to_owned(),
            scope: Scope::of(&note.program),
            program: note.program,
            origin,
            package: note.packages.into_iter().next().unwrap_or_default(),
            moved,
        });
        Box::leak(Box::new(server))
    }
}

/// What the command does with the server of that name and key, as it is typed.
pub(crate) fn typed(what: &str, name: &str, key: &str) -> String {
    match key {
        "" => format!("remotex {what} {name}"),
        key => format!("remotex {what} {name} --key {}", quoted(key)),
    }
}

/// Says that a name is none.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if address::is_name(name) {
        return Ok(());
    }
    Err(Error::Unreachable(Call::control(name).trouble(
        "there is no such server: a name is 1 to 64 letters, digits, `.`, `_` or `-`",
    )))
}
