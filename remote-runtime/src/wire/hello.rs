//! The first frame in each direction: who is speaking.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::fields::{self, number, put, text};
use super::{Kind, MAGIC, Malformed, PROTOCOL, frame};
use crate::program::Build;

/// The largest hello that is read; a working directory is its longest part.
pub const LARGEST_HELLO: usize = 64 * 1024;

const PROTOCOL_TAG: u8 = 1;
const SERVER: u8 = 2;
const PID: u8 = 3;
const LIMIT: u8 = 4;
const DIRECTORY: u8 = 5;
const DEBUG: u8 = 6;
const BUILD: u8 = 7;
const IMAGE: u8 = 8;
const SUCCEEDS: u8 = 9;
const KEY: u8 = 10;
const SESSION: u8 = 11;
const INSTANCE: u8 = 12;
const AWAY: u8 = 13;

/// Who is speaking. A field that the other side does not send has its default.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The version of calls that it speaks.
    pub protocol: u32,
    /// The server that speaks or is meant.
    pub server: String,
    /// Its process.
    pub pid: u32,
    /// The largest body that it takes, in bytes.
    pub limit: u64,
    /// A client's working directory.
    pub directory: PathBuf,
    /// Whether a client wants backtraces.
    pub debug: bool,
    /// The executable file that it runs.
    pub build: Option<Build>,
    /// What tells programs apart that are run from one file, as by a loader.
    pub image: u64,
    /// Whether a client would start a server of its own build, were there none.
    pub succeeds: bool,
    /// Which one it is or means of the servers that there are for each of several keys.
    pub key: String,
    /// Whether a client is on another machine, and what has connected only carries its bytes.
    pub is_away: bool,
    /// Which session a client's connection belongs to. Who knows it is in it.
    pub session: Option<[u8; 16]>,
    /// What tells a server from the one before it, said where a connection may be cut.
    pub instance: Option<u64>,
}

impl Hello {
    /// A hello of this process, for or from the server of that name.
    #[must_use]
    pub fn here(server: &str, limit: usize) -> Self {
        Self {
            protocol: PROTOCOL,
            server: server.to_owned(),
            pid: std::process::id(),
            limit: limit as u64,
            ..Self::default()
        }
    }

    /// Appends what a connection begins with.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        let at = frame::begin(out);
        put(out, PROTOCOL_TAG, &self.protocol.to_le_bytes());
        put(out, SERVER, self.server.as_bytes());
        put(out, PID, &self.pid.to_le_bytes());
        put(out, LIMIT, &self.limit.to_le_bytes());
        if !self.directory.as_os_str().is_empty() {
            put(out, DIRECTORY, self.directory.as_os_str().as_bytes());
        }
        if self.debug {
            put(out, DEBUG, &[1]);
        }
        if let Some(build) = &self.build {
            put(out, BUILD, &numbers(build));
        }
        if self.image != 0 {
            put(out, IMAGE, &self.image.to_le_bytes());
        }
        if self.succeeds {
            put(out, SUCCEEDS, &[1]);
        }
        if !self.key.is_empty() {
            put(out, KEY, self.key.as_bytes());
        }
        if let Some(session) = &self.session {
            put(out, SESSION, session);
        }
        if let Some(instance) = self.instance {
            put(out, INSTANCE, &instance.to_le_bytes());
        }
        if self.is_away {
            put(out, AWAY, &[1]);
        }
        frame::end(out, at, Kind::Hello);
    }

    /// Reads the body of a hello.
    ///
    /// # Errors
    /// If a field is cut off or is not the number it must be.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut hello = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                PROTOCOL_TAG => hello.protocol = small(value)?,
                SERVER => hello.server = text(value),
                PID => hello.pid = small(value)?,
                LIMIT => hello.limit = number(value)?,
                DIRECTORY => hello.directory = PathBuf::from(OsStr::from_bytes(value)),
                DEBUG => hello.debug = number(value)? != 0,
                BUILD => hello.build = Some(build(value)?),
                IMAGE => hello.image = number(value)?,
                SUCCEEDS => hello.succeeds = number(value)? != 0,
                KEY => hello.key = text(value),
                INSTANCE => hello.instance = Some(number(value)?),
                AWAY => hello.is_away = number(value)? != 0,
                SESSION => {
                    let wrong = |_| Malformed("its session has not 16 bytes");
                    hello.session = Some(value.try_into().map_err(wrong)?);
                }
                _ => {}
            }
        }
        Ok(hello)
    }
}

