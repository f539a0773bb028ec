//! `remotex doctor`: what is wrong with a server.

use std::process::ExitCode;

use remotex::discovery::{self, Check, Verdict};
use serde_json::{Value, json};

use crate::args::Whole;
use crate::failure::Failure;
use crate::output::{self, BAD, GOOD, NAME, say};

pub(crate) fn run(Whole { server, format }: &Whole) -> Result<ExitCode, Failure> {
    let checks = discovery::examine(&server.name, server.key.as_deref());
    let wrong = checks.iter().find(|check| check.verdict == Verdict::Wrong);
    let fix = wrong.and_then(|check| check.fix.as_deref());
    if format.json {
        let checks: Vec<_> = checks.iter().map(in_json).collect();
        output::say_json(&json!({ "server": server.name, "checks": checks, "fix": fix }))?;
    } else {
        checks.iter().try_for_each(line)?;
        match (fix, wrong) {
            (Some(fix), _) => say(format_args!("\nTo mend it:\n    {NAME}{fix}{NAME:#}"))?,
            (None, Some(_)) => say("\nNo command mends that.")?,
            (None, None) => say("\nNothing is wrong.")?,
        }
    }
    Ok(match wrong {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
    })
}

fn line(check: &Check) -> Result<(), Failure> {
    let (style, mark) = match check.verdict {
        Verdict::Wrong => (BAD, "wrong"),
        _ => (GOOD, "fine"),
    };
    say(format_args!(
        "{style}{mark:<5}{style:#}  {:<9}  {}",
        check.what, check.found
    ))
}

fn in_json(check: &Check) -> Value {
    json!({ "what": check.what, "is_fine": check.verdict == Verdict::Fine, "found": check.found })
}
