//! Clients that live on, while their server comes and goes.

use std::path::Path;
use std::thread;

use remotex::{Error, Result};

use super::fates::{note, note_again};

/// Calls in so many threads so often each, and returns how many calls ended with an answer, and how
/// many as `Lost`. Every run is written down in `file` with the name of its call; those that were
/// answered are in a file beside it.
pub(crate) fn run(threads: usize, calls: usize, file: &Path) -> Result<(usize, usize)> {
    let threads: Vec<_> = (0..threads)
        .map(|thread| {
            let file = file.to_owned();
            thread::spawn(move || one(thread, calls, &file))
        })
        .collect();
    let mut ended = (0, 0);
    for thread in threads {
        let (answered, lost) = thread.join().unwrap()?;
        ended = (ended.0 + answered, ended.1 + lost);
    }
    Ok(ended)
}

fn one(thread: usize, calls: usize, file: &Path) -> Result<(usize, usize)> {
    let (mut answered, mut lost) = (Vec::new(), 0);
    for call in 0..calls {
        let id = format!("{thread}-{call}");
        match note(file, &id) {
            Ok(()) => answered.push(id.clone()),
            Err(Error::Lost(_)) => lost += 1,
            Err(e) => return Err(e),
        }
        // One that may run again always ends with an answer.
        if call % 16 == 0 {
            note_again(&file.with_extension("again"), &id)?;
        }
    }
    let list = file.with_extension(format!("answered-{thread}"));
    std::fs::write(list, answered.join("\n"))?;
    Ok((answered.len(), lost))
}

/// Calls `function` again and again until `file` is there, and returns how many different answers
/// there were.
pub(crate) fn until<T: PartialEq>(file: &Path, function: fn() -> Result<T>) -> Result<usize> {
    let mut answers = Vec::new();
    while !file.exists() {
        let answer = match function() {
            // Its server was killed under it.
            Err(Error::Lost(_)) => continue,
            ended => ended?,
        };
        if answers.last() != Some(&answer) {
            answers.push(answer);
            std::fs::write(file.with_extension(answers.len().to_string()), "")?;
        }
    }
    Ok(answers.len())
}
