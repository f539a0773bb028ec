//! Text of others on a terminal, which would obey what is written to it.
//!
//! A terminal takes control characters for orders: to move, to clear, to rename its window, to fill
//! the clipboard. They are shown instead, as `ls` shows them in names. In a pipe, texts stay as they
//! are.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns a text in which nothing but ends of lines and tabs is an order.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, |_| 0, |c, out| out.extend(c.escape_default()))
}

/// The same, in which colours stay.
#[must_use]
pub fn escaped_but_colours(text: &str) -> Cow<'_, str> {
    escape(text, colour, |c, out| out.extend(c.escape_default()))
}

/// The same of a JSON document, which stays one.
#[must_use]
pub fn escaped_json(text: &str) -> Cow<'_, str> {
    let in_json = |c: char, out: &mut String| {
        // A text takes all that is written into it.
        let _ = write!(out, "\\u{:04x}", u32::from(c));
    };
    escape(text, |_| 0, in_json)
}

/// Escapes what is an order, but for as many bytes at the beginning of a rest as `keep` says.
fn escape(text: &str, keep: fn(&str) -> usize, put: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_order) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let kept = match is_order(c) {
            true => keep(rest),
            false => c.len_utf8(),
        };
        if kept == 0 {
            put(c, &mut out);
        }
        out.push_str(&rest[..kept]);
        rest = &rest[kept.max(c.len_utf8())..];
    }
    Cow::Owned(out)
}

/// Returns true of control characters, and of those that turn the direction of what follows.
fn is_order(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Returns the length of the colour with which a text begins; zero if it begins otherwise.
fn colour(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, ';' | ':');
    let end = rest.trim_start_matches(is_number);
    match end.starts_with('m') {
        true => text.len() - end.len() + 1,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_are_shown() {
        let text = "a\u{1b}]0;title\u{7}\r\u{9b}2J\u{202e}b\n\tc";
        let shown = r"a\u{1b}]0;title\u{7}\r\u{9b}2J\u{202e}b";
        assert_eq!(escaped(text), format!("{shown}\n\tc"));
        assert!(matches!(escaped("čaj\n"), Cow::Borrowed("čaj\n")));
    }

    #[test]
    fn only_colours_stay_where_they_may() {
        let text = "\u{1b}[1;31mred\u{1b}[0m \u{1b}[2J \u{1b}[";
        let shown = "\u{1b}[1;31mred\u{1b}[0m \\u{1b}[2J \\u{1b}[";
        assert_eq!(escaped_but_colours(text), shown);
        assert_eq!(escaped(text).matches(r"\u{1b}").count(), 4);
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_a_terminal_obeys(text: String) {
            prop_assert!(!escaped(&text).contains(is_order));
            let kept = escaped_but_colours(&text);
            let all_colours = kept.match_indices('\u{1b}').all(|(at, _)| colour(&kept[at..]) > 0);
            prop_assert!(all_colours);
        }

        #[test]
        fn json_stays_what_it_is(text: String) {
            let json = serde_json::json!({ "text": text });
            let written = json.to_string();
            let shown = escaped_json(&written);
            prop_assert!(!shown.contains(is_order));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
        }
    }
}
