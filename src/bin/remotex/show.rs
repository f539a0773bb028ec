//! `remotex show`: what a server offers.

use std::fmt::Write;

use remotex::interface::Described;
use remotex::{Function, Interface, discovery};
use serde_json::{Value, json};

use crate::args::Show;
use crate::failure::Failure;
use crate::output::{self, LABEL, NAME, say};

pub(crate) fn run(show: &Show) -> Result<(), Failure> {
    let server = discovery::server(&show.server.name, show.server.key.as_deref())?;
    let interface = server.interface()?;
    if let Some(name) = &show.function {
        let function = interface.function(name)?;
        return if show.format.json {
            output::say_json(&in_json(function))
        } else {
            say_signature(function)?;
            say_docs(function)?;
            say_details(function)
        };
    }
    if show.format.json {
        return output::say_json(&all_in_json(&interface));
    }
    for (at, function) in interface.functions.iter().enumerate() {
        if at > 0 {
            say("")?;
        }
        say_signature(function)?;
        say_docs(function)?;
    }
    Ok(())
}

/// What was wanted of who has called it wrongly: the signature, and the first line of the docs.
pub(crate) fn usage(function: &Function) -> String {
    let first = function.docs.lines().next().unwrap_or_default();
    let signature = signature(&function.name, function);
    format!("{signature}\n    {first}").trim_end().to_owned()
}

/// As it was written.
fn signature(name: &str, function: &Function) -> String {
    let arguments = function
        .arguments
        .iter()
        .map(|(name, ty)| match ty.as_str() {
            "" => name.clone(),
            ty => format!("{name}: {ty}"),
        });
    let output = &function.output;
    let arguments = arguments.collect::<Vec<_>>().join(", ");
    format!("{name}({arguments}) -> {output}")
}

fn say_signature(function: &Function) -> Result<(), Failure> {
    let name = format!("{NAME}{}{NAME:#}", function.name);
    say(signature(&name, function))
}

fn say_docs(function: &Function) -> Result<(), Failure> {
    let mut lines = function.docs.lines();
    lines.try_for_each(|line| match line {
        "" => say(""),
        line => say(format_args!("    {line}")),
    })
}

/// What its arguments and its answer are, in words, and where it was written.
fn say_details(function: &Function) -> Result<(), Failure> {
    say("")?;
    let words = function.in_words();
    let names = function.arguments.iter().map(|(name, _)| &**name);
    let mut rows: Vec<(&str, String)> = match words {
        Some(words) => {
            let ends = [("answer", words.answer), ("error", words.error)];
            let ends = ends
                .into_iter()
                .filter_map(|(what, words)| Some((what, words?)));
            let all = names.zip(words.arguments).chain(ends);
            all.map(|(what, it)| (what, it.json)).collect()
        }
        None => vec![(
            "types",
            "not all shown by serde; their values are as in serde's JSON".into(),
        )],
    };
    let mut place = format!(
        "{}:{}, in `{}`",
        function.file, function.line, function.package
    );
    if function.idempotent {
        let _ = write!(place, "; may run again");
    }
    if function.or_local {
        let _ = write!(place, "; runs without a server too");
    }
    rows.push(("from", place));
    let width = rows.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    let mut rows = rows.iter();
    rows.try_for_each(|(what, words)| {
        say(format_args!("    {LABEL}{what:<width$}{LABEL:#}  {words}"))
    })
}

fn all_in_json(interface: &Interface) -> Value {
    json!({
        "server": interface.server,
        "key": interface.key,
        "program": interface.program.to_string_lossy(),
        "functions": interface.functions.iter().map(in_json).collect::<Vec<_>>(),
    })
}

fn in_json(function: &Function) -> Value {
    let words = function.in_words();
    let described = |it: &Described| json!({ "words": it.words, "json": it.json });
    let expects: Vec<_> = words
        .iter()
        .flat_map(|words| words.arguments.iter().map(described))
        .collect();
    let arguments = function.arguments.iter().enumerate();
    let arguments = arguments
        .map(|(at, (name, ty))| json!({ "name": name, "type": ty, "expects": expects.get(at) }));
    let fingerprint = function.fingerprint.map(|it| {
        it.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    json!({
        "name": function.name,
        "docs": function.docs,
        "arguments": arguments.collect::<Vec<_>>(),
        "output": function.output,
        "answer": words.as_ref().and_then(|words| words.answer.as_ref().map(described)),
        "error": words.as_ref().and_then(|words| words.error.as_ref().map(described)),
        "package": function.package,
        "file": function.file,
        "line": function.line,
        "idempotent": function.idempotent,
        "or_local": function.or_local,
        "fingerprint": fingerprint,
    })
}
