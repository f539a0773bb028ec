//! A program with a remote function for everything that can happen to one.
//!
//! `zoo check NAME` makes calls as a client and panics if one of them is not as it must be.
//! `zoo serve [NAME]` serves in the foreground. The other words make one call each, and print how
//! it ended: the answer, or `Variant may_have_run sentence`.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    clippy::ptr_arg,
    reason = "a program of the tests"
)]

#[path = "zoo/functions.rs"]
mod functions;
#[path = "zoo/fates.rs"]
mod fates;
#[path = "zoo/ends.rs"]
mod ends;
#[path = "zoo/servers.rs"]
mod servers;
#[path = "zoo/checks.rs"]
mod checks;
#[path = "zoo/busy.rs"]
mod busy;
#[path = "zoo/nesting.rs"]
mod nesting;
#[path = "zoo/objects.rs"]
mod objects;
#[path = "zoo/holding.rs"]
mod holding;
#[path = "zoo/beside.rs"]
mod beside;
#[path = "zoo/strange.rs"]
mod strange;
#[path = "zoo/errors.rs"]
mod errors;
#[path = "zoo/forms.rs"]
mod forms;
#[path = "zoo/limits.rs"]
mod limits;
#[path = "zoo/plain.rs"]
mod plain;
#[path = "zoo/offers.rs"]
mod offers;
#[path = "zoo/holders.rs"]
mod holders;
#[path = "zoo/hooks.rs"]
mod hooks;

