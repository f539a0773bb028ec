//! What people do with a server from a command line.

mod log;
mod report;

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use crate::{Error, Result, Server, terminal};

/// `start`, `stop`, `restart`, `status` and `logs` of a server, as subcommands of a program's own: the
/// feature `clap`.
///
/// # Example
/// ```no_run
/// use clap::Parser;
/// use remotex::{Control, Server};
///
/// static SERVER: Server = Server::new("bboard").autostart();
///
/// #[derive(Parser)]
/// enum Cli {
///     /// Pins an item to the board
///     Post { item: String },
///     #[command(flatten)]
///     Server(Control),
/// }
///
/// fn main() -> remotex::Result<()> {
///     remotex::init();
///     match Cli::parse() {
///         Cli::Post { item } => Ok(println!("{item}")),
///         Cli::Server(control) => control.run(&SERVER),
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
#[non_exhaustive]
pub enum Control {
    /// Start the server in the background, unless it runs
    Start(Format),
    /// Stop the server, and wait until it has ended
    Stop(Format),
    /// Stop the server and start it again; whoever calls meanwhile waits
    Restart(Format),
    /// Say what the server is doing
    Status(Format),
    /// Print what the server has said
    Logs(Logs),
}

/// How something is printed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::Args)]
#[group(skip)]
#[non_exhaustive]
pub struct Format {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What is printed of a log.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
#[group(skip)]
#[non_exhaustive]
pub struct Logs {
    /// Keep printing what comes, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// Print only the last LINES lines
    #[arg(short = 'n', long)]
    pub lines: Option<usize>,
    /// Print each line as a JSON text
    #[arg(long)]
    pub json: bool,
}

impl Control {
    /// Does it with `server`, and prints to stdout.
    ///
    /// # Errors
    /// As of the methods of [`Server`] of these names; [`Error::Io`] or [`Error::Failed`] if the log cannot
    /// be read.
    pub fn run(&self, server: &'static Server) -> Result<()> {
        match self.print(server) {
            Ok(()) | Err(Ended::Closed) => Ok(()),
            Err(Ended::Failed(e)) => Err(e),
        }
    }

    fn print(&self, server: &'static Server) -> Result<(), Ended> {
        match self {
            Self::Start(format) => {
                server.start()?;
                done(server, *format, "running", "runs")
            }
            Self::Stop(format) => {
                server.stop()?;
                done(server, *format, "stopped", "is stopped")
            }
            Self::Restart(format) => {
                server.restart()?;
                done(server, *format, "running", "runs, started anew")
            }
            Self::Status(format) => report::print(server, *format),
            Self::Logs(logs) => log::print(server, logs),
        }
    }
}

/// Why no more is printed.
enum Ended {
    /// Who reads has closed, and wants to read no more.
    Closed,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(e: Error) -> Self {
        Self::Failed(e)
    }
}

impl From<io::Error> for Ended {
    fn from(e: io::Error) -> Self {
        Self::Failed(e.into())
    }
}

fn done(server: &'static Server, format: Format, state: &str, words: &str) -> Result<(), Ended> {
    let key = server.key();
    if format.json {
        return say_json(&json!({ "server": server.name(), "key": key, "state": state }));
    }
    say(&format_args!("{} {words}", called(server, &key)))
}

/// What a server is called: by its name, and by its key if it has one.
fn called(server: &Server, key: &str) -> String {
    match key {
        "" => format!("server `{}`", server.name()),
        key => format!("server `{}` for `{key}`", server.name()),
    }
}

/// A line to stdout.
fn say(line: &dyn std::fmt::Display) -> Result<(), Ended> {
    let line = line.to_string();
    printed(match io::stdout().is_terminal() {
        // The colours are ours, or do no harm.
        true => writeln!(
            anstream::stdout().lock(),
            "{}",
            terminal::escaped_but_colours(&line)
        ),
        false => writeln!(anstream::stdout().lock(), "{line}"),
    })
}

/// A line of JSON to stdout, of which nothing is taken out with the colours.
fn say_json(line: &Value) -> Result<(), Ended> {
    let line = line.to_string();
    let mut out = io::stdout().lock();
    printed(match out.is_terminal() {
        true => writeln!(out, "{}", terminal::escaped_json(&line)),
        false => writeln!(out, "{line}"),
    })
}

fn printed(line: io::Result<()>) -> Result<(), Ended> {
    line.map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => Ended::Closed,
        _ => e.into(),
    })
}

/// A path as JSON has it.
fn path(path: &std::path::Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}
