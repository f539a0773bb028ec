//! What a call says of itself before its arguments.
//!
//! ```text
//! call   := length: u16, name, length: u16, fields, arguments
//! fields := FINGERPRINT 16 bytes   } left out where both sides are known
//!           PROGRAM     text       } to be of one build
//!           TRACE       u64, what joins the spans of both sides
//!           TIMEOUT     microseconds, how long the caller waits from now on
//!           NUMBER      u64, its number in its client's session, over a network
//!           AGAIN       u64, and perhaps u64: it was sent before, so many microseconds ago, to
//!                       the server with that instance
//!           VERSION     text, of the program, where that is said
//!           CONTENT     u64, a digest of the client's executable, if the server has asked for it;
//!                       zero if it has asked for the fingerprint only
//!           CHAIN       text, the servers that wait for it, if a remote function makes it
//!           PLAIN       empty: the arguments are a list as CBOR, and the reply is CBOR, with the
//!                       text of an error of its own type
//! ```

use std::time::Duration;

use super::Malformed;
use super::fields::{self, number, put};

const FINGERPRINT: u8 = 1;
const TIMEOUT: u8 = 2;
const PROGRAM: u8 = 3;
const TRACE: u8 = 4;
const NUMBER: u8 = 5;
const AGAIN: u8 = 6;
const CHAIN: u8 = 7;
const VERSION: u8 = 8;
const CONTENT: u8 = 9;
const PLAIN: u8 = 10;

/// More than a call's name and fields take.
pub const LARGEST_HEAD: usize = 2048;

/// What tells functions of different source apart: see [`shape`](crate::shape).
pub type Fingerprint = [u8; 16];

/// A call, without its arguments.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Head<'m> {
    /// The function's name.
    pub name: &'m str,
    /// What the caller takes the function for.
    pub fingerprint: Option<Fingerprint>,
    /// Whose function the caller means: the crate that declares it.
    pub program: Option<&'m str>,
    /// The version of that crate.
    pub version: Option<&'m str>,
    /// A digest of the caller's executable, or zero: see [`Compare`](super::Kind::Compare) and
    /// [`Identify`](super::Kind::Identify).
    pub content: Option<u64>,
    /// How long the caller waits for the answer.
    pub timeout: Option<Duration>,
    /// What joins the client's trace of the call with the server's.
    pub trace: Option<u64>,
    /// Which call of its client's session it is, if its connection may be cut.
    pub number: Option<u64>,
    /// When it was sent before.
    pub again: Option<Again>,
    /// The servers whose functions have made it, one inside the other, separated by spaces.
    pub chain: Option<&'m str>,
    /// Set if the caller does not have the types of the function: its arguments are a list as CBOR (RFC
    /// 8949), and so are the answer and the error, which comes with its [text](super::Kind::Told).
    pub is_plain: bool,
}

/// A call that was sent before, and of which the client does not know whether it has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// The [instance](super::hello::Hello::instance) of the server that it was sent to, if that is known.
    pub instance: Option<u64>,
    /// How long ago that was.
    pub since: Duration,
}

impl<'m> Head<'m> {
    /// Appends it; the arguments come next.
    pub fn put(&self, out: &mut Vec<u8>) {
        put_length(out, self.name.len());
        out.extend_from_slice(self.name.as_bytes());
        let at = out.len();
        put_length(out, 0);
        if let Some(fingerprint) = &self.fingerprint {
            put(out, FINGERPRINT, fingerprint);
        }
        if let Some(program) = self.program {
            put(out, PROGRAM, program.as_bytes());
        }
        if let Some(timeout) = self.timeout {
            let micros = u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
            put(out, TIMEOUT, &micros.to_le_bytes());
        }
        if let Some(trace) = self.trace {
            put(out, TRACE, &trace.to_le_bytes());
        }
        if let Some(number) = self.number {
            put(out, NUMBER, &number.to_le_bytes());
        }
        if let Some(Again { instance, since }) = self.again {
            let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
            let mut value = micros.to_le_bytes().to_vec();
            value.extend(instance.map(u64::to_le_bytes).into_iter().flatten());
            put(out, AGAIN, &value);
        }
        if let Some(chain) = self.chain {
            put(out, CHAIN, chain.as_bytes());
        }
        if let Some(version) = self.version {
            put(out, VERSION, version.as_bytes());
        }
        if let Some(content) = self.content {
            put(out, CONTENT, &content.to_le_bytes());
        }
        if self.is_plain {
            put(out, PLAIN, &[]);
        }
        let length = u16::try_from(out.len() - at - 2).unwrap_or(u16::MAX);
        out[at..at + 2].copy_from_slice(&length.to_le_bytes());
    }

