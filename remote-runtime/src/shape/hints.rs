//! Samples that a type asks for itself: the numbers and words of its own error.
//!
//! A type that refuses a sample often says which ones it takes: ``invalid value: 0, expected one of:
//! 200, 404``, ``must begin with `v` ``. So the text of the error is kept, as far as it is short, and
//! taken apart.

use std::cell::RefCell;
use std::fmt::{self, Write};

/// The bytes of errors that are kept.
const LONGEST: usize = 1024;

/// The samples of each kind that one type may ask for.
pub(super) const MOST: usize = 48;

/// The length of the longest word, in bytes.
const LONGEST_WORD: usize = 64;

thread_local! {
    /// The text of the errors since the pass began, if a tracer of this thread listens. An error is
    /// made without access to the deserializer that it is for.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Starts to keep the text of errors.
pub(super) fn listen() {
    SAID.set(Some(String::new()));
}

/// Stops, and returns the text that was kept.
pub(super) fn heard() -> String {
    SAID.take().unwrap_or_default()
}

/// Keeps the text of an error, as far as there is room.
pub(super) fn say(error: &dyn fmt::Display) {
    // An error that is displayed by making another one says the rest itself.
    let Some(mut said) = SAID.take() else {
        return;
    };
    // It ends with an error where the room ends.
    let _ = write!(Bounded(&mut said), "{error} ");
    SAID.set(Some(said));
}

struct Bounded<'s>(&'s mut String);

impl Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// The values that the errors of a type have mentioned, each once.
#[derive(Debug, Default)]
pub(super) struct Hints {
    pub(super) numbers: Vec<f64>,
    pub(super) words: Vec<String>,
}

impl Hints {
    /// Adds the numbers, their neighbours, and the words of an error.
    pub(super) fn read(&mut self, error: &str) {
        for quoted in quoted(error) {
            self.word(quoted);
        }
        let is_part = |c: char| c.is_alphanumeric() || "_-.:/+#@".contains(c);
        for word in error.split(|c| !is_part(c)) {
            let word = word.trim_end_matches(['.', ':']);
            for part in word.split("..").map(|part| part.trim_start_matches('=')) {
                if let Ok(number) = part.parse::<f64>() {
                    self.number(number);
                }
            }
            self.word(word);
        }
    }

    fn number(&mut self, number: f64) {
        let known = |at: f64, all: &[f64]| all.iter().any(|n| n.to_bits() == at.to_bits());
        for near in [number, number + 1.0, number - 1.0] {
            if near.is_finite() && self.numbers.len() < MOST && !known(near, &self.numbers) {
                self.numbers.push(near);
            }
        }
    }

    fn word(&mut self, word: &str) {
        let is_new = !self.words.iter().any(|known| known == word);
        if is_new && (1..=LONGEST_WORD).contains(&word.len()) && self.words.len() < MOST {
            self.words.push(word.to_owned());
        }
    }
}

/// The texts in quotation marks.
fn quoted(error: &str) -> impl Iterator<Item = &str> {
    ['`', '"', '\'']
        .into_iter()
        .flat_map(|mark| error.split(mark).skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(error: &str) -> Hints {
        let mut hints = Hints::default();
        hints.read(error);
        hints
    }

    #[test]
    fn an_error_says_which_values_there_are() {
        let hints = read("invalid value: 0, expected one of: 200, 404");
        for number in [200.0, 404.0, 405.0] {
            assert!(hints.numbers.contains(&number), "{hints:?}");
        }
        assert!(read("must be in 1024..=65535").numbers.contains(&1024.0));
        assert!(read("more than -0.5.").numbers.contains(&-0.5));
        let hints = read("unknown variant `x`, expected `light red` or 'green', \"v\", not blue.");
        for word in ["light red", "green", "v", "blue"] {
            assert!(hints.words.iter().any(|known| known == word), "{hints:?}");
        }
    }

    #[test]
    fn what_is_kept_of_errors_is_bounded() {
        let long = "1234 ".repeat(4_000) + &"x".repeat(5_000);
        say(&long);
        assert_eq!(heard(), "", "nobody listens");
        listen();
        say(&"é".repeat(LONGEST));
        say(&long);
        assert_eq!(heard().len(), LONGEST);
        assert_eq!(heard(), "");
        let many: Vec<String> = (0..500).map(|n| n.to_string()).collect();
        let hints = read(&many.join(", "));
        assert!(hints.numbers.len() == MOST && hints.words.len() == MOST);
    }
}
