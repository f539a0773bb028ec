//! Figures as Prometheus reads them (its text format, version 0.0.4).

use std::fmt::{self, Write};

use super::super::Site;
use crate::figures::{Reading, bounds};
use crate::wire::report::Report;

pub(super) const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All that there is to count and to measure.
pub(super) fn text(site: &dyn Site, report: &Report) -> String {
    let mut text = String::new();
    // A text takes all that is written into it.
    let _ = write(&mut text, site, report);
    text
}

fn write(text: &mut String, site: &dyn Site, report: &Report) -> fmt::Result {
    for (name, help, value) in [
        (
            "remotex_connections",
            "Connections that are open.",
            report.connections,
        ),
        (
            "remotex_in_flight",
            "Calls that are running.",
            report.running,
        ),
    ] {
        head(text, name, "gauge", help)?;
        writeln!(text, "{name} {value}")?;
    }
    let readings: Vec<_> = site
        .figures()
        .map(|figures| figures.read().collect())
        .unwrap_or_default();
    counter(
        text,
        &readings,
        "remotex_calls_total",
        "Calls that have ended.",
        |it| it.calls,
    )?;
    counter(
        text,
        &readings,
        "remotex_errors_total",
        "Calls that have failed.",
        |it| it.errors,
    )?;
    let name = "remotex_call_seconds";
    head(text, name, "histogram", "How long calls took.")?;
    for (function, reading) in &readings {
        let function = Label(function);
        for (within, bound) in reading.within.iter().zip(bounds()) {
            let bound = bound.as_secs_f64();
            writeln!(
                text,
                "{name}_bucket{{function=\"{function}\",le=\"{bound}\"}} {within}"
            )?;
        }
        let Reading { calls, total, .. } = reading;
        writeln!(
            text,
            "{name}_bucket{{function=\"{function}\",le=\"+Inf\"}} {calls}"
        )?;
        writeln!(
            text,
            "{name}_sum{{function=\"{function}\"}} {}",
            total.as_secs_f64()
        )?;
        writeln!(text, "{name}_count{{function=\"{function}\"}} {calls}")?;
    }
    Ok(())
}

fn counter(
    text: &mut String,
    readings: &[(&str, Reading)],
    name: &str,
    help: &str,
    value: fn(&Reading) -> u64,
) -> fmt::Result {
    head(text, name, "counter", help)?;
    readings.iter().try_for_each(|(function, reading)| {
        writeln!(
            text,
            "{name}{{function=\"{}\"}} {}",
            Label(function),
            value(reading)
        )
    })
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// A text between quotes.
struct Label<'a>(&'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' | '"' => write!(f, "\\{c}"),
            '\n' => f.write_str("\\n"),
            c => f.write_char(c),
        })
    }
}
