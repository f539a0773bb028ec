//! Why the command ends without what it was asked for, and with which code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use remotex::interface::Raised;
use remotex::{Error, Function, terminal};
use serde_json::{Value, json};

use crate::show;

/// The function has failed, or may have run.
const FAILED: u8 = 1;
/// An option, a function, an argument.
const WRONG_USE: u8 = 2;
/// There is no such server, or it does not run or answer.
const NO_SERVER: u8 = 3;
/// Not let in.
const NOT_LET_IN: u8 = 4;

/// What ends the command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Who reads its output wants to read no more.
    Closed,
    /// The system refuses what it reads, writes or runs.
    System(io::Error),
    /// What was typed means nothing.
    Use(String),
    /// The function has failed with a value of a type of its own.
    Raised {
        call: String,
        raised: Raised,
    },
    Error(Box<Error>),
    /// A function was not called as it wants to be.
    Call {
        why: Box<Self>,
        usage: String,
    },
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Error(Box::new(e))
    }
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::System(e),
        }
    }
}

impl Failure {
    /// With what the function wants, if it was called wrongly.
    pub(crate) fn of_call(self, function: &Function) -> Self {
        match self.code() {
            WRONG_USE => Self::Call {
                why: Box::new(self),
                usage: show::usage(function),
            },
            _ => self,
        }
    }

    /// The failure of a command line that cannot be parsed.
    pub(crate) fn unparsed(e: &clap::Error) -> Self {
        let words = e.to_string();
        Self::Use(words.trim().trim_start_matches("error: ").to_owned())
    }

    /// Says it on stderr.
    pub(crate) fn tell(&self, is_json: bool) -> ExitCode {
        let code = self.code();
        if matches!(self, Self::Closed) {
            return ExitCode::SUCCESS;
        }
        if is_json {
            let text = json!({ "error": self.json() }).to_string();
            let text = match io::stderr().is_terminal() {
                true => terminal::escaped_json(&text),
                false => text.into(),
            };
            let _ = writeln!(io::stderr(), "{text}");
        } else {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            // Where nobody can hear it, the code says it.
            let words = self.to_string();
            let words = match io::stderr().is_terminal() {
                true => terminal::escaped(&words),
                false => words.into(),
            };
            let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {words}");
        }
        ExitCode::from(code)
    }

    fn code(&self) -> u8 {
        let e = match self {
            Self::Closed => return 0,
            Self::Use(_) => return WRONG_USE,
            Self::Raised { .. } | Self::System(_) => return FAILED,
            Self::Call { why, .. } => return why.code(),
            Self::Error(e) => e,
        };
        match &**e {
            e if e.may_have_run() => FAILED,
            Error::Denied(_) => NOT_LET_IN,
            Error::UnknownFunction(_)
            | Error::Unsendable { .. }
            | Error::TooLarge { .. }
            | Error::Mismatch(_) => WRONG_USE,
            _ => NO_SERVER,
        }
    }

    fn json(&self) -> Value {
        let code = self.code();
        let words = self.to_string();
        match self {
            Self::Call { why, usage } => {
                let mut value = why.json();
                value["usage"] = usage.as_str().into();
                value
            }
            Self::System(_) => {
                json!({ "kind": "Io", "message": words, "causes": [], "exit": code })
            }
            Self::Closed | Self::Use(_) => {
                json!({ "kind": "Use", "message": words, "causes": [], "exit": code })
            }
            Self::Raised { raised, .. } => {
                json!({ "kind": "Raised", "message": words, "causes": [], "value": raised.value, "may_have_run": true, "exit": code })
            }
            Self::Error(e) => {
                // That is the variant, and the sentence in brackets.
                let debug = format!("{e:#?}");
                let kind = debug.split('(').next().unwrap_or_default();
                let causes = match &**e {
                    Error::Failed { causes, .. } => causes.clone(),
                    _ => Vec::new(),
                };
                json!({ "kind": kind, "message": words, "causes": causes, "may_have_run": e.may_have_run(), "exit": code })
            }
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => f.write_str("stdout is closed"),
            Self::System(e) => write!(f, "input or output fails: {e}"),
            Self::Use(words) => f.write_str(words),
            Self::Call { why, usage } => write!(f, "{why}\n  {usage}"),
            Self::Raised { call, raised } => match &raised.text {
                Some(text) => f.write_str(text),
                None => write!(f, "{call} failed with {}", raised.value),
            },
            Self::Error(e) => {
                write!(f, "{e}")?;
                if let Error::Failed { causes, .. } = &**e {
                    causes
                        .iter()
                        .try_for_each(|cause| write!(f, "\n  because: {cause}"))?;
                }
                Ok(())
            }
        }
    }
}
