//! Decides before anything is decoded if a client and this server mean the same function.
//!
//! - The same file, or another one with the same content: they do.
//! - Another build of the program: its build takes this daemon's place if its file now lies at the
//!   path of this daemon's program, or nothing does, or if it is of a greater version.
//! - Else they do if the function's fingerprint agrees.
//! - Another program: never.
//!
//! A server that was started by hand makes room for no other.

use std::collections::HashMap;
use std::path::Path;

use parking_lot::Mutex;

use super::Service;
use super::connection::Client;
use crate::function::Function;
use crate::program::{self, Build, is_greater};
use crate::wire::call::Head;
use crate::wire::fault::Fault;
use crate::wire::hello::Hello;
use crate::wire::{Kind, PROTOCOL};

/// Of how many builds it is remembered whether they have the content of this one.
const COMPARED: usize = 256;

/// The builds of which it is known whether they have the content of this one.
#[derive(Debug, Default)]
pub(super) struct Compared(Mutex<HashMap<Build, bool>>);

impl Compared {
    fn get(&self, build: &Build) -> Option<bool> {
        self.0.lock().get(build).copied()
    }

    fn note(&self, build: Build, is_equal: bool) {
        let mut known = self.0.lock();
        if known.len() < COMPARED {
            known.insert(build, is_equal);
        }
    }
}

/// A client's build, compared with ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    file: SameFile,
    /// The client's file, as the client says.
    build: Option<Build>,
    /// Its functions lie in memory as ours do.
    has_our_image: bool,
    /// Its file lies at the path of this daemon's program, or nothing does.
    has_our_path: bool,
    /// A server of its build may take the place of this one.
    may_succeed: bool,
    /// Its calls are of the version that we read.
    is_readable: bool,
}

/// The client's file, compared with the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SameFile {
    Yes,
    No,
    /// It runs another one of the same size, which may have the same content.
    Perhaps,
    /// It does not say, as over a network.
    Unknown,
}

/// The decision on a call.
pub(super) enum Verdict {
    Run(&'static Function),
    Refuse(Fault),
    /// It is of a build that takes this server's place.
    Outdated,
    /// It is sent again with more that tells its build, as this kind of reply asks.
    Ask(Kind),
}

impl Identity {
    pub(super) fn of(hello: &Hello, service: &Service) -> Self {
        let has_our_image = hello.image == service.image;
        let file = match (Build::ours(), hello.build) {
            (Some(ours), Some(theirs)) if ours.same_file(&theirs) && has_our_image => SameFile::Yes,
            (Some(ours), Some(theirs)) if ours.size == theirs.size => SameFile::Perhaps,
            (Some(_), Some(_)) => SameFile::No,
            _ => SameFile::Unknown,
        };
        let program = service.program.as_deref();
        let program = program.filter(|_| file != SameFile::Yes && hello.succeeds);
        Self {
            file,
            build: hello.build,
            has_our_image,
            has_our_path: program.is_some_and(|path| leads_to(path, hello.build)),
            may_succeed: program.is_some(),
            is_readable: hello.protocol == PROTOCOL,
        }
    }

    /// Returns `true` if the client's build of a program of that version takes this server's place.
    pub(super) fn succeeds(self, program: &str, version: &str, service: &Service) -> bool {
        let ours = service.table.version_of(program);
        let is_later = || ours.is_some_and(|ours| is_greater(version, ours));
        self.may_succeed && ours.is_some() && (self.has_our_path || is_later())
    }

    /// Checks that the client, which runs that program, may put a server of its own in this one's
    /// place.
    pub(super) fn may_restart(self, program: &str, service: &Service) -> Result<(), Fault> {
        if self.file == SameFile::Yes || service.table.is_of(program) {
            Ok(())
        } else {
            Err(stranger(service))
        }
    }

