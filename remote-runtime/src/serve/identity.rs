//! Whether a client and this server mean the same functions, decided before anything is decoded.
//!
//! The same executable file: they do. Another build of the same program: they do if the function's
//! fingerprint agrees. A build that was installed later than this one, and that would start a server
//! of its own, may succeed this one. Another program: never.

use super::Service;
use crate::build::Build;
use crate::function::Function;
use crate::wire::PROTOCOL;
use crate::wire::call::Head;
use crate::wire::fault::Fault;
use crate::wire::hello::Hello;

/// A client's build, compared with ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    /// It runs the same file.
    is_same: bool,
    /// It was installed when this one was, or later.
    is_later: bool,
    /// It may succeed this server.
    may_succeed: bool,
    /// Its calls are of the version that we read.
    is_readable: bool,
}

/// What becomes of a call.
pub(super) enum Verdict {
    Run(&'static Function),
    Refuse(Fault),
    /// It is of a build that may succeed this server.
    Outdated,
}

impl Identity {
    pub(super) fn of(hello: &Hello, service: &Service) -> Self {
        let (ours, theirs) = (Build::ours(), hello.build);
        let compared = ours.as_ref().zip(theirs.as_ref());
        let is_same =
            compared.is_some_and(|(ours, theirs)| ours.is(theirs)) && hello.image == service.image;
        let is_later = compared.is_some_and(|(ours, theirs)| !theirs.is_before(ours));
        let is_tied = is_later && compared.is_some_and(|(ours, theirs)| !ours.is_before(theirs));
        let yields = match service.yields {
            Yields::Never => false,
            Yields::ToLater => !is_tied,
            Yields::ToEqual => true,
        };
        Self {
            is_same,
            is_later,
            may_succeed: yields && is_later && !is_same && hello.succeeds,
            is_readable: hello.protocol == PROTOCOL,
        }
    }

    /// Whether the client, which runs that program, is to have this server's place.
    pub(super) fn succeeds(self, program: &str, service: &Service) -> bool {
        self.may_succeed && service.table.is_of(program)
    }

    /// Whether the client, which runs that program, may put one of its own in this server's place.
    pub(super) fn may_restart(self, program: &str, service: &Service) -> Result<(), Fault> {
        if self.is_same || service.table.is_of(program) {
            Ok(())
        } else {
            Err(stranger(service))
        }
    }

    /// Decides on a call.
    pub(super) fn judge(self, head: &Head<'_>, service: &Service) -> Verdict {
        let function = service.table.get(head.name);
        if self.is_same && head.fingerprint.is_none() {
            return function.map_or(Verdict::Refuse(Fault::UnknownFunction), Verdict::Run);
        }
        if !service.table.is_of(head.program.unwrap_or_default()) {
            return Verdict::Refuse(stranger(service));
        }
        if self.may_succeed {
            return Verdict::Outdated;
        }
        let agrees = |function: &Function| {
            let ours = function.fingerprint();
            // One that serde does not show wholly is only known to be the same in the same file.
            ours == head.fingerprint && (ours.is_some() || self.is_same)
        };
        match function {
            _ if !self.is_readable => Verdict::Refuse(self.differs("speaks another version of remotex")),
            Some(function) if agrees(function) => Verdict::Run(function),
            Some(function) => Verdict::Refuse(function.unknown_type().map_or_else(
                || self.differs("is another build, whose function is not known to have the same signature and types"),
                unshown,
            )),
            None if self.is_same => Verdict::Refuse(Fault::UnknownFunction),
            None => Verdict::Refuse(self.differs("is another build, which does not have the function")),
        }
    }

    /// The two builds do not agree: which one is to go depends on which one is newer.
    fn differs(self, what: &str) -> Fault {
        let here = here();
        let remedy = if self.is_later {
            "start that server again from the build that calls"
        } else if here.contains(" (deleted)") {
            "its file has been replaced by an older one since; stop the server and call again"
        } else {
            "it was installed later than this program; use that one, or stop the server and call again"
        };
        Fault::Mismatch(format!("the server ({here}) {what}; {remedy}"))
    }
}

/// The fault of a function with a type that cannot be compared.
fn unshown(ty: &str) -> Fault {
    Fault::Mismatch(format!(
        "serde does not show all of its type `{ty}`, so that only the very file that the server runs may call it, on the same machine and through `unix:`; give the type an ordinary `Deserialize`, or vouch for it with `#[remote(SERVER, types = \"1\")]`"
    ))
}

/// Whom a server makes room for, among the builds of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Yields {
    /// Nobody: it was started by hand.
    Never,
    /// Those that were installed later. It has taken the place of one that was installed at the same
    /// time, so that the two do not go on to take it from each other.
    ToLater,
    /// Those that were not installed earlier.
    ToEqual,
}

fn here() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    format!("`{}`, process {}", program.display(), std::process::id())
}

fn stranger(service: &Service) -> Fault {
    let programs = service.table.programs().join("`, `");
    Fault::Mismatch(format!(
        "another program has this name: `{programs}` ({}); give one of the two servers another name, or stop that one",
        here()
    ))
}
