//! Bash, which takes words apart at `:` and `=`, both of which our names have, and shows no docs by itself.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::engine::{self, CompletionCandidate};
use clap_complete::env::EnvCompleter;

use super::filled;

/// The line is handed over as it was typed, up to the cursor.
const SCRIPT: &str = r#"_remotex() {
    local IFS=$'\n'
    COMPREPLY=( $(VARIABLE=bash COMP_TYPE="$COMP_TYPE" COMPLETER -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null) )
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace
    fi
}
complete -o nosort -F _remotex BIN 2>/dev/null || complete -F _remotex BIN
"#;

/// What bash says when it only lists what is possible, after a second Tab.
const LISTS: &str = "63";

pub(super) struct Bash;

/// Stands at the cursor while a line is taken apart, so that the word there is known by it.
const CURSOR: char = '\u{1}';

/// The words of a line, of which the last one is unfinished, or empty.
pub(super) fn words(asked: &Vec<OsString>) -> Vec<OsString> {
    let [line] = &**asked else {
        return asked.clone();
    };
    let (mut words, _) = split(&line.to_string_lossy());
    match words.last_mut() {
        Some(last) if last.ends_with(CURSOR) => drop(last.pop()),
        _ => words.push(String::new()),
    }
    words.into_iter().map(OsString::from).collect()
}

/// The words of a line, with the cursor, and whether that is in quotes.
fn split(line: &str) -> (Vec<String>, bool) {
    let mut ends = ["", "'", "\""].into_iter();
    let split = ends.find_map(|end| {
        let words = shlex::split(&format!("{line}{CURSOR}{end}"))?;
        Some((words, !end.is_empty()))
    });
    split.unwrap_or_default()
}

/// A value as bash takes it outside of quotes.
fn escaped(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-/:=@%+,".contains(c);
    let each = value.chars().map(|c| match is_plain(c) {
        true => c.to_string(),
        false => format!("\\{c}"),
    });
    each.collect()
}

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        variable: &str,
        _: &str,
        bin: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(filled(SCRIPT, variable, bin, completer)?.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        asked: Vec<OsString>,
        directory: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let is_quoted = asked
            .first()
            .is_some_and(|line| split(&line.to_string_lossy()).1);
        let words = words(&asked);
        let last = words
            .last()
            .map(|word| word.to_string_lossy().into_owned())
            .unwrap_or_default();
        let at = words.len() - 1;
        let mut candidates = engine::complete(command, words, at, directory)?;
        candidates.retain(|candidate| candidate.get_value() != "--");
        // Options are shown to those who ask for them.
        let is_option = |candidate: &CompletionCandidate| {
            candidate.get_value().as_encoded_bytes().starts_with(b"-")
        };
        if !last.starts_with('-') {
            candidates.retain(|candidate| !is_option(candidate));
        }
        // What bash takes for the word is what follows the last of these.
        let done = last.rfind([':', '=']).map_or(0, |at| at + 1);
        let lists = env::var("COMP_TYPE").is_ok_and(|kind| kind == LISTS) && candidates.len() > 1;
        let values: Vec<_> = candidates
            .iter()
            .map(|it| it.get_value().to_string_lossy())
            .collect();
        let width = values.iter().map(|value| value.len()).max().unwrap_or(0);
        for (candidate, value) in candidates.iter().zip(&values) {
            // A word that is begun with a quote is left to it.
            let value = value.get(done..).unwrap_or(value);
            let plain = value.ends_with('=') || lists;
            let quoted = shlex::try_quote(value).ok().filter(|_| !plain);
            let value = quoted.as_deref().unwrap_or(value);
            match candidate.get_help().filter(|_| lists) {
                Some(help) => writeln!(out, "{value:<width$}  ({help})")?,
                None if lists || is_quoted => writeln!(out, "{value}")?,
                None => writeln!(out, "{}", escaped(value))?,
            }
        }
        Ok(())
    }
}