    /// Splits a call's body into it and the encoded arguments.
    ///
    /// # Errors
    /// If it is cut off, or the name is no text.
    pub fn split(body: &'m [u8]) -> Result<(Self, &'m [u8]), Malformed> {
        let cut = "the name of its function is cut off";
        let (name, rest) = split_part(body, cut)?;
        let name =
            str::from_utf8(name).map_err(|_| Malformed("the name of its function is not UTF-8"))?;
        let (about, arguments) = split_part(rest, "what it says of itself is cut off")?;
        let mut head = Self {
            name,
            ..Self::default()
        };
        for field in fields::read(about) {
            match field? {
                (FINGERPRINT, value) => {
                    let wrong = |_| Malformed("its fingerprint has not 16 bytes");
                    head.fingerprint = Some(value.try_into().map_err(wrong)?);
                }
                (PROGRAM, value) => {
                    let wrong = |_| Malformed("the name of its program is not UTF-8");
                    head.program = Some(str::from_utf8(value).map_err(wrong)?);
                }
                (CHAIN, value) => {
                    let wrong = |_| Malformed("the chain of servers that wait for it is not UTF-8");
                    head.chain = Some(str::from_utf8(value).map_err(wrong)?);
                }
                (VERSION, value) => {
                    let wrong = |_| Malformed("the version of its program is not UTF-8");
                    head.version = Some(str::from_utf8(value).map_err(wrong)?);
                }
                (CONTENT, value) => head.content = Some(number(value)?),
                (TRACE, value) => head.trace = Some(number(value)?),
                (NUMBER, value) => head.number = Some(number(value)?),
                (AGAIN, value) => {
                    let (since, instance) = value.split_at(value.len().min(8));
                    head.again = Some(Again {
                        instance: match instance {
                            [] => None,
                            instance => Some(number(instance)?),
                        },
                        since: Duration::from_micros(number(since)?),
                    });
                }
                (PLAIN, _) => head.is_plain = true,
                (TIMEOUT, value) => head.timeout = Some(Duration::from_micros(number(value)?)),
                _ => {}
            }
        }
        Ok((head, arguments))
    }
}

/// The macro keeps names, and this file its fields, far below what two bytes can say.
fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
}

fn split_part<'m>(bytes: &'m [u8], cut: &'static str) -> Result<(&'m [u8], &'m [u8]), Malformed> {
    let (&length, rest) = bytes.split_first_chunk().ok_or(Malformed(cut))?;
    rest.split_at_checked(u16::from_le_bytes(length).into())
        .ok_or(Malformed(cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_are_these_for_ever() {
        let mut out = Vec::new();
        let head = Head {
            name: "post",
            fingerprint: Some(*b"0123456789abcdef"),
            program: Some("board"),
            timeout: Some(Duration::from_millis(1)),
            trace: Some(7),
            number: Some(8),
            again: Some(Again {
                instance: Some(9),
                since: Duration::from_millis(2),
            }),
            chain: Some("a b"),
            version: Some("1.2"),
            content: Some(10),
            is_plain: true,
        };
        head.put(&mut out);
        out.extend_from_slice(b"xyz");
        assert_eq!(
            out,
            b"\x04\0post\x7d\0\x01\x10\0\0\x000123456789abcdef\x03\x05\0\0\0board\x02\x08\0\0\0\xe8\x03\0\0\0\0\0\0\x04\x08\0\0\0\x07\0\0\0\0\0\0\0\
            \x05\x08\0\0\0\x08\0\0\0\0\0\0\0\x06\x10\0\0\0\xd0\x07\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x07\x03\0\0\0a b\x08\x03\0\0\x001.2\x09\x08\0\0\0\x0a\0\0\0\0\0\0\0\x0a\0\0\0\0xyz"
        );
        assert_eq!(Head::split(&out), Ok((head, &b"xyz"[..])));
    }

    proptest! {
        #[test]
        fn every_head_is_read_back(
            name in ".{0,80}",
            fingerprint: Option<[u8; 16]>,
            program in proptest::option::of(".{0,80}"),
            micros in proptest::option::of(any::<u64>()),
            trace: Option<u64>,
            number: Option<u64>,
            again in proptest::option::of(any::<(Option<u64>, u64)>()),
            chain in proptest::option::of(".{0,80}"),
            version in proptest::option::of(".{0,80}"),
            content: Option<u64>,
            is_plain: bool,
            arguments: Vec<u8>,
        ) {
            let timeout = micros.map(Duration::from_micros);
            let again = again.map(|(instance, micros)| Again { instance, since: Duration::from_micros(micros) });
            let head = Head {
                name: &name,
                fingerprint,
                program: program.as_deref(),
                timeout,
                trace,
                number,
                again,
                chain: chain.as_deref(),
                version: version.as_deref(),
                content,
                is_plain,
            };
            let mut body = Vec::new();
            head.put(&mut body);
            body.extend_from_slice(&arguments);
            prop_assert_eq!(Head::split(&body), Ok((head, &arguments[..])));
        }

        #[test]
        fn any_bytes_are_a_call_or_malformed(body: Vec<u8>) {
            let _ = Head::split(&body);
        }
    }
}
