//! The life of a server: whether it starts, runs, answers, and is the program that it should be.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};

use super::{Exam, processes};
use crate::daemon::lock::Lock;
use crate::daemon::note::Origin;
use crate::discovery::Trace;
use crate::error::Error;
use crate::link::{PATIENCE, START};
use crate::server::{Server, Status, quoted};
use crate::transport::{self, Peer};

impl Exam<'_> {
    /// Whether somebody hangs who starts it.
    pub(super) fn start(&mut self, trace: &Trace) -> Option<()> {
        let start = trace.files.start();
        if !Lock::is_held(&start) {
            return Some(());
        }
        let holders = processes::that_hold(&start);
        // Who takes it says when, so that a start that is only slow is left alone.
        let taken = fs::metadata(&start).and_then(|lock| lock.modified());
        let age = taken.map(|taken| taken.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age < START + PATIENCE) {
            let found = format!(
                "it is being started just now{}, which may take {} s",
                processes::words(&holders),
                START.as_secs()
            );
            self.fine("start", found);
            return None;
        }
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

    pub(super) fn running(&mut self, trace: &Trace, has_socket: bool) -> Option<()> {
        let lock = trace.files.lock();
        let holders = processes::that_hold(&lock);
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
    pub(super) fn build(&mut self, trace: &Trace, status: &Status) -> Option<()> {
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

    pub(super) fn offers(&mut self, trace: &Trace, server: &'static Server) -> Option<()> {
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
    pub(super) fn program(&mut self, trace: &Trace) -> Option<()> {
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

    pub(super) fn stopped(&mut self, trace: &Trace, has_socket: bool) -> Option<()> {
        let (note, socket) = (&trace.note, &trace.files.socket);
        if has_socket && note.origin != Origin::Manager {
            if let Ok(stream) = transport::connect(socket, PATIENCE) {
                let who = Peer::of(&stream).ok().and_then(|peer| peer.pid);
                let who = who.map_or_else(|| "somebody".into(), |pid| format!("process {pid}"));
                if !trace.is_noted {
                    let found = format!("{who} listens for it, and starts it or passes calls on");
                    self.fine("server", found);
                    return Some(());
                }
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
