//! Whether a client and this server mean the same functions, decided before anything is decoded.
//!
//! The same executable file: they do. Another build of the same program: they do if the function's
//! fingerprint agrees. A build that was installed later than this one, and that would start a server
//! of its own: this one makes room for it. Another program: never.

use super::Service;
use crate::build::Build;
use crate::function::Function;
use crate::wire::PROTOCOL;
use crate::wire::call::Head;
use crate::wire::fault::Fault;
use crate::wire::hello::Hello;

/// A client's build, compared with ours.
#[derive(Debug, Clone, Copy)]
pub(super) enum Identity {
    /// It runs the same file.
    Same,
    /// It runs another build of this program.
    Other {
        /// This server is to make room for it.
        succeeds: bool,
        /// Whether this server would make room for a later one.
        yields: bool,
    },
    /// It speaks another version of calls.
    Foreign {
        /// As above.
        succeeds: bool,
    },
    /// It is another program.
    Stranger,
}

impl Identity {
    pub(super) fn of(hello: &Hello, service: &Service) -> Self {
        let ours = Build::ours();
        if let (Some(ours), Some(theirs)) = (&ours, &hello.build)
            && ours.is(theirs)
        {
            return Self::Same;
        }
        // A table without functions is nobody's.
        if service
            .table
            .programs()
            .all(|program| program != hello.program)
        {
            return Self::Stranger;
        }
        let is_later = match (&ours, &hello.build) {
            (Some(ours), Some(theirs)) => !theirs.is_before(ours),
            _ => false,
        };
        let yields = service.yields;
        let succeeds = yields && hello.succeeds && is_later;
        if hello.protocol == PROTOCOL {
            Self::Other { succeeds, yields }
        } else {
            Self::Foreign { succeeds }
        }
    }

    /// Whether this server is to end, so that the client can start one of its own build.
    pub(super) fn succeeds(self) -> bool {
        matches!(
            self,
            Self::Other { succeeds: true, .. } | Self::Foreign { succeeds: true }
        )
    }

    /// Whether a call may be decoded and run.
    pub(super) fn admit(
        self,
        head: &Head<'_>,
        service: &Service,
    ) -> Result<&'static Function, Fault> {
        let function = service.table.get(head.name);
        match self {
            Self::Stranger => Err(stranger(service)),
            Self::Foreign { .. } => Err(other(
                "was built with another version of remotex",
                "end that one, and call again",
            )),
            Self::Same => function.ok_or(Fault::UnknownFunction),
            Self::Other { yields, .. } => {
                let function = function.ok_or(Fault::UnknownFunction)?;
                let ours = function.fingerprint();
                if ours.is_some() && ours == head.fingerprint {
                    return Ok(function);
                }
                Err(other(
                    "is another build, in which the function has another signature or other types",
                    if yields {
                        "it was installed later than this program; use that one, or stop the server and call again"
                    } else {
                        "start that server again from the build that calls"
                    },
                ))
            }
        }
    }
}

fn here() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    format!("`{}`, process {}", program.display(), std::process::id())
}

fn other(what: &str, remedy: &str) -> Fault {
    Fault::Mismatch(format!("the server ({}) {what}; {remedy}", here()))
}

fn stranger(service: &Service) -> Fault {
    let programs: std::collections::BTreeSet<_> = service.table.programs().collect();
    let programs = programs.into_iter().collect::<Vec<_>>().join("`, `");
    Fault::Mismatch(format!(
        "another program has this name: `{programs}` ({}); give one of the two servers another name, or stop that one",
        here()
    ))
}
