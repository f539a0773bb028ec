//! The samples that there are, by kind and number.
//!
//! The numbers of a kind's samples: first the fixed ones, then what the type's own errors have
//! mentioned ([`Hints`]), then all small values.

use super::hints::{Hints, MOST};
use super::samples::Baseline;

/// Small ones first, since a type may take a number for how much room it needs.
const NUMBERS: [i64; 36] = [
    0, 1, 2, 7, 16, 100, -1, 1024, 8080, 65_535, 10, 3, 255, 128, 200, 404, 50, 5, 12, 24, 30, 60,
    64, 500, 1_000, 2_000, 256, 4, 8, 31, -100, 0x5555, 443, 1_000_000, 127, 32,
];

/// All values of a byte.
const SMALL: usize = 256;

const FLOATS: [f64; 16] = [
    0.0, 1.0, 2.0, 7.0, 16.0, 100.0, 0.5, 0.25, -1.0, -0.5, 1.5, 0.01, 10.0, 1_000.0, 90.0, 1e6,
];

const CHARS: [char; 8] = ['a', '0', 'A', '-', '1', 'é', '中', ' '];

/// As many ASCII characters, from the first one on.
const ASCII: usize = 128;

const LENGTHS: [usize; 12] = [0, 16, 4, 32, 8, 64, 1, 2, 12, 20, 24, 48];

/// Bytes of the longest length.
static FILLED: [[u8; 64]; 4] = [[0; 64], [b'1'; 64], [1; 64], [b'a'; 64]];

/// The most elements that a sequence or a map is given.
pub(super) const MOST_ELEMENTS: usize = 4;

/// All that can be typed, each a text of its own.
static TYPED: &str = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// Texts that types take: numbers, names, addresses, identifiers, times, and frequent words.
const TEXTS: [&str; 92] = [
    "",
    "1",
    "true",
    "a",
    "127.0.0.1",
    "127.0.0.1:1",
    "::1",
    "[::1]:1",
    "127.0.0.0/8",
    "::/8",
    "00000000-0000-0000-0000-000000000000",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00",
    "2000-01-01 00:00:00",
    "2000-01-01T00:00:00+00:00[UTC]",
    "Sat, 01 Jan 2000 00:00:00 GMT",
    "00:00:00",
    "00:00",
    "1s",
    "PT1S",
    "UTC",
    "Mon",
    "Jan",
    "http://a/",
    "/a",
    "a.aa",
    "a@a.aa",
    "a/a",
    "1.0.0",
    "A",
    "en",
    "*",
    "#000000",
    "00:00:00:00:00:00",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000",
    "false",
    "2",
    "b",
    "Tue",
    "Feb",
    "v1",
    "v1.0.0",
    "0.5",
    "en-US",
    "Europe/Vienna",
    "+43123456789",
    "EUR",
    "USD",
    "red",
    "green",
    "blue",
    "black",
    "white",
    "on",
    "off",
    "yes",
    "no",
    "none",
    "all",
    "auto",
    "low",
    "medium",
    "high",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "text",
    "json",
    "read",
    "write",
    "GET",
    "POST",
    "open",
    "closed",
    "active",
    "new",
    "done",
    "north",
    "south",
    "left",
    "right",
    "main",
    "test",
    "small",
    "large",
    "user",
];

/// The number of values that are made of an accepted one.
const NEIGHBOURS: usize = 8;

/// A kind of choice that a type leaves to its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// An integer of eight bits.
    Byte,
    Integer,
    Float,
    Char,
    Text,
    Bytes,
    /// The number of elements, with the largest.
    Length(usize),
}

/// A sample: one with a number, or a value near the one that a type has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    At(usize),
    /// The neighbour of that number, of the sample of that number.
    Near(usize, usize),
}

