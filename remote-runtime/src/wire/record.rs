//! What a server says of a call that failed, when it is asked.
//!
//! ```text
//! details := id                     the one that the call's fault had
//! record  := fields                 those that have a text are cut to fit
//! ```

use std::time::{Duration, SystemTime};

use super::Malformed;
use super::fault::{LARGEST_FAULT, OVERHEAD, put_cut};
use super::fields::{self, number, put, text};
use crate::error::Details;

const FUNCTION: u8 = 1;
const MESSAGE: u8 = 2;
const CAUSE: u8 = 3;
const DEBUG: u8 = 4;
const LOCATION: u8 = 5;
const BACKTRACE: u8 = 6;
const ARGUMENT: u8 = 7;
const SIZE: u8 = 8;
const WHEN: u8 = 9;

/// How many causes or arguments a record has at the most.
const MOST: usize = 64;

/// Appends the fields of a record.
pub fn put_record(details: &Details, out: &mut Vec<u8>) {
    // Each field has a header, of those of which there may be many, up to three times as many.
    let mut room = LARGEST_FAULT - OVERHEAD - 3 * 16 * MOST;
    let mut put_text = |out: &mut Vec<u8>, tag, text: &str| put_cut(out, tag, text, &mut room);
    put_text(out, FUNCTION, &details.function);
    for (name, bytes) in details.arguments.iter().take(MOST) {
        put_text(out, ARGUMENT, name);
        put(out, SIZE, &bytes.to_le_bytes());
    }
    let since = details.when.duration_since(SystemTime::UNIX_EPOCH);
    let micros = since.unwrap_or_default().as_micros();
    let micros = u64::try_from(micros).unwrap_or(u64::MAX);
    put(out, WHEN, &micros.to_le_bytes());
    put_text(out, MESSAGE, &details.message);
    for cause in details.causes.iter().take(MOST) {
        put_text(out, CAUSE, cause);
    }
    let texts = [
        (LOCATION, &details.location),
        (DEBUG, &details.debug),
        (BACKTRACE, &details.backtrace),
    ];
    for (tag, text) in texts {
        if let Some(text) = text {
            put_text(out, tag, text);
        }
    }
}

/// Reads them.
///
/// # Errors
/// If one of them is cut off or is no number.
pub fn read_record(body: &[u8]) -> Result<Details, Malformed> {
    let mut details = Details::of(String::new(), String::new());
    for field in fields::read(body) {
        let (tag, value) = field?;
        match tag {
            FUNCTION => details.function = text(value),
            MESSAGE => details.message = text(value),
            CAUSE if details.causes.len() < MOST => details.causes.push(text(value)),
            DEBUG => details.debug = Some(text(value)),
            LOCATION => details.location = Some(text(value)),
            BACKTRACE => details.backtrace = Some(text(value)),
            ARGUMENT if details.arguments.len() < MOST => {
                details.arguments.push((text(value), 0));
            }
            SIZE => {
                if let Some((_, size)) = details.arguments.last_mut() {
                    *size = number(value)?;
                }
            }
            WHEN => {
                details.when = SystemTime::UNIX_EPOCH
                    .checked_add(Duration::from_micros(number(value)?))
                    .ok_or(Malformed("it failed after the end of time"))?;
            }
            _ => {}
        }
    }
    Ok(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn every_record_is_read_back(
            texts: (String, String),
            causes in proptest::collection::vec(any::<String>(), 0..64),
            more: [Option<String>; 3],
            arguments in proptest::collection::vec(any::<(String, u64)>(), 0..64),
            when in 0..1_u64 << 52,
        ) {
            let (function, message) = texts;
            let [debug, location, backtrace] = more;
            let when = SystemTime::UNIX_EPOCH + Duration::from_micros(when);
            let details =
                Details { function, message, causes, debug, location, backtrace, arguments, when };
            let mut body = Vec::new();
            put_record(&details, &mut body);
            prop_assert_eq!(read_record(&body), Ok(details));
        }

        #[test]
        fn any_bytes_are_a_record_or_malformed(body: Vec<u8>) {
            let _ = read_record(&body);
        }
    }

    #[test]
    fn endless_texts_are_cut() {
        let long = "x".repeat(LARGEST_FAULT);
        let mut details = Details::of(long.clone(), long.clone());
        details.backtrace = Some(long.clone());
        details.causes = vec![String::new(); 100_000];
        details.arguments = vec![(long, 1); 100];
        let mut body = Vec::new();
        put_record(&details, &mut body);
        assert!(body.len() <= LARGEST_FAULT);
        read_record(&body).unwrap();
    }
}
