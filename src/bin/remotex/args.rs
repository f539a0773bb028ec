//! What can be typed.

use std::env;
use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use remotex::{Format, Logs};

use crate::completions::{self, Shell};

/// Finds servers that use remotex, says what they offer, calls their functions, and takes care of them.
#[derive(Debug, Parser)]
#[command(name = "remotex", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) action: Action,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all is well
  1  the function has failed, or may have run; of `doctor`: something is wrong
  2  wrong use: an option, a function, an argument
  3  there is no such server, or it does not run or answer
  4  not let in

On a terminal there are tables and colours; in a pipe columns with tabs between, and no heads. NO_COLOR is obeyed.
With --json, errors are JSON too, on stderr.";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the servers, and what they do
    Ls(Format),
    /// Show the functions of a server, with their docs
    Show(Show),
    /// Call a function, and print its answer as JSON
    ///
    /// As in `remotex call bboard post item='Closed on Sunday' by=me`. A server that does not run is not
    /// started: that does `remotex start`.
    Call(Call),
    /// Say what a server is doing
    Status(Whole),
    /// Start a server again that has run in this session
    Start(Whole),
    /// Stop a server, and wait until it has ended
    Stop(Whole),
    /// Stop a server and start it again; whoever calls meanwhile waits
    Restart(Whole),
    /// Print what a server has said
    Logs {
        #[command(flatten)]
        server: Which,
        #[command(flatten)]
        logs: Logs,
    },
    /// Look for what is wrong with a server, and say how to mend it
    Doctor(Whole),
    /// Print the systemd units that let a server that has run here be started by its first call
    Unit(Unit),
    /// Measure what a call costs, and the same work without the server
    ///
    /// The function really runs, many times, in the server and in processes of its own, which first do what
    /// the server's `.on_start` does.
    Bench(Bench),
    /// Make what a server and its clients on other machines know each other by
    #[command(subcommand)]
    Keys(KeysAction),
    /// Print what makes a shell complete the names of servers, functions and arguments
    ///
    /// For bash, put `source <(remotex completions bash)` into `~/.bashrc`; for zsh, `source <(remotex
    /// completions zsh)` into `~/.zshrc` after `compinit`; for fish, `remotex completions fish | source` into
    /// `~/.config/fish/config.fish`.
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Make the keys of a server and of its clients, for `tls://` and `https://`, and a token for `http://`
    Init(Keys),
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// The name of the server, which need not run or have run
    #[arg(id = "server", value_name = "SERVER")]
    pub(crate) name: String,
    /// A name or number by which browsers and other programs reach it over https, as in `https://HOST:8443`
    #[arg(id = "host", long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// For how many days they are good
    #[arg(long, default_value_t = 730)]
    pub(crate) days: u32,
    /// Put new keys in the place of those that are there
    #[arg(long)]
    pub(crate) renew: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// A server as a whole.
#[derive(Debug, Args)]
pub(crate) struct Whole {
    #[command(flatten)]
    pub(crate) server: Which,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// A server.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The name of the server, as `remotex ls` lists it
    #[arg(id = "server", value_name = "SERVER", add = ArgValueCompleter::new(completions::servers))]
    pub(crate) name: String,
    /// Which one, if there is one for each key (see `remotex ls`)
    #[arg(long, add = ArgValueCompleter::new(completions::keys))]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) server: Which,
    /// One function, with more about it
    #[arg(add = ArgValueCompleter::new(completions::functions))]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// A function of a server, and its arguments.
#[derive(Debug, Args)]
pub(crate) struct Call {
    #[command(flatten)]
    pub(crate) server: Which,
    /// The name of the function, as `remotex show` lists it
    #[arg(add = ArgValueCompleter::new(completions::functions))]
    pub(crate) function: String,
    /// Its arguments: texts as they are, all else as JSON; an optional one can be left out. Or `-`, to read
    /// them all as a JSON object from stdin
    #[arg(value_name = "NAME=VALUE", conflicts_with = "json", add = ArgValueCompleter::new(completions::arguments))]
    pub(crate) arguments: Vec<String>,
    /// Its arguments as a JSON object; an error is then printed as JSON too
    #[arg(long, value_name = "OBJECT")]
    pub(crate) json: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Unit {
    #[command(flatten)]
    pub(crate) server: Which,
    /// Write them into `~/.config/systemd/user` too
    #[arg(long)]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) server: Which,
    /// The name of the function
    #[arg(add = ArgValueCompleter::new(completions::functions))]
    pub(crate) function: String,
    /// Its arguments, as of `remotex call`
    #[arg(value_name = "NAME=VALUE", add = ArgValueCompleter::new(completions::arguments))]
    pub(crate) arguments: Vec<String>,
    /// How many seconds each of the four measurements takes
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    #[command(flatten)]
    pub(crate) format: Format,
}

impl Action {
    /// Whether all that is printed is JSON, errors too.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Ls(format)
            | Self::Status(Whole { format, .. })
            | Self::Start(Whole { format, .. })
            | Self::Stop(Whole { format, .. })
            | Self::Restart(Whole { format, .. })
            | Self::Doctor(Whole { format, .. })
            | Self::Show(Show { format, .. })
            | Self::Unit(Unit { format, .. })
            | Self::Bench(Bench { format, .. }) => format.json,
            Self::Logs { logs, .. } => logs.json,
            Self::Call(call) => call.json.is_some(),
            Self::Keys(KeysAction::Init(keys)) => keys.format.json,
            Self::Completions { .. } => false,
        }
    }
}

/// Returns `true` if a command line that cannot be parsed asks for JSON.
pub(crate) fn want_json() -> bool {
    let is_json = |word: OsString| word.as_encoded_bytes().starts_with(b"--json");
    env::args_os().any(is_json)
}
