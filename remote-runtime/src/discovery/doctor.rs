//! What is wrong with a server: everything that its life relies on, looked at in the order in which one
//! thing needs another.

mod far;
mod files;
mod life;
mod processes;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::{Trace, trace_of};
use crate::address::{self, Address};
use crate::daemon::lock::Lock;
use crate::server::{check_name, typed};

/// Something that a server relies on, and how it is with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What was looked at: `folder`, `lock`, `log`.
    pub what: &'static str,
    /// Whether it is as it must be.
    pub verdict: Verdict,
    /// What was found, in a few words.
    pub found: String,
    /// The command that mends it, for a shell, if one does.
    pub fix: Option<String>,
}

/// How it is with something that a server relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is as it must be.
    Fine,
    /// It is not, and [`Check::fix`] mends it.
    Wrong,
}

/// How often it is looked again at what is wrong, and after how long: a server that starts or ends
/// meanwhile looks broken for a moment.
const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// With less room on its disk, in bytes, a log is as good as lost.
const LITTLE_ROOM: u64 = 1024 * 1024;

/// With fewer descriptors a server cannot serve: its own files, and some connections.
const FEW_DESCRIPTORS: u64 = 64;

/// Looks at everything that the server of that name relies on; if there is one for each key, the one of
/// `key`. What needs something that is wrong is not looked at. It starts nothing and changes nothing.
/// The first thing that is wrong is the last one that is looked at.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// use remotex::discovery::{Verdict, examine};
///
/// let checks = examine("no-such-server", None);
/// let wrong = checks.iter().find(|check| check.verdict == Verdict::Wrong);
/// assert!(wrong.is_some_and(|check| check.found.contains("none of that name")));
/// ```
#[must_use]
pub fn examine(name: &str, key: Option<&str>) -> Vec<Check> {
    let look = || {
        let mut exam = Exam {
            name,
            key,
            checks: Vec::new(),
        };
        exam.go();
        exam.checks
    };
    let mut checks = look();
    for _ in 0..LOOKS {
        let Some(before) = wrong(&checks)
            .filter(|check| CHANGING.contains(&check.what))
            .cloned()
        else {
            break;
        };
        thread::sleep(PAUSE);
        checks = look();
        if wrong(&checks) == Some(&before) {
            break;
        }
    }
    checks
}

/// What changes while servers start and end.
const CHANGING: [&str; 5] = ["socket", "start", "server", "program", "functions"];

fn wrong(checks: &[Check]) -> Option<&Check> {
    checks.iter().find(|check| check.verdict == Verdict::Wrong)
}

struct Exam<'a> {
    name: &'a str,
    key: Option<&'a str>,
    checks: Vec<Check>,
}

impl Exam<'_> {
    /// `None` if the rest cannot be looked at.
    fn go(&mut self) -> Option<()> {
        let moved = self.address()?;
        self.folder(moved.as_deref())?;
        let trace = self.trace()?;
        self.path(&trace)?;
        let socket = self.socket(&trace)?;
        self.locks(&trace)?;
        self.descriptors()?;
        self.log(&trace)?;
        self.start(&trace)?;
        let is_held = Lock::is_held(&trace.files.lock());
        if is_held {
            self.running(&trace, socket)
        } else {
            self.program(&trace)?;
            self.stopped(&trace, socket)
        }
    }

    fn fine(&mut self, what: &'static str, found: impl Into<String>) {
        self.checks.push(Check {
            what,
            verdict: Verdict::Fine,
            found: found.into(),
            fix: None,
        });
    }

    fn wrong<T>(
        &mut self,
        what: &'static str,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Option<T> {
        self.checks.push(Check {
            what,
            verdict: Verdict::Wrong,
            found: found.into(),
            fix: Some(fix.into()),
        });
        None
    }

    /// What no command mends.
    fn hopeless<T>(&mut self, what: &'static str, found: impl Into<String>) -> Option<T> {
        self.checks.push(Check {
            what,
            verdict: Verdict::Wrong,
            found: found.into(),
            fix: None,
        });
        None
    }

    /// A command of ours for this server.
    fn command(&self, what: &str, key: &str) -> String {
        typed(what, self.name, key)
    }

    /// Its name and its variable. The inner value is where the variable says that it is.
    fn address(&mut self) -> Option<Option<PathBuf>> {
        if let Err(e) = check_name(self.name) {
            return self.hopeless("name", format!("{e}"));
        }
        let variable = address::variable(self.name);
        match address::overridden(self.name) {
            None => {
                self.fine(
                    "address",
                    format!("{variable} is not set: it is at the usual place"),
                );
                Some(None)
            }
            Some(Ok(Address::Unix(socket))) => {
                self.fine(
                    "address",
                    format!("{variable} puts it at `{}`", socket.display()),
                );
                Some(Some(socket))
            }
            Some(Ok(Address::Network(network))) if network.is_here() => {
                self.fine(
                    "address",
                    format!("{variable} has it met at `{network}`, beside its own socket"),
                );
                Some(Address::Network(network).socket(self.name))
            }
            Some(Ok(far @ (Address::Piped(_) | Address::Network(_) | Address::Child))) => {
                let found = format!("{variable} leads elsewhere, to `{far}`");
                self.fine("address", found);
                self.far(&far)
            }
            Some(Ok(Address::Local)) => {
                let found = format!(
                    "{variable} makes its functions run where they are called, without a server"
                );
                self.fine("address", found);
                None
            }
            Some(Err(e)) => self.wrong("address", e, format!("unset {variable}")),
        }
    }

    /// What the server has left.
    fn trace(&mut self) -> Option<Trace> {
        match trace_of(self.name, self.key) {
            Ok(trace) => Some(trace),
            Err(e) => match self.elsewhere() {
                Some((found, fix)) => self.wrong("server", found, fix),
                None => self.hopeless("server", format!("{e}")),
            },
        }
    }

    fn descriptors(&mut self) -> Option<()> {
        match getrlimit(Resource::Nofile).current {
            Some(few) if few < FEW_DESCRIPTORS => self.wrong(
                "limits",
                format!("a process may have {few} files open, which are too few"),
                "ulimit -n 1024",
            ),
            _ => Some(()),
        }
    }
}