use ends::*;
use fates::*;
use functions::*;
use remotex::{Error, Result, Server};
use servers::*;
use std::fmt::Debug;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // Some forget it everywhere, some only where there are no words, as there are none in a server.
    let forgets = match words.first() {
        Some(word) => word.starts_with("without-init"),
        None => std::env::var_os("XDG_ZOO_FORGETS").is_some(),
    };
    if !forgets {
        remotex::init();
    }
    match words[..] {
        ["check", name] => {
            checks::run(name);
            ExitCode::SUCCESS
        }
        ["holding", ref words @ ..] => {
            holding::run(words);
            ExitCode::SUCCESS
        }
        ["plain"] => {
            plain::check();
            ExitCode::SUCCESS
        }
        ["limits", ref words @ ..] => {
            limits::check(words);
            ExitCode::SUCCESS
        }
        ["offers", name] => {
            match name {
                "served" => offers::offers(),
                "json" => offers::json(),
                _ => offers::local(),
            }
            ExitCode::SUCCESS
        }
        ["hooks", name] => {
            match name {
                "hooks" => hooks::hooks(),
                "details" => hooks::details(),
                _ => hooks::debug(),
            }
            ExitCode::SUCCESS
        }
        ["holders", name] => show(server(name).status().map(|status| status.holders.len())),
        ["references", name] => show(server(name).status().map(|status| {
            let held = status.holders.iter().flat_map(|holder| &holder.references);
            held.map(|(_, references)| references).sum::<u64>()
        })),
        ["resident", name] => show(
            server(name)
                .status()
                .map(|status| holders::resident(status.pid)),
        ),
        ["boxes"] => show(objects::boxes()),
        ["serve"] | ["without-init-serve"] => show(ZOO.listen()),
        ["serve", name] => show(server(name).listen()),
        ["serve-twice"] => show(ZOO.listen().and_then(|()| ZOO.listen())),
        ["blocked", "start", name] => {
            block_signals();
            show(server(name).start())
        }
        ["start", name] => show(server(name).start()),
        ["stop", name] => show(server(name).stop()),
        ["status", name] => show(
            server(name)
                .status()
                .map(|status| (status.pid, status.calls, status.connections)),
        ),
        ["local"] => show(Ok(ZOO.is_local())),
        ["pid"] | ["without-init", "pid"] => show(pid()),
        ["echo", text] => show(echo(text)),
        ["echo-large", bytes] => {
            show(echo(&"x".repeat(bytes.parse().unwrap())).map(|text| text.len()))
        }
        ["small", bytes] => show(small(&vec![0; bytes.parse().unwrap()])),
        ["slow", file] => show(slow(file.as_ref())),
        ["count"] => show(count()),
        ["failing"] => show(failing_start()),
        ["dying"] => show(dying_start()),
        ["saved", value] => show(save(value)),
        ["saved-there", value] => show(save_there(value)),
        ["twins"] => show(twin()),
        ["doubles"] => show(double()),
        ["brief"] => show(brief()),
        ["quit"] => show(quit()),
        ["few"] => show(few()),
        ["meant", path] => show(meant(path.as_ref())),
        ["cwd"] => show(cwd()),
        ["environment"] => show(environment()),
        ["descriptors"] => show(descriptors()),
        ["running", name] => show(server(name).status().map(|status| status.running)),
        ["bow-out"] => show(bow_out()),
        ["shout"] => show(shout()),
        ["restart", name] => show(server(name).restart()),
        ["sleep", millis] => show(sleep(millis.parse().unwrap())),
        ["folder"] | ["without-init", "folder"] => show(folder_server()),
        ["key", name] => show(server(name).status().map(|status| status.key)),
        ["kept", name] => show(kept(name)),
        ["anywhere", text] => show(anywhere(text)),
        ["printing"] => show(printing()),
        ["print-later", file] => show(print_later(file.as_ref())),
        ["panic-with", text] => show(panics(text).map_err(|_| "it panics".into())),
        ["init-again"] => show(init_again()),
        ["panicking"] => show(panicking()),
        ["ring-1"] => show(ring_1()),
        ["snake"] => show(snake()),
        ["hanging"] => show(hanging_start()),
        ["cling", file] => show(cling(file.as_ref())),
        ["manual"] => show(manual()),
        ["manual-for", file] => show(busy::until(file.as_ref(), manual)),
        ["note", file, id] => show(note(file.as_ref(), id)),
        ["note-again", file, id] => show(note_again(file.as_ref(), id)),
        ["exit"] => show(exit(3)),
        ["exit-unless", file] => show(exit_unless(file.as_ref())),
        ["overflow"] => show(overflow(1)),
        ["unhoard"] => show(unhoard()),
        ["hoard"] => show(hoard()),
        ["nested", threads, all] => show(nesting::at_once(
            threads.parse().unwrap(),
            all.parse().unwrap(),
        )),
        ["child-pid"] => show(nesting::child_pid()),
        ["read", path] => show(read_of_caller(path.as_ref())),
        ["umask"] => show(umask()),
        ["words", ..] => show(caller_words()),
        ["busy", threads, calls, file] => show(busy::run(
            threads.parse().unwrap(),
            calls.parse().unwrap(),
            file.as_ref(),
        )),
        [] => show(pid()),
        _ => panic!("no such word: {words:?}"),
    }
}

fn server(name: &str) -> &'static Server {
    match name {
        "zoo" => &ZOO,
        "small" => &SMALL,
        "few" => &FEW,
        "brief" => &BRIEF,
        "failing" => &FAILING,
        "dying" => &DYING,
        "saving" => &SAVING,
        "hasty" => &HASTY,
        "folders" => &FOLDERS,
        "nowhere" => &NOWHERE,
        "keeping" => &KEEPING,
        "manual" => &MANUAL,
        "clinging" => &CLINGING,
        "hanging" => &HANGING,
        "printing" => &PRINTING,
        "ring-1" => &RING_1,
        "twins" => &TWINS,
        "doubles" => &DOUBLES_1,
        "outer" => &nesting::OUTER,
        "inner" => &nesting::INNER,
        "holding" => &objects::HOLDING,
        "hooked" => &hooks::HOOKED,
        "offering" => &offers::OFFERING,
        "lingering" => &objects::LINGERING,
        _ => panic!("no such server: {name}"),
    }
}

fn show<T: Debug>(ended: Result<T>) -> ExitCode {
    match ended {
        Ok(value) => {
            println!("{value:?}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            println!("{} {} {e}", variant(&e), e.may_have_run());
            ExitCode::FAILURE
        }
    }
}

/// `Lost` of `Lost("…")`.
fn variant(e: &Error) -> String {
    format!("{e:#?}").split('(').next().unwrap().to_owned()
}