    /// Decides on a call.
    pub(super) fn judge(
        self,
        head: &Head<'_>,
        service: &Service,
        compared: &Compared,
        client: &Client,
    ) -> Verdict {
        let function = service.table.get(head.name);
        let run = || function.map_or(Verdict::Refuse(Fault::UnknownFunction), Verdict::Run);
        if self.file == SameFile::Yes && head.fingerprint.is_none() {
            return run();
        }
        let program = head.program.unwrap_or_default();
        if !service.table.is_of(program) {
            return Verdict::Refuse(stranger(service));
        }
        let ours = function.and_then(|it| match head.is_plain {
            true => Some(it.plain_fingerprint()),
            false => it.fingerprint(),
        });
        // Programs that a loader runs all have the loader's file.
        let both = ours.zip(head.fingerprint);
        let is_contradicted = both.is_some_and(|(ours, theirs)| ours != theirs);
        if self.file == SameFile::Yes && !is_contradicted {
            return run();
        }
        // Only the content tells whether both sides mean the same, if serde does not.
        let is_unknown = function.is_some() && ours.is_none();
        let has_told_nothing = head.fingerprint.is_none() && head.content.is_none();
        let may_be_equal = self.file == SameFile::Perhaps
            || self.file == SameFile::Unknown && is_unknown && head.fingerprint.is_none();
        match self.same_content(head, compared) {
            Some(true) if !is_contradicted => return run(),
            None if may_be_equal && self.has_our_image => return Verdict::Ask(Kind::Compare),
            _ => {}
        }
        if self.succeeds(program, head.version.unwrap_or_default(), service) {
            return Verdict::Outdated;
        }
        if has_told_nothing && self.build.is_some() && self.is_readable {
            return Verdict::Ask(Kind::Identify);
        }
        let agrees = ours.is_some() && ours == head.fingerprint;
        let differs = |what: &str| Verdict::Refuse(differs(what, service, client));
        match function {
            _ if !self.is_readable => differs("speaks another version of remotex"),
            Some(function) if agrees => Verdict::Run(function),
            Some(function) => match function.unknown_type().filter(|_| !head.is_plain) {
                Some(ty) => Verdict::Refuse(unshown(ty)),
                None => differs(
                    "is another build, whose function is not known to have the same signature and types",
                ),
            },
            None => differs("is another build, which does not have the function"),
        }
    }

    /// Compares the contents of both files; `None` if that of the client's is not known.
    fn same_content(self, head: &Head<'_>, compared: &Compared) -> Option<bool> {
        if !self.has_our_image || self.file == SameFile::No {
            return Some(false);
        }
        if let Some(known) = self.build.and_then(|build| compared.get(&build)) {
            return Some(known);
        }
        // First, since to read our own file takes long.
        let theirs = head.content.filter(|&content| content != 0)?;
        let is_equal = program::content() == Some(theirs);
        if let Some(build) = self.build {
            compared.note(build, is_equal);
        }
        Some(is_equal)
    }
}

/// Returns `true` if the file of a client lies at a path, or none does.
fn leads_to(path: &Path, build: Option<Build>) -> bool {
    match Build::look(path) {
        Ok(Some(there)) => build.is_some_and(|build| build.same_file(&there)),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// The two builds do not agree: both are named, and the remedy.
fn differs(what: &str, service: &Service, client: &Client) -> Fault {
    let caller = client.caller.program();
    let caller = caller.map_or_else(String::new, |path| format!(" (`{}`)", path.display()));
    let remedy = match service.program {
        None => "start that server again from the build that calls",
        Some(_) => "call by the server's program, or stop the server and call again",
    };
    Fault::Mismatch(format!(
        "the server ({}) {what} as the caller's{caller}; {remedy}",
        here()
    ))
}

/// The fault of a function with a type that cannot be compared.
fn unshown(ty: &str) -> Fault {
    Fault::Mismatch(format!(
        "serde does not show all of its type `{ty}`, so that only the program that the server runs may call it; give the type an ordinary `Deserialize`, or vouch for it with `#[remote(SERVER, types = \"1\")]`"
    ))
}

fn here() -> String {
    let program = program::path().unwrap_or_default();
    format!("`{}`, process {}", program.display(), std::process::id())
}

fn stranger(service: &Service) -> Fault {
    let programs = service.table.programs().join("`, `");
    Fault::Mismatch(format!(
        "another program has this name: `{programs}` ({}); give one of the two servers another name, or stop that one",
        here()
    ))
}
