//! The life of a server: whether it starts, runs, answers, and is the program that it should be.

use std::fs;

use rustix::fs::{Access, access};

use super::{Exam, processes};
use crate::daemon::lock::Lock;
use crate::daemon::note::Origin;
use crate::discovery::Trace;
use crate::error::Error;
use crate::link::{PATIENCE, START};
use crate::paths::quoted;
use crate::program::Build;
use crate::server::Server;
use crate::transport::{self, Peer};
use crate::wire::hello::Hello;
use crate::wire::report::{Report, RunningCall};

/// The most calls that are named.
const NAMED: usize = 10;

impl Exam<'_> {
    /// Whether somebody hangs who starts it.
    pub(super) fn start(&mut self, trace: &Trace) -> Option<()> {
        let start = trace.files.start();
        if !Lock::is_held(&start) {
            return Some(());
        }
        let holders = processes::that_hold(&start);
        let held = format!(
            "`{}` is held{}",
            start.display(),
            processes::words(&holders)
        );
        // Who takes it says when, so that a start that is only slow is left alone; as is a server that has
        // taken its lock by then, or is to make room for another one.
        let taken = fs::metadata(&start).and_then(|lock| lock.modified());
        let age = taken.map(|taken| taken.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age < START + PATIENCE) || Lock::is_held(&trace.files.lock()) {
            let found = format!(
                "{held}: it is being started, or ends so that it can be, which may take {} s",
                START.as_secs()
            );
            self.fine("start", found);
            return None;
        }
        let fix = match holders.last() {
            Some(process) => format!("kill {}", process.pid),
            None => format!("lsof {}", quoted(&start.to_string_lossy())),
        };
        self.wrong("start", format!("{held}: the start does not end"), fix)
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
            None => format!("lsof {}", quoted(&lock.to_string_lossy())),
        };
        if !has_socket {
            return self.wrong(
                "socket",
                "it has been removed, so that nobody finds the server",
                end(""),
            );
        }
        let server = trace.server();
        let (hello, report) = match server.report() {
            Ok(reported) => reported,
            // It has ended just now.
            Err(_) if !Lock::is_held(&lock) => {
                self.program(trace)?;
                return self.stopped(trace, trace.files.socket.exists());
            }
            Err(Error::TimedOut(_)) if holders.iter().any(processes::Process::is_stopped) => {
                return self.wrong(
                    "server",
                    "its process was stopped by a signal, and does not answer",
                    end("-CONT "),
                );
            }
            Err(e) => return self.wrong("server", format!("{e}"), end("")),
        };
        self.fine("server", format!("process {} answers", hello.pid));
        self.calls(&report);
        self.build(trace, &hello, &report)?;
        self.offers(trace, server)
    }

    /// Names the calls that run, of which one may hang.
    fn calls(&mut self, report: &Report) {
        for call in report.running_calls.iter().take(NAMED) {
            let age = call.since.elapsed().unwrap_or_default().as_secs();
            let RunningCall {
                function, process, ..
            } = call;
            let program = match call.program.as_os_str().is_empty() {
                true => String::new(),
                false => format!(" (`{}`)", call.program.display()),
            };
            let found =
                format!("`{function}` has run for {age} s, called by process {process}{program}");
            self.fine("call", found);
        }
        let more = report.running.saturating_sub(NAMED as u64);
        if more > 0 {
            self.fine("call", format!("{more} more run"));
        }
    }

    /// Whether it still is the program that lies at its path.
    fn build(&mut self, trace: &Trace, hello: &Hello, report: &Report) -> Option<()> {
        let noted = Some(&trace.note.program).filter(|_| trace.is_noted);
        let program = noted.unwrap_or(&report.program);
        let shown = program.display();
        match (hello.build, Build::at(program)) {
            (_, None) => {
                let found = format!("`{shown}`, which it runs, is not there any more");
                self.wrong("program", found, self.command("stop", &trace.note.key))
            }
            (Some(runs), Some(lies)) if !runs.same_file(&lies) => {
                let found = format!("`{shown}` is another build by now than the one that runs");
                let fix = match trace.note.origin {
                    Origin::Program => self.command("restart", &trace.note.key),
                    Origin::Hand | Origin::Manager => self.command("stop", &trace.note.key),
                };
                self.wrong("program", found, fix)
            }
            _ => {
                let scope = match &*report.scope {
                    "" => String::new(),
                    scope => format!(", for {scope} alone"),
                };
                self.fine("program", format!("it runs the current `{shown}`{scope}"));
                Some(())
            }
        }
    }

    pub(super) fn offers(&mut self, trace: &Trace, server: &'static Server) -> Option<()> {
        match server.interface() {
            Ok(interface) => {
                let functions = interface.functions.len();
                let package = interface.functions.first().map(|it| &*it.package);
                let of = package.map(|it| format!(" of `{it}`")).unwrap_or_default();
                self.fine("functions", format!("it offers {functions} functions{of}"));
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
        let shown = program.display();
        if !trace.is_noted || access(program, Access::EXEC_OK).is_ok() {
            return Some(());
        }
        if program.exists() {
            let typed = quoted(&program.to_string_lossy());
            self.wrong(
                "program",
                format!("`{shown}` cannot be run"),
                format!("chmod u+x {typed}"),
            )
        } else {
            self.hopeless(
                "program",
                format!(
                    "`{shown}`, which it ran, is not there any more: install it again, and run it"
                ),
            )
        }
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
                "it was killed, or could not start: its socket is there, and nobody holds its lock",
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
            Origin::Hand if !trace.is_noted => "it does not run; run its program".into(),
            Origin::Hand => format!(
                "it does not run; `{}` is run by hand",
                note.program.display()
            ),
        };
        self.fine("server", found);
        Some(())
    }
}
