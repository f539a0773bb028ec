//! The part of a log that an error quotes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The most bytes of a log that are looked at.
const LOOKED_AT: u64 = 64 * 1024;

/// The most bytes that are quoted.
const QUOTED: usize = 1000;

/// The mark of a part that is left out.
const LEFT_OUT: &str = "…";

/// Says, as the end of a sentence, the part that tells most of all that was written to the log at
/// `path` after its first `before` bytes.
pub(in crate::daemon) fn quote(path: &Path, before: u64) -> String {
    let written = written(path, before).unwrap_or_default();
    match &*excerpt(&String::from_utf8_lossy(&written)) {
        "" => format!("; its log `{}` says nothing", path.display()),
        words => format!("; its log says: {words}{}", remedy(words)),
    }
}

/// Says, as the end of a sentence, what to do about words of the system's own.
fn remedy(words: &str) -> &'static str {
    match words.contains("cannot open shared object file") {
        true => "; if its starter finds that library by a variable, name that in `.keep_env`",
        false => "",
    }
}

fn written(path: &Path, before: u64) -> io::Result<Vec<u8>> {
    let log = File::open(path)?;
    let length = log.metadata()?.len();
    let start = before.max(length.saturating_sub(LOOKED_AT));
    let most = length.saturating_sub(start).min(LOOKED_AT);
    let mut written = vec![0; usize::try_from(most).unwrap_or_default()];
    let read = log.read_at(&mut written, start)?;
    written.truncate(read);
    Ok(written)
}

/// Returns the first panic with its message and without its backtrace, or else the end.
fn excerpt(text: &str) -> String {
    let text = text.trim();
    let Some(panic) = panic(text) else {
        return end(text);
    };
    let backtrace = panic.find("\nstack backtrace:");
    let advice = panic.find("\nnote: run with `RUST_BACKTRACE");
    let until = [backtrace, advice].into_iter().flatten().min();
    beginning(panic[..until.unwrap_or(panic.len())].trim())
}

/// Returns the text from the line on in which a panic is reported.
fn panic(text: &str) -> Option<&str> {
    let mut lines = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    lines
        .find(|(_, line)| line.starts_with("thread ") && line.contains(" panicked at "))
        .map(|(start, _)| &text[start..])
}

fn beginning(text: &str) -> String {
    if text.len() <= QUOTED {
        return text.to_owned();
    }
    let cut = &text[..text.floor_char_boundary(QUOTED)];
    let until = cut.rfind(char::is_whitespace).unwrap_or(cut.len());
    format!("{}{LEFT_OUT}", cut[..until].trim_end())
}

fn end(text: &str) -> String {
    if text.len() <= QUOTED {
        return text.to_owned();
    }
    let cut = &text[text.ceil_char_boundary(text.len() - QUOTED)..];
    // A whole line, unless it is the only one.
    let line = cut.find('\n').map(|at| at + 1).filter(|&at| at < cut.len());
    let from = line.or_else(|| cut.find(char::is_whitespace)).unwrap_or(0);
    format!("{LEFT_OUT}{}", cut[from..].trim_start())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PANIC: &str = "thread 'main' (12) panicked at src/main.rs:3:5:\nno such shelf";

    #[test]
    fn a_panic_is_quoted_without_what_surrounds_it() {
        let frames = "   0: a_function\n".repeat(500);
        let text = format!("begins\n{PANIC}\nstack backtrace:\n{frames}note: Some details\n");
        assert_eq!(excerpt(&text), PANIC);
        let advice =
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        assert_eq!(excerpt(&format!("{PANIC}\n{advice}\n")), PANIC);
    }

    #[test]
    fn a_library_that_is_not_found_has_a_remedy() {
        let loader =
            "app: error while loading shared libraries: libx.so.1: cannot open shared object file";
        assert!(remedy(loader).ends_with("name that in `.keep_env`"));
        assert_eq!(remedy(PANIC), "");
    }

    #[test]
    fn a_short_text_is_quoted_whole_and_a_long_one_from_a_line_on() {
        assert_eq!(excerpt(" one\ntwo\n"), "one\ntwo");
        assert_eq!(excerpt(""), "");
        let long = "a line of a log\n".repeat(100);
        let quoted = excerpt(&long);
        assert!(quoted.starts_with("…a line of a log\n"), "{quoted}");
        assert!(quoted.ends_with("a line of a log"), "{quoted}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_quote_has_an_end_and_is_a_part_of_the_text(text in "(\\PC|\n| ){0,2000}") {
            let quoted = excerpt(&text);
            prop_assert!(quoted.len() <= QUOTED + LEFT_OUT.len());
            prop_assert!(text.contains(quoted.trim_matches('…').trim()));
        }
    }
}
