//! `http://` and `https://`: an exchange of two messages for each call, which is how far HTTP goes.
//!
//! A program with the compiled types sends what it would send over a new connection, a hello and a call, as
//! the body of a request, and gets a hello and a reply as that of the response. So the server makes a
//! connection of each request, and all that lies behind it is as over a socket. Everybody else sends
//! and gets JSON, of which the same is made.

mod client;
mod conversion;
mod desk;
mod gateway;
mod guard;
mod json;
pub(super) mod key;
mod metrics;
mod openapi;
mod page;
mod places;
mod reply;
mod server;
mod turn;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::wire::call::Head;
use crate::wire::frame::{HEADER, walk};
use crate::wire::{Kind, MAGIC};

pub(super) use client::reach;
pub(super) use server::welcome;

/// How the bodies are called that are frames.
const FRAMES: &str = "application/x-remotex";
const JSON: &str = "application/json";

/// Where a function is called; its name follows.
const CALL: &str = "/call/";
/// Where all else is asked that is no call, by who sends frames.
const CONTROL: &str = "/control";

/// What a name of a function can have in a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'-')
    .remove(b'.')
    .remove(b':');

/// The path of what frames ask for, of which the first is a hello; `None` if they are none, or ask for more.
fn path_of(frames: &[u8]) -> Option<String> {
    let mut end = MAGIC.len();
    for frame in walk(frames) {
        let (kind, body) = frame.ok()?;
        end += HEADER + body.len();
        let path = match kind {
            Kind::Hello | Kind::Release => continue,
            Kind::Call => {
                let (head, _) = Head::split(body).ok()?;
                format!("{CALL}{}", encoded(head.name))
            }
            Kind::Status | Kind::Stop | Kind::Interface | Kind::Details => CONTROL.into(),
            _ => return None,
        };
        // What came behind it would be done too, whatever the path says.
        return (end == frames.len()).then_some(path);
    }
    None
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}

/// The name in the path of a call.
fn decoded(name: &str) -> Option<String> {
    let name = percent_decode_str(name).decode_utf8();
    name.ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame;
    use crate::wire::hello::Hello;
    use proptest::prelude::*;

    fn frames(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut frames = Vec::new();
        Hello::here("x", 1).put(&mut frames);
        frame::put(&mut frames, kind, |out| out.extend_from_slice(body));
        frames
    }

    proptest! {
        #[test]
        fn the_path_of_a_call_says_its_function(name in ".{0,40}") {
            let mut call = Vec::new();
            Head { name: &name, ..Head::default() }.put(&mut call);
            let path = path_of(&frames(Kind::Call, &call)).unwrap();
            prop_assert!(path.is_ascii() && !path.contains(['?', '#', ' ', '%']) || path.contains('%'));
            prop_assert_eq!(decoded(path.strip_prefix(CALL).unwrap()), Some(name));
        }

        #[test]
        fn any_bytes_have_a_path_or_none(bytes: Vec<u8>) {
            let _ = path_of(&bytes);
            let _ = path_of(&frames(Kind::Call, &bytes));
        }
    }

    #[test]
    fn what_asks_for_more_than_its_path_says_has_none() {
        let mut call = Vec::new();
        Head {
            name: "f",
            ..Head::default()
        }
        .put(&mut call);
        let mut frames = frames(Kind::Call, &call);
        assert_eq!(path_of(&frames), Some("/call/f".into()));
        let alone = frames.clone();
        frame::put(&mut frames, Kind::Stop, |_| ());
        assert_eq!(path_of(&frames), None);
        assert_eq!(path_of(&[&alone[..], &[0]].concat()), None);
    }

    #[test]
    fn what_is_no_request_has_no_path() {
        assert_eq!(path_of(&frames(Kind::Answer, b"")), None);
        assert_eq!(path_of(&frames(Kind::Status, b"")), Some(CONTROL.into()));
        // Over HTTP, a server is not succeeded.
        assert_eq!(path_of(&frames(Kind::Restart, b"")), None);
    }
}
