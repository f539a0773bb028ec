//! Completion: what can be typed next, as the live servers say.

mod bash;
mod zsh;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, io};

use clap::{ArgMatches, CommandFactory, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{EnvCompleter, Fish, Shells};
use remotex::discovery::{self, Found};
use remotex::{Error, Function};

use crate::args::Cli;
use crate::failure::Failure;
use bash::Bash;
use zsh::Zsh;

/// What a shell's script asks this program with.
const VARIABLE: &str = "COMPLETE";

/// A shell that completes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
        }
    }
}

/// The words of the line that is completed, in which the last one may be unfinished.
static WORDS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Prints what a shell runs when it starts.
pub(crate) fn print(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    let mut program = PathBuf::from(env::args_os().next().unwrap_or_else(|| "remotex".into()));
    // What was not looked up in PATH is where it is also from other folders.
    if program.components().count() > 1 {
        program = env::current_dir()?.join(program);
    }
    let program = program.to_string_lossy();
    let completer = shell.completer();
    completer.write_registration(VARIABLE, "remotex", "remotex", &program, &mut script)?;
    Ok(io::Write::write_all(&mut io::stdout(), &script)?)
}

/// Fills in what stands in capitals in a shell's script.
fn filled(script: &str, variable: &str, bin: &str, completer: &str) -> io::Result<String> {
    let completer = shlex::try_quote(completer).map_err(io::Error::other)?;
    Ok(script
        .replace("VARIABLE", variable)
        .replace("COMPLETER", &completer)
        .replace("BIN", bin))
}

/// Answers a shell, if it is one that asks; then the process ends.
pub(crate) fn answer() {
    let Some(shell) = env::var_os(VARIABLE) else {
        return;
    };
    let asked = env::args_os().skip_while(|word| word != "--").skip(1);
    let words = asked.collect();
    let words = if shell == "bash" {
        bash::words(&words)
    } else {
        words
    };
    let _ = WORDS.set(words);
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .shells(Shells(&[&Bash, &Zsh, &Fish]))
        .complete();
}

/// What stands on the line by now, however unfinished.
fn line() -> Option<ArgMatches> {
    let words = WORDS.get()?;
    let typed = words.split_last()?.1;
    let matches = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(typed)
        .ok()?;
    matches.subcommand().map(|(_, matches)| matches.clone())
}

fn text(line: &ArgMatches, id: &str) -> Option<String> {
    line.try_get_one::<String>(id).ok().flatten().cloned()
}

/// One candidate for each, of those that begin as what is typed.
fn candidates(
    current: &OsStr,
    all: impl IntoIterator<Item = (String, String)>,
) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let fitting = all
        .into_iter()
        .filter(|(value, _)| value.starts_with(&*current));
    fitting
        .map(|(value, help)| CompletionCandidate::new(value).help(Some(help.into())))
        .collect()
}

/// The names of servers.
pub(crate) fn servers(current: &OsStr) -> Vec<CompletionCandidate> {
    let servers = discovery::servers().unwrap_or_default();
    let mut named: Vec<(String, String)> = servers
        .into_iter()
        .map(|found| (found.name.clone(), about(&found)))
        .collect();
    named.dedup_by(|a, b| a.0 == b.0);
    candidates(current, named)
}

fn about(found: &Found) -> String {
    found.program.display().to_string()
}

/// The keys of the server on the line.
pub(crate) fn keys(current: &OsStr) -> Vec<CompletionCandidate> {
    let name = line().and_then(|line| text(&line, "server"));
    let mut servers = discovery::servers().unwrap_or_default();
    servers.retain(|found| Some(&found.name) == name.as_ref() && !found.key.is_empty());
    candidates(
        current,
        servers
            .iter()
            .map(|found| (found.key.clone(), about(found))),
    )
}

/// The functions of the server on the line.
fn offered() -> Result<Vec<Function>, Error> {
    let line = line();
    let text = |id| line.as_ref().and_then(|line| text(line, id));
    let server = discovery::server(&text("server").unwrap_or_default(), text("key").as_deref())?;
    Ok(server.interface()?.functions)
}

/// Their names.
pub(crate) fn functions(current: &OsStr) -> Vec<CompletionCandidate> {
    let functions = offered().unwrap_or_default().into_iter();
    let first = |docs: String| docs.lines().next().unwrap_or_default().to_owned();
    candidates(
        current,
        functions.map(|function| (function.name, first(function.docs))),
    )
}

/// The arguments of the function on the line that are not there yet.
pub(crate) fn arguments(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(line) = line() else {
        return Vec::new();
    };
    let name = text(&line, "function");
    let given: Vec<String> = line
        .try_get_many("arguments")
        .ok()
        .flatten()
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let functions = offered().unwrap_or_default();
    let function = functions
        .into_iter()
        .find(|function| Some(&function.name) == name.as_ref());
    let arguments = function
        .map(|function| function.arguments)
        .unwrap_or_default()
        .into_iter();
    let open = arguments.filter(|(name, _)| {
        !given
            .iter()
            .any(|word| word.split('=').next() == Some(name))
    });
    candidates(current, open.map(|(name, ty)| (format!("{name}="), ty)))
}
