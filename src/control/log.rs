//! Prints a server's log, and goes on with what comes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Ended, Logs, say, say_json};
use crate::{Error, Server, terminal};

/// How often it is looked whether there is more.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn print(server: &'static Server, logs: &Logs) -> Result<(), Ended> {
    let path = server.log()?;
    let mut log = Reader::open(&path)?;
    match logs.lines {
        None => log.lines(&mut |line| show(logs, line))?,
        Some(most) => {
            let mut last = VecDeque::new();
            let mut take = |line: &str| {
                last.push_back(line.to_owned());
                if last.len() > most {
                    last.pop_front();
                }
                Ok(())
            };
            log.lines(&mut take)?;
            if !logs.follow {
                log.rest(&mut take)?;
            }
            last.iter().try_for_each(|line| show(logs, line))?;
        }
    }
    let mut show = |line: &str| show(logs, line);
    if !logs.follow {
        return log.rest(&mut show);
    }
    // Without a reader, as behind `head`, there is nothing to go on for, whether or not more comes.
    while remote_runtime::has_reader() {
        thread::sleep(PAUSE);
        log.lines(&mut show)?;
        // One that has become large is renamed, and another takes its place.
        if is_replaced(&path, log.file.get_ref()) {
            log.lines(&mut show)?;
            log.rest(&mut show)?;
            log = Reader::open(&path)?;
        }
    }
    Ok(())
}

fn show(logs: &Logs, line: &str) -> Result<(), Ended> {
    if logs.json {
        say_json(&Value::String(line.into()))
    } else if io::stdout().is_terminal() {
        say(&terminal::escaped(line))
    } else {
        say(&line)
    }
}

/// A log, read line by line.
struct Reader {
    file: BufReader<File>,
    /// The beginning of a line whose end is not there yet.
    begun: Vec<u8>,
}

type Take<'a> = dyn FnMut(&str) -> Result<(), Ended> + 'a;

impl Reader {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| {
            Error::failed(format!("the log `{}` cannot be read: {e}", path.display()))
        })?;
        Ok(Self {
            file: BufReader::new(file),
            begun: Vec::new(),
        })
    }

    /// Takes the lines that are there by now.
    fn lines(&mut self, take: &mut Take<'_>) -> Result<(), Ended> {
        // One that somebody has emptied begins anew.
        if self.file.get_ref().metadata()?.len() < self.file.stream_position()? {
            self.rest(take)?;
            self.file.rewind()?;
        }
        while self.file.read_until(b'\n', &mut self.begun)? > 0 {
            if self.begun.ends_with(b"\n") {
                self.rest(take)?;
            }
        }
        Ok(())
    }

    /// Takes what has no end yet as a line.
    fn rest(&mut self, take: &mut Take<'_>) -> Result<(), Ended> {
        if self.begun.is_empty() {
            return Ok(());
        }
        let line = std::mem::take(&mut self.begun);
        let text = String::from_utf8_lossy(&line);
        take(text.strip_suffix('\n').unwrap_or(&text))
    }
}

fn is_replaced(path: &Path, log: &File) -> bool {
    let there = path.metadata().map(|file| (file.dev(), file.ino()));
    let ours = log.metadata().map(|file| (file.dev(), file.ino()));
    matches!((there, ours), (Ok(there), Ok(ours)) if there != ours)
}
