//! Prints a server's log, and goes on with what comes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Ended, Logs, say};
use crate::{Error, Server};

/// How often it is looked whether there is more.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn print(server: &'static Server, logs: &Logs) -> Result<(), Ended> {
    let Some(path) = server.log()? else {
        return Err(Ended::Failed(Error::failed(format!(
            "server `{}` has no log: it was started by hand, and its output is there",
            server.name()
        ))));
    };
    let mut log = open(&path)?;
    match logs.lines {
        None => lines(&mut log, &mut |line| show(logs, line))?,
        Some(most) => {
            let mut last = VecDeque::new();
            lines(&mut log, &mut |line| {
                last.push_back(line.to_owned());
                if last.len() > most {
                    last.pop_front();
                }
                Ok(())
            })?;
            last.iter().try_for_each(|line| show(logs, line))?;
        }
    }
    if !logs.follow {
        return Ok(());
    }
    loop {
        thread::sleep(PAUSE);
        lines(&mut log, &mut |line| show(logs, line))?;
        // One that has become large is renamed, and another takes its place.
        if is_replaced(&path, log.get_ref()) {
            lines(&mut log, &mut |line| show(logs, line))?;
            log = open(&path)?;
        }
    }
}

fn show(logs: &Logs, line: &str) -> Result<(), Ended> {
    if logs.json {
        say(&Value::String(line.into()))
    } else {
        say(&line)
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Error> {
    let log = File::open(path);
    let log = log
        .map_err(|e| Error::failed(format!("the log `{}` cannot be read: {e}", path.display())))?;
    Ok(BufReader::new(log))
}

/// Takes the lines that are there by now. What has no end yet is taken as it is.
fn lines(
    log: &mut BufReader<File>,
    take: &mut dyn FnMut(&str) -> Result<(), Ended>,
) -> Result<(), Ended> {
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        take(text.strip_suffix('\n').unwrap_or(&text))?;
        line.clear();
    }
    Ok(())
}

fn is_replaced(path: &Path, log: &File) -> bool {
    let there = path.metadata().map(|file| (file.dev(), file.ino()));
    let ours = log.metadata().map(|file| (file.dev(), file.ino()));
    matches!((there, ours), (Ok(there), Ok(ours)) if there != ours)
}
