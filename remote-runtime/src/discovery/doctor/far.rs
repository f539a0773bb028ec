//! A server elsewhere: whether it can be reached, and answers. What it relies on is looked at there.

use super::Exam;
use crate::address::{Address, Piped};
use crate::discovery::server;
use crate::error::Result;
use crate::paths::quoted;
use crate::wire::hello::Hello;
use crate::wire::report::Report;

impl Exam<'_> {
    /// Connects to the server, as far as that starts none. Nothing else can be looked at from here.
    pub(super) fn far<T>(&mut self, address: &Address) -> Option<T> {
        match self.ask(address) {
            Ok(Some(found)) => self.fine("server", found),
            Ok(None) if matches!(address, Address::Piped(_)) => {
                self.fine(
                    "server",
                    "it does not run there, and a call starts it if it has `.autostart()`",
                );
            }
            Ok(None) => {
                let found = format!("nobody listens at `{address}`; start the server there");
                return self.hopeless("server", found);
            }
            Err(e) => match address {
                Address::Piped(Piped::Ssh { destination, .. }) => {
                    let fix = format!("ssh {}", quoted(destination));
                    return self.wrong("server", e.to_string(), fix);
                }
                _ => return self.hopeless("server", e.to_string()),
            },
        }
        None
    }

    /// What a server says of itself, in words; `None` if it does not run.
    fn ask(&self, address: &Address) -> Result<Option<String>> {
        let server = server(self.name, self.key)?;
        if let Address::Piped(Piped::Stdio(_)) = address {
            server.interface()?;
            return Ok(Some("its program starts, and answers".into()));
        }
        let words =
            |(hello, _): (Hello, Report)| format!("process {} serves it, and answers", hello.pid);
        Ok(server.ask()?.map(words))
    }
}