/// Which one of several servers that of `key` is, in words that follow its name.
pub(crate) fn for_key(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!(" for `{key}`")
    }
}

fn numbers(build: &Build) -> Vec<u8> {
    let Build {
        device,
        inode,
        size,
        modified,
        changed,
    } = *build;
    let numbers = [device, inode, size, modified, changed];
    numbers.map(u64::to_le_bytes).as_flattened().to_vec()
}

/// A build; what a later version adds to its numbers is left aside.
fn build(value: &[u8]) -> Result<Build, Malformed> {
    let mut numbers = value
        .chunks_exact(8)
        .map(|bytes| number(bytes).unwrap_or_default());
    let mut next = || numbers.next().ok_or(Malformed("its build is cut off"));
    Ok(Build {
        device: next()?,
        inode: next()?,
        size: next()?,
        modified: next()?,
        changed: next()?,
    })
}

fn small(value: &[u8]) -> Result<u32, Malformed> {
    u32::try_from(number(value)?).map_err(|_| Malformed("a number of its hello is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body_of(hello: &Hello) -> Vec<u8> {
        let mut out = Vec::new();
        hello.put(&mut out);
        out.split_off(MAGIC.len() + frame::HEADER)
    }

    /// Bytes that the first release wrote: every later one must read them.
    #[test]
    fn the_first_hello_is_readable_for_ever() {
        let body = b"\x01\x04\0\0\0\x01\0\0\0\x02\x06\0\0\0bboard\x03\x04\0\0\0\x39\x05\0\0\
            \x04\x08\0\0\0\0\0\0\x04\0\0\0\0\x05\x05\0\0\0/home\x06\x01\0\0\0\x01";
        let hello = Hello {
            protocol: 1,
            server: "bboard".into(),
            pid: 1337,
            limit: 64 << 20,
            directory: "/home".into(),
            debug: true,
            ..Hello::default()
        };
        assert_eq!(Hello::read(body), Ok(hello.clone()));
        assert_eq!(body_of(&hello), body);
    }

    #[test]
    fn who_is_speaking_is_readable_for_ever() {
        let body = b"\x01\x04\0\0\0\x01\0\0\0\x02\x01\0\0\0x\x03\x04\0\0\0\x07\0\0\0\x04\x08\0\0\0\0\0\0\0\0\0\0\0\
            \x07\x28\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\
            \x08\x08\0\0\0\x06\0\0\0\0\0\0\0\x09\x01\0\0\0\x01\x0a\x02\0\0\0/k\x0b\x10\0\0\x000123456789abcdef\x0c\x08\0\0\0\x08\0\0\0\0\0\0\0";
        let hello = Hello {
            protocol: 1,
            server: "x".into(),
            pid: 7,
            build: Some(Build {
                device: 1,
                inode: 2,
                size: 3,
                modified: 4,
                changed: 5,
            }),
            image: 6,
            succeeds: true,
            key: "/k".into(),
            session: Some(*b"0123456789abcdef"),
            instance: Some(8),
            ..Hello::default()
        };
        assert_eq!(Hello::read(body), Ok(hello.clone()));
        assert_eq!(body_of(&hello), body);
    }

    #[test]
    fn a_later_field_is_skipped() {
        let mut body = body_of(&Hello {
            pid: 7,
            ..Hello::default()
        });
        put(&mut body, 200, b"from the future");
        assert_eq!(Hello::read(&body).unwrap().pid, 7);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_hello_or_malformed(body: Vec<u8>) {
            if let Ok(hello) = Hello::read(&body) {
                prop_assert_eq!(Hello::read(&body_of(&hello)), Ok(hello));
            }
        }
    }
}
