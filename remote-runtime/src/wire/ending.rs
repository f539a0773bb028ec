//! The body of [`Kind::Stopping`](super::Kind::Stopping): how far the end of a server has come.

const TOLD: u8 = 1;
const SAVED: u8 = 2;
const FAILED: u8 = 3;

/// The longest reason that a server sends, in bytes.
pub const LONGEST_REASON: usize = 4096;

/// A stage of a server's end, as the server tells it to the client that has asked for the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It has begun, and nothing more is said of it.
    Begun,
    /// It has begun, and one of the next two follows.
    Told,
    /// The server's `.on_stop` has succeeded.
    Saved,
    /// The server's `.on_stop` has failed, and why.
    Failed(String),
}

impl Ending {
    /// Appends the body.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Begun => {}
            Self::Told => out.push(TOLD),
            Self::Saved => out.push(SAVED),
            Self::Failed(why) => {
                out.push(FAILED);
                out.extend_from_slice(cut(why).as_bytes());
            }
        }
    }

    /// Reads the body. A later server's first byte that this client does not know means nothing to it.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        match body {
            [TOLD, ..] => Self::Told,
            [SAVED, ..] => Self::Saved,
            [FAILED, why @ ..] => Self::Failed(cut(&String::from_utf8_lossy(why)).to_owned()),
            _ => Self::Begun,
        }
    }
}

fn cut(why: &str) -> &str {
    &why[..why.floor_char_boundary(LONGEST_REASON)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body_of(ending: &Ending) -> Vec<u8> {
        let mut out = Vec::new();
        ending.put(&mut out);
        out
    }

    #[test]
    fn what_is_said_of_an_end_is_readable_for_ever() {
        let bodies: [(&[u8], Ending); 4] = [
            (b"", Ending::Begun),
            (b"\x01", Ending::Told),
            (b"\x02", Ending::Saved),
            (b"\x03disk full", Ending::Failed("disk full".into())),
        ];
        for (body, ending) in bodies {
            assert_eq!(Ending::read(body), ending);
            assert_eq!(body_of(&ending), body);
        }
        assert_eq!(Ending::read(b"\x04from the future"), Ending::Begun);
    }

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        let long = "é".repeat(LONGEST_REASON);
        let Ending::Failed(why) = Ending::read(&body_of(&Ending::Failed(long))) else {
            panic!("it is not a failure any more")
        };
        assert_eq!(why, "é".repeat(LONGEST_REASON / 2));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_ending(body: Vec<u8>) {
            let ending = Ending::read(&body);
            prop_assert_eq!(Ending::read(&body_of(&ending)), ending);
        }
    }
}
