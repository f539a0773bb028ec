//! Printing, for people on a terminal and plain in a pipe; and files for their user alone.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use remotex::terminal;
use serde_json::Value;

use crate::failure::Failure;

/// What heads a column, or stands before a value.
pub(crate) const LABEL: Style = AnsiColor::BrightBlack.on_default();
/// A name.
pub(crate) const NAME: Style = Style::new().bold();
/// What is as it must be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// Whether people read it.
pub(crate) fn is_for_people() -> bool {
    io::stdout().is_terminal()
}

/// A line to stdout, without its colours where they are not wanted.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if is_for_people() {
        let line = line.to_string();
        // The colours are ours, or do no harm.
        return Ok(writeln!(out, "{}", terminal::escaped_but_colours(&line))?);
    }
    Ok(writeln!(out, "{line}")?)
}

/// A value as JSON: on lines of its own for people, on one line for programs.
pub(crate) fn say_json(value: &Value) -> Result<(), Failure> {
    // As it is: what takes out colours would take out of texts what is not printed.
    let mut out = io::stdout().lock();
    if is_for_people() {
        let text = format!("{value:#}");
        Ok(writeln!(out, "{}", terminal::escaped_json(&text))?)
    } else {
        Ok(writeln!(out, "{value}")?)
    }
}

/// Rows in columns: for people with a head and filled up with blanks; for programs with tabs between.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    // A row is a line, and a cell what is between tabs, whatever paths have in them.
    let one_line = |cell: &String| {
        let escaped = cell.chars().map(|c| match c {
            '\n' | '\t' | '\r' => c.escape_default().to_string(),
            c => c.to_string(),
        });
        escaped.collect::<String>()
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(one_line).collect())
        .collect();
    if !is_for_people() {
        return rows.iter().try_for_each(|row| say(row.join("\t")));
    }
    let width = |column: usize, head: &str| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = head
        .iter()
        .enumerate()
        .map(|(column, head)| width(column, head))
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let filled = cells
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        filled.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    say(format_args!(
        "{LABEL}{}{LABEL:#}",
        line(&mut head.iter().copied())
    ))?;
    rows.iter()
        .try_for_each(|row| say(line(&mut row.iter().map(String::as_str))))
}

/// Writes a new file that only its user can read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