impl Kind {
    /// The count of numbers that samples have; not all of them are in use.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Bool => 2,
            Self::Byte | Self::Integer => NUMBERS.len() + MOST + SMALL,
            Self::Float => FLOATS.len() + MOST,
            Self::Char => CHARS.len() + ASCII,
            Self::Text => TEXTS.len() + MOST + TYPED.len(),
            Self::Bytes => LENGTHS.len() * FILLED.len(),
            Self::Length(most) => most + 1,
        }
    }

    /// The count of samples that are tried where those of several places are combined.
    pub(super) fn few(self) -> usize {
        match self {
            Self::Byte | Self::Integer | Self::Float => 6,
            Self::Char => 3,
            Self::Text => 38,
            Self::Bytes => LENGTHS.len(),
            Self::Bool | Self::Length(_) => self.count(),
        }
    }

    /// Returns `true` if the sample of that number is in use.
    pub(super) fn has(self, at: usize, hints: &Hints) -> bool {
        let (fixed, hinted) = match self {
            Self::Byte | Self::Integer => (NUMBERS.len(), hints.numbers.len()),
            Self::Float => (FLOATS.len(), hints.numbers.len()),
            Self::Text => (TEXTS.len(), hints.words.len()),
            Self::Bool | Self::Char | Self::Bytes | Self::Length(_) => return true,
        };
        at < fixed + hinted || at >= fixed + MOST
    }

    /// The sample of a round for a place. Where the type has refused the very first one, those come
    /// first that are like the accepted one, and those that stand beside it.
    pub(super) fn of_round(self, round: usize, baseline: Baseline, hints: &Hints) -> Sample {
        let Baseline(accepted) = baseline;
        let is_choosy = accepted > 0 && !matches!(self, Self::Bool | Self::Length(_));
        let near = if is_choosy { 2 * NEIGHBOURS } else { 0 };
        let round = round % (near + self.count());
        let at = match round.checked_sub(near) {
            None if round.is_multiple_of(2) => return Sample::Near(round / 2, accepted),
            None if round % 4 == 1 => accepted + 1 + round / 4,
            None => accepted.saturating_sub(1 + round / 4),
            Some(at) => at,
        };
        if at < self.count() && self.has(at, hints) {
            Sample::At(at)
        } else {
            Sample::At(at % self.few().min(6))
        }
    }
}

/// An integer. Its magnitude is bounded, since a type may reserve that much memory.
pub(super) fn integer(sample: Sample, hints: &Hints) -> i64 {
    match sample {
        Sample::Near(way, at) => {
            let number = integer(Sample::At(at), hints);
            let near = [1, -1, 2, 10, -2, 3, 100, number];
            number.saturating_add(near[way % near.len()])
        }
        Sample::At(at) => match at.checked_sub(NUMBERS.len()) {
            None => NUMBERS[at],
            Some(at) if at < MOST => hints.numbers.get(at).map_or(0, |number| *number as i64),
            Some(at) => (at - MOST) as i64,
        },
    }
}

pub(super) fn float(sample: Sample, hints: &Hints) -> f64 {
    match sample {
        Sample::Near(way, at) => {
            let number = float(Sample::At(at), hints);
            let near = [
                number / 2.0,
                1.0,
                -1.0,
                0.125,
                -0.125,
                number,
                10.0,
                -number,
            ];
            number + near[way % near.len()]
        }
        Sample::At(at) => match at.checked_sub(FLOATS.len()) {
            None => FLOATS[at],
            Some(at) => hints.numbers.get(at).copied().unwrap_or_default(),
        },
    }
}

pub(super) fn char(sample: Sample) -> char {
    let near = |way: usize, at| {
        u8::try_from(char(Sample::At(at))).map_or('b', |byte| (byte ^ (1 << (way % 7))).into())
    };
    match sample {
        Sample::Near(way, at) => near(way, at),
        Sample::At(at) => match at.checked_sub(CHARS.len()) {
            None => CHARS[at],
            Some(at) => (at as u8).into(),
        },
    }
}

/// Bytes of a length, filled in one of several ways.
pub(super) fn bytes(sample: Sample) -> &'static [u8] {
    let (length, fill) = match sample {
        Sample::At(at) => (at % LENGTHS.len(), at / LENGTHS.len()),
        Sample::Near(way, at) => (at % LENGTHS.len(), at / LENGTHS.len() + 1 + way),
    };
    &FILLED[fill % FILLED.len()][..LENGTHS[length]]
}

