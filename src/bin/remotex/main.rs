//! The command `remotex`: finds servers, says what they offer, calls their functions, and takes care of
//! them. It is a client like others, and uses nothing but the public interface of the library.

mod args;
mod bench;
mod call;
mod completions;
mod doctor;
mod failure;
mod keys;
mod list;
mod output;
mod show;
mod unit;

use std::process::ExitCode;

use clap::Parser;
use remotex::{Control, discovery};

use args::{Action, Cli, KeysAction, Whole};
use failure::Failure;

fn main() -> ExitCode {
    completions::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if e.use_stderr() && args::want_json() => return Failure::unparsed(&e).tell(true),
        Err(e) => e.exit(),
    };
    let is_json = cli.action.wants_json();
    match run(cli.action) {
        Ok(code) => code,
        Err(failure) => failure.tell(is_json),
    }
}

fn run(action: Action) -> Result<ExitCode, Failure> {
    match action {
        Action::Ls(format) => list::run(format)?,
        Action::Show(show) => show::run(&show)?,
        Action::Call(call) => call::run(&call)?,
        Action::Doctor(whole) => return doctor::run(&whole),
        Action::Unit(unit) => unit::run(&unit)?,
        Action::Bench(bench) => bench::run(&bench)?,
        Action::Keys(KeysAction::Init(keys)) => keys::run(&keys)?,
        Action::Completions { shell } => completions::print(shell)?,
        Action::Start(Whole { server, format }) => control(&server, &Control::Start(format))?,
        Action::Stop(Whole { server, format }) => control(&server, &Control::Stop(format))?,
        Action::Restart(Whole { server, format }) => control(&server, &Control::Restart(format))?,
        Action::Status(Whole { server, format }) => control(&server, &Control::Status(format))?,
        Action::Logs { server, logs } => control(&server, &Control::Logs(logs))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn control(server: &args::Which, control: &Control) -> Result<(), Failure> {
    let found = discovery::server(&server.name, server.key.as_deref())?;
    Ok(control.run(found)?)
}
