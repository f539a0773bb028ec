//! What is wrong with a server: everything that its life relies on, looked at in the order in which one
//! thing needs another.

mod processes;

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Access, access};
use rustix::process::{Resource, geteuid, getrlimit};

use super::{Trace, traces};
use crate::address::{self, Address};
use crate::daemon::lock::Lock;
use crate::daemon::note::Origin;
use crate::error::Error;
use crate::link::PATIENCE;
use crate::paths;
use crate::server::{Server, Status, check_name, quoted};
use crate::transport::{self, Peer};

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
    /// The command that mends it, for a shell.
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

/// How long a start may be seen to go on before it is said to hang.
const START_SEEN: Duration = Duration::from_secs(2);

/// With less room on its disk, in bytes, a log is as good as lost.
const LITTLE_ROOM: u64 = 1024 * 1024;

/// With fewer descriptors a server cannot serve: its own files, and some connections.
const FEW_DESCRIPTORS: u64 = 64;

/// Looks at everything that the server of that name relies on; if there is one for each key, the one of
/// `key`. What needs something that is wrong is not looked at. It starts nothing and changes nothing.
///
/// ```
/// # extern crate remote_runtime as remotex;
/// use remotex::discovery::{Verdict, examine};
///
/// let checks = examine("no-such-server", None);
/// let wrong = checks.iter().find(|check| check.verdict == Verdict::Wrong);
/// assert!(wrong.is_some_and(|check| check.fix.is_some()));
/// ```
#[must_use]
pub fn examine(name: &str, key: Option<&str>) -> Vec<Check> {
    let mut exam = Exam {
        name,
        key,
        checks: Vec::new(),
    };
    exam.go();
    exam.checks
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
        let trace = self.trace(moved)?;
        self.path(&trace)?;
        let socket = self.socket(&trace)?;
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

    /// A command of ours for this server.
    fn command(&self, what: &str, key: &str) -> String {
        match key {
            "" => format!("remotex {what} {}", self.name),
            key => format!("remotex {what} {} --key {}", self.name, quoted(key)),
        }
    }

    /// Its name and its variable. The inner value is where the variable says that it is.
    fn address(&mut self) -> Option<Option<PathBuf>> {
        if let Err(e) = check_name(self.name) {
            return self.wrong("name", format!("{e}"), "remotex ls");
        }
        let variable = address::variable(self.name);
        match address::overridden(self.name) {
            None => {
                self.fine(
                    "address",
                    format!("{variable} is not set, so it is where servers are"),
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

    /// How to have another folder than this one.
    fn other_folder(&self, moved: Option<&Path>) -> String {
        let usual = format!("/run/user/{}", geteuid().as_raw());
        if moved.is_some() {
            format!("unset {}", address::variable(self.name))
        } else if paths::check(Path::new(&usual)).unwrap_or(false)
            && !paths::folder().starts_with(&usual)
        {
            format!("export XDG_RUNTIME_DIR={usual}")
        } else {
            "unset XDG_RUNTIME_DIR".into()
        }
    }

    fn folder(&mut self, moved: Option<&Path>) -> Option<()> {
        let folder = match moved {
            Some(socket) => socket.parent().unwrap_or(socket).to_owned(),
            None => paths::folder(),
        };
        let shown = folder.display();
        let is_ours =
            fs::metadata(&folder).is_ok_and(|it| it.is_dir() && it.uid() == geteuid().as_raw());
        let open_it = || format!("chmod 700 {}", quoted(&folder.to_string_lossy()));
        match paths::check(&folder) {
            Err(e) if is_ours => self.wrong("folder", e.to_string(), open_it()),
            Err(e) => self.wrong("folder", e.to_string(), self.other_folder(moved)),
            Ok(true) if access(&folder, Access::WRITE_OK | Access::EXEC_OK).is_ok() => {
                self.fine("folder", format!("`{shown}` is closed to others"));
                Some(())
            }
            Ok(true) if is_ours => {
                self.wrong("folder", format!("`{shown}` cannot be written"), open_it())
            }
            Ok(true) => self.wrong(
                "folder",
                format!("`{shown}` cannot be written"),
                self.other_folder(moved),
            ),
            Ok(false) => {
                let above = folder
                    .ancestors()
                    .find(|folder| fs::symlink_metadata(folder).is_ok());
                let above = above.unwrap_or(&folder);
                if !above.is_dir() || access(above, Access::WRITE_OK | Access::EXEC_OK).is_err() {
                    let found = format!(
                        "`{shown}` is not there and cannot be made, because of `{}`",
                        above.display()
                    );
                    return self.wrong("folder", found, self.other_folder(moved));
                }
                self.fine("folder", format!("`{shown}` is not there yet"));
                Some(())
            }
        }
    }

    /// What the server has left.
    fn trace(&mut self, moved: Option<PathBuf>) -> Option<Trace> {
        if let Some(socket) = moved {
            return Some(Trace::at(self.name, self.key.unwrap_or_default(), socket));
        }
        let mut found = match traces() {
            Ok(found) => found,
            Err(e) => return self.wrong("folder", format!("{e}"), "unset XDG_RUNTIME_DIR"),
        };
        found.retain(|trace| {
            trace.note.server == self.name && self.key.is_none_or(|key| trace.note.key == key)
        });
        found.sort_by_key(|trace| !Lock::is_held(&trace.files.lock()));
        if found.is_empty() {
            let words = match self.elsewhere() {
                Some((found, fix)) => return self.wrong("server", found, fix),
                None => format!(
                    "there is nothing of it in `{}`: run its program, once",
                    paths::folder().display()
                ),
            };
            return self.wrong("server", words, "remotex ls");
        }
        Some(found.swap_remove(0))
    }

    /// Where else servers are, for those who have another environment: cron, and the login session.
    fn elsewhere(&self) -> Option<(String, String)> {
        let user = geteuid().as_raw();
        let others = [
            (
                format!("/run/user/{user}/remotex"),
                format!("export XDG_RUNTIME_DIR=/run/user/{user}"),
            ),
            (
                format!("/tmp/remotex-{user}"),
                "unset XDG_RUNTIME_DIR".to_owned(),
            ),
        ];
        let mut others = others
            .into_iter()
            .filter(|(folder, _)| Path::new(folder) != paths::folder());
        others.find_map(|(folder, fix)| {
            let lock = Path::new(&folder).join(format!("{}.lock", self.name));
            Lock::is_held(&lock).then(|| {
                (
                    format!("it runs in `{folder}`, which this environment does not lead to"),
                    fix,
                )
            })
        })
    }

    fn path(&mut self, trace: &Trace) -> Option<()> {
        let socket = &trace.files.socket;
        if transport::fits(socket) {
            return Some(());
        }
        let found = format!(
            "`{}` is longer than a socket's path may be",
            socket.display()
        );
        let moved = address::overridden(self.name).map(|_| socket.as_path());
        self.wrong("path", found, self.other_folder(moved))
    }

    /// Whether its socket is there.
    fn socket(&mut self, trace: &Trace) -> Option<bool> {
        let socket = &trace.files.socket;
        let shown = socket.display();
        let typed = quoted(&socket.to_string_lossy());
        match fs::symlink_metadata(socket) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Some(false),
            Err(e) => self.wrong(
                "socket",
                format!("`{shown}` cannot be looked at: {e}"),
                format!("ls -l {typed}"),
            ),
            Ok(there) if !there.file_type().is_socket() => self.wrong(
                "socket",
                format!("`{shown}` is no socket"),
                format!("mv {typed} {typed}.away"),
            ),
            Ok(there) if there.uid() != geteuid().as_raw() => {
                let variable = address::variable(self.name);
                let found = format!("`{shown}` is a socket of user {}", there.uid());
                self.wrong(
                    "socket",
                    found,
                    format!("export {variable}=unix:$HOME/.{}.sock", self.name),
                )
            }
            Ok(there) if there.mode() & 0o077 != 0 => self.wrong(
                "socket",
                format!("`{shown}` is open to others"),
                format!("chmod 600 {typed}"),
            ),
            Ok(_) => {
                self.fine("socket", format!("`{shown}` is for its owner only"));
                Some(true)
            }
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

    fn log(&mut self, trace: &Trace) -> Option<()> {
        let logs = trace.files.logs();
        let log = logs.first()?;
        let (shown, typed) = (log.display(), quoted(&log.to_string_lossy()));
        match fs::symlink_metadata(log) {
            Ok(there) if !there.is_file() => {
                return self.wrong(
                    "log",
                    format!("`{shown}` is no file"),
                    format!("mv {typed} {typed}.away"),
                );
            }
            Ok(there) if there.uid() != geteuid().as_raw() => {
                return self.wrong(
                    "log",
                    format!("`{shown}` is of user {}", there.uid()),
                    format!("mv {typed} {typed}.away"),
                );
            }
            Ok(there) if there.mode() & 0o077 != 0 || there.mode() & 0o600 != 0o600 => {
                let found = format!(
                    "`{shown}` has mode {:o}, and is to have 600",
                    there.mode() & 0o777
                );
                return self.wrong("log", found, format!("chmod 600 {typed}"));
            }
            Ok(_) => self.fine("log", format!("`{shown}` is for its owner only")),
            Err(_) => self.fine("log", format!("`{shown}` is not there yet")),
        }
        let folder = log.parent().unwrap_or(log);
        match rustix::fs::statvfs(folder) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < LITTLE_ROOM => {
                let found = format!("the disk of `{}` is full", folder.display());
                self.wrong(
                    "log",
                    found,
                    format!("df -h {}", quoted(&folder.to_string_lossy())),
                )
            }
            _ => Some(()),
        }
    }

    /// Whether somebody hangs who starts it.
    fn start(&mut self, trace: &Trace) -> Option<()> {
        let start = trace.files.start();
        if !Lock::is_held(&start) {
            return Some(());
        }
        let free = Lock::take(&start, Instant::now() + START_SEEN).is_ok_and(|lock| lock.is_some());
        if free {
            return Some(());
        }
        let holders = processes::that_have_open(&start);
        let found = format!(
            "`{}` is held{}: the start does not end",
            start.display(),
            processes::words(&holders)
        );
        let fix = match holders.last() {
            Some(process) => format!("kill {}", process.pid),
            None => format!("fuser -k {}", quoted(&start.to_string_lossy())),
        };
        self.wrong("start", found, fix)
    }

    fn running(&mut self, trace: &Trace, has_socket: bool) -> Option<()> {
        let lock = trace.files.lock();
        let holders = processes::that_have_open(&lock);
        self.fine(
            "lock",
            format!("`{}` is held{}", lock.display(), processes::words(&holders)),
        );
        let end = |how: &str| match holders.first() {
            Some(process) => format!("kill {how}{}", process.pid),
            None => format!("fuser -k {}", quoted(&lock.to_string_lossy())),
        };
        if !has_socket {
            return self.wrong(
                "socket",
                "it has been removed, so that nobody finds the server",
                end(""),
            );
        }
        let server = trace.server();
        let status = match server.status() {
            Ok(status) => status,
            Err(Error::TimedOut(_)) if holders.iter().any(processes::Process::is_stopped) => {
                return self.wrong(
                    "server",
                    "its process was stopped by a signal, and does not answer",
                    end("-CONT "),
                );
            }
            Err(e @ Error::TimedOut(_)) => {
                return self.wrong("server", format!("{e}"), end("-KILL "));
            }
            Err(e) => return self.wrong("server", format!("{e}"), end("")),
        };
        self.fine("server", format!("process {} answers", status.pid));
        self.build(trace, &status)?;
        self.offers(trace, server)
    }

    /// Whether it still is the program that lies at its path.
    fn build(&mut self, trace: &Trace, status: &Status) -> Option<()> {
        let program = status.program.to_string_lossy();
        let path = program.strip_suffix(" (deleted)").unwrap_or(&program);
        let identity = |path: &Path| {
            fs::metadata(path).map(|file| (file.dev(), file.ino(), file.mtime(), file.size()))
        };
        let Ok(runs) = identity(&processes::executable(status.pid)) else {
            // The system does not tell.
            return Some(());
        };
        match identity(Path::new(path)) {
            Ok(lies) if lies == runs => {
                self.fine("program", format!("it runs `{path}`, as that is now"));
                Some(())
            }
            Ok(_) => {
                let found = format!("`{path}` is another build by now than the one that runs");
                let fix = match trace.note.origin {
                    Origin::Program => self.command("restart", &trace.note.key),
                    Origin::Hand | Origin::Manager => self.command("stop", &trace.note.key),
                };
                self.wrong("program", found, fix)
            }
            Err(_) => {
                let found = format!("`{path}`, which it runs, is not there any more");
                self.wrong("program", found, self.command("stop", &trace.note.key))
            }
        }
    }

    fn offers(&mut self, trace: &Trace, server: &'static Server) -> Option<()> {
        match server.interface() {
            Ok(interface) => {
                let functions = interface.functions.len();
                self.fine("functions", format!("it offers {functions}"));
                Some(())
            }
            Err(e) => self.wrong(
                "functions",
                format!("{e}"),
                self.command("stop", &trace.note.key),
            ),
        }
    }

    /// The program of a server that does not run.
    fn program(&mut self, trace: &Trace) -> Option<()> {
        let program = &trace.note.program;
        if !trace.is_noted || access(program, Access::EXEC_OK).is_ok() {
            return Some(());
        }
        let lock = trace.files.lock();
        let found = format!(
            "`{}`, which it ran, is not there any more",
            program.display()
        );
        self.wrong(
            "program",
            found,
            format!("rm {}", quoted(&lock.to_string_lossy())),
        )
    }

    fn stopped(&mut self, trace: &Trace, has_socket: bool) -> Option<()> {
        let (note, socket) = (&trace.note, &trace.files.socket);
        if has_socket && note.origin != Origin::Manager {
            if let Ok(stream) = transport::connect(socket, PATIENCE) {
                let who = Peer::of(&stream).ok().and_then(|peer| peer.pid);
                let who = who.map_or_else(|| "somebody".into(), |pid| format!("process {pid}"));
                let found = format!(
                    "{who} listens at `{}`, and is no server that holds its lock",
                    socket.display()
                );
                return self.wrong(
                    "socket",
                    found,
                    format!("rm {}", quoted(&socket.to_string_lossy())),
                );
            }
            let fix = match note.origin {
                Origin::Program => self.command("start", &note.key),
                Origin::Hand | Origin::Manager => {
                    format!("rm {}", quoted(&socket.to_string_lossy()))
                }
            };
            return self.wrong(
                "server",
                "it was killed: its socket is there, and its lock is free",
                fix,
            );
        }
        if let Some((found, fix)) = self.elsewhere() {
            return self.wrong("server", found, fix);
        }
        let found = match note.origin {
            Origin::Manager => {
                "it does not run; a service manager starts it with its first call".into()
            }
            Origin::Program => format!(
                "it does not run; the next call of its program starts it, as does `{}`",
                self.command("start", &note.key)
            ),
            Origin::Hand => format!(
                "it does not run; `{}` is run by hand",
                note.program.display()
            ),
        };
        self.fine("server", found);
        Some(())
    }
}
