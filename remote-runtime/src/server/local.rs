//! A process in which functions run where they are called: its address is `local:`.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::Ordering;

use parking_lot::{Mutex, ReentrantMutex};

use super::hooks;
use super::{AWAY, LOCAL, Server};
use crate::address::Address;
use crate::at_exit;
use crate::error::{Call, Error};

/// The start of a server in a process whose functions run where they are called.
pub(super) struct LocalStart(ReentrantMutex<RefCell<Stage>>);

enum Stage {
    Before,
    /// Its `.on_start` runs, on the thread that has the lock.
    Loading,
    Loaded,
    /// Its `.on_start` has failed, and why.
    Failed(String),
}

impl LocalStart {
    pub(super) const fn new() -> Self {
        Self(ReentrantMutex::new(RefCell::new(Stage::Before)))
    }
}

impl Server {
    /// Returns `true` if a remote function that is called now is to run in this process. The server's
    /// `.on_start` has run then, or makes this very call.
    #[inline]
    pub(crate) fn runs_here(&'static self) -> bool {
        match self.role.load(Ordering::Acquire) {
            AWAY => false,
            LOCAL => true,
            _ => self.begins_here(),
        }
    }

    /// Returns `true` if it has an `.on_start` or an `.on_stop`.
    pub(super) fn has_hooks(&self) -> bool {
        self.on_start.is_some() || self.on_stop.is_some()
    }

    #[cold]
    fn begins_here(&'static self) -> bool {
        match self.resolve(Call::control(self.name)) {
            Ok(Address::Local) => self.begin_here(),
            _ => self.is_local(),
        }
    }

    /// Runs `.on_start` once, while other threads wait; `false` if it has failed. Two threads of which each
    /// begins one of two such servers, whose `.on_start`s call each other, wait for ever, as with any locks.
    fn begin_here(&'static self) -> bool {
        let stage = self.local_start.0.lock();
        match &*stage.borrow() {
            Stage::Before => {}
            Stage::Loading | Stage::Loaded => return true,
            Stage::Failed(_) => return false,
        }
        stage.replace(Stage::Loading);
        let loaded = hooks::run(Call::control(self.name), "on_start", self.on_start);
        let began = loaded
            .map_err(|failure| failure.to_string())
            .and_then(|()| self.save_at_exit().map_err(|e| e.to_string()));
        match began {
            Ok(()) => {
                stage.replace(Stage::Loaded);
                self.role.store(LOCAL, Ordering::Release);
                true
            }
            Err(why) => {
                stage.replace(Stage::Failed(why));
                false
            }
        }
    }

    /// The error of a call that nobody takes, since the address is `local:`.
    #[cold]
    pub(super) fn refused_here(&self, call: Call<'_>) -> Error {
        Error::Unreachable(match &*self.local_start.0.lock().borrow() {
            Stage::Failed(why) => {
                call.trouble(format_args!("it cannot run in this process: {why}"))
            }
            _ => call.trouble("its address is `local:`, where nobody listens"),
        })
    }

    fn save_at_exit(&'static self) -> io::Result<()> {
        if self.on_stop.is_none() {
            return Ok(());
        }
        let mut unsaved = UNSAVED.lock();
        if unsaved.is_empty() {
            at_exit::run(Box::new(|_| save_all()))?;
        }
        unsaved.push(self);
        Ok(())
    }
}

/// The servers whose `.on_stop` this process runs at its end.
static UNSAVED: Mutex<Vec<&'static Server>> = Mutex::new(Vec::new());

/// Runs the `.on_stop` of every server whose functions have run in this process because its address is
/// `local:`, the latest first. A daemon does so before its successor can load what they save.
///
/// # Errors
/// If some have failed, and why.
pub(super) fn save_all() -> Result<(), String> {
    let mut failures = Vec::new();
    loop {
        let Some(server) = UNSAVED.lock().pop() else {
            break;
        };
        let call = Call::control(server.name);
        if let Err(failure) = hooks::run(call, "on_stop", server.on_stop) {
            failures.push(format!(
                "{call}: what it was to save may be lost: {failure}"
            ));
        }
    }
    match &failures[..] {
        [] => Ok(()),
        _ => Err(failures.join("\n")),
    }
}