/// A text: a fixed one can be borrowed for as long as a type likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    Fixed(&'static str),
    Made(String),
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Made(text) => text,
        }
    }
}

pub(super) fn text(sample: Sample, hints: &Hints) -> Text {
    match sample {
        Sample::Near(way, at) => Text::Made(neighbour(text(Sample::At(at), hints).as_str(), way)),
        Sample::At(at) => match at.checked_sub(TEXTS.len()) {
            None => Text::Fixed(TEXTS[at]),
            Some(at) if at < MOST => Text::Made(hints.words.get(at).cloned().unwrap_or_default()),
            Some(at) => Text::Fixed(&TYPED[at - MOST..=at - MOST]),
        },
    }
}

/// A text that is like another one, which a type that has accepted that may accept too.
fn neighbour(text: &str, way: usize) -> String {
    let last_digit = text.rfind(|c: char| c.is_ascii_digit());
    let first_digit = text.find(|c: char| c.is_ascii_digit());
    let last_letter = text.rfind(|c: char| c.is_ascii_alphabetic());
    let replace = |at: Option<usize>, by: fn(u8) -> u8| {
        let mut text = text.to_owned();
        if let Some(at) = at {
            let new = char::from(by(text.as_bytes()[at]));
            text.replace_range(at..=at, new.encode_utf8(&mut [0; 4]));
        }
        text
    };
    match way {
        0 => replace(last_digit, |digit| b'0' + (digit - b'0' + 1) % 10),
        1 => replace(last_letter, |letter| {
            if letter.eq_ignore_ascii_case(&b'z') {
                letter - 1
            } else {
                letter + 1
            }
        }),
        2 => format!("{text}1"),
        3 => format!("{text}a"),
        4 => replace(first_digit, |digit| b'0' + (digit - b'0' + 1) % 10),
        5 => replace(last_digit, |digit| b'0' + (digit - b'0' + 2) % 10),
        6 => format!("a{text}"),
        _ if text.contains(|c: char| c.is_ascii_lowercase()) => text.to_ascii_uppercase(),
        _ => text.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_sample_leads_to_one() {
        let mut hints = Hints::default();
        for error in ["", "one of `x`, 9e300 and -9e300"] {
            hints.read(error);
            let kinds = [
                Kind::Bool,
                Kind::Byte,
                Kind::Integer,
                Kind::Float,
                Kind::Char,
                Kind::Text,
                Kind::Bytes,
                Kind::Length(1),
                Kind::Length(MOST_ELEMENTS),
            ];
            for kind in kinds {
                for baseline in (0..kind.count()).filter(|at| kind.has(*at, &hints)) {
                    for round in 0..kind.count() + 2 * NEIGHBOURS {
                        let sample = kind.of_round(round, Baseline(baseline), &hints);
                        match kind {
                            Kind::Byte | Kind::Integer => drop(integer(sample, &hints)),
                            Kind::Float => drop(float(sample, &hints)),
                            Kind::Char => drop(char(sample)),
                            Kind::Text => drop(text(sample, &hints)),
                            Kind::Bytes => drop(bytes(sample)),
                            Kind::Bool | Kind::Length(_) => {
                                assert!(matches!(sample, Sample::At(at) if at < kind.count()));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_number_asks_for_much_memory() {
        let largest =
            (0..Kind::Integer.count()).map(|at| integer(Sample::At(at), &Hints::default()));
        assert_eq!(largest.max(), Some(1_000_000));
    }

    #[test]
    fn neighbours_differ_from_what_they_are_made_of() {
        for text in ["1.0.0", "127.0.0.1", "red", "v", "ÄÖ", ""] {
            let others = (0..NEIGHBOURS)
                .filter(|way| neighbour(text, *way) != text)
                .count();
            assert!(others >= 3, "{text}");
        }
        assert_eq!(neighbour("1.0.0", 0), "1.0.1");
        assert_eq!(neighbour("Zaz9", 1), "Zay9");
    }
}
