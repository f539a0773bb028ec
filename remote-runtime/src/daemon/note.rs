//! What a server writes into its lock for those who look for servers: who it is, and how it comes to
//! be. Nobody trusts it further than the folder that it lies in; whether a server runs, only the lock
//! says.
//!
//! ```text
//! note := SERVER text, KEY text, PROGRAM path, ORIGIN, LOG path, ADDRESS text, (PACKAGE text)*, (KEEP text)*, END
//! ```

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::lock;
use crate::wire::fields::{self, put};

const SERVER: u8 = 1;
const KEY: u8 = 2;
const PROGRAM: u8 = 3;
const ORIGIN: u8 = 4;
const PACKAGE: u8 = 5;
const KEEP: u8 = 6;
const LOG: u8 = 7;
/// What stands behind it is of a longer note before.
const END: u8 = 8;
const ADDRESS: u8 = 9;
const BY_HAND: u8 = 10;
const COMMAND: u8 = 11;

/// The longest command line that is noted, in bytes; a longer one is left out.
const LONGEST_COMMAND: usize = 16 * 1024;

/// How large a note may be, in bytes: two paths, a key, and some names.
const LARGEST: u64 = 64 * 1024;

/// Who serves, or did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) server: String,
    pub(crate) key: String,
    pub(crate) program: PathBuf,
    pub(crate) origin: Origin,
    /// Where its output goes; empty if that is no log.
    pub(crate) log: PathBuf,
    /// Where it is met over a network; empty if it is not.
    pub(crate) address: String,
    /// `true` if it was started by hand, and is no daemon.
    pub(crate) is_by_hand: bool,
    /// The arguments of its program, if that serves where it is run by hand.
    pub(crate) command: Vec<OsString>,
    /// The crates that declare its functions.
    pub(crate) packages: Vec<String>,
    /// What it keeps of the environment of who starts it, beyond what every server keeps.
    pub(crate) keep: Vec<String>,
}

/// How a server comes to be.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Its program is run by hand.
    #[default]
    Hand,
    /// Its program becomes the server when it is started as one.
    Program,
    /// A service manager listens for it.
    Manager,
}

impl Note {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put(out, SERVER, self.server.as_bytes());
        put(out, KEY, self.key.as_bytes());
        put(out, PROGRAM, self.program.as_os_str().as_bytes());
        put(out, ORIGIN, &[self.origin as u8]);
        put(out, LOG, self.log.as_os_str().as_bytes());
        put(out, ADDRESS, self.address.as_bytes());
        if self.is_by_hand {
            put(out, BY_HAND, &[1]);
        }
        let length = self.command.iter().map(|word| word.len() + 1);
        if length.sum::<usize>() <= LONGEST_COMMAND {
            for word in &self.command {
                put(out, COMMAND, word.as_bytes());
            }
        }
        for package in &self.packages {
            put(out, PACKAGE, package.as_bytes());
        }
        for name in &self.keep {
            put(out, KEEP, name.as_bytes());
        }
        put(out, END, &[]);
    }

    /// The note in a lock of ours, if there is one. In a folder that others use too, such as `/tmp`,
    /// somebody else may have made the lock, and what he wrote there would name the program that is started.
    pub(crate) fn at(lock: &Path) -> Option<Self> {
        let file = lock::look(lock).ok()?;
        let there = file.metadata().ok()?;
        if !there.is_file() || there.uid() != rustix::process::geteuid().as_raw() {
            return None;
        }
        let mut text = Vec::new();
        file.take(LARGEST).read_to_end(&mut text).ok()?;
        Self::read(&text)
    }

    /// Reads a note; `None` if it is none, as of a server that is writing it just now.
    fn read(body: &[u8]) -> Option<Self> {
        let mut note = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field.ok()?;
            match tag {
                SERVER => note.server = fields::text(value),
                KEY => note.key = fields::text(value),
                PROGRAM => note.program = PathBuf::from(OsStr::from_bytes(value)),
                ORIGIN => {
                    note.origin = match value {
                        [1] => Origin::Program,
                        [2] => Origin::Manager,
                        _ => Origin::Hand,
                    }
                }
                LOG => note.log = PathBuf::from(OsStr::from_bytes(value)),
                ADDRESS => note.address = fields::text(value),
                BY_HAND => note.is_by_hand = true,
                COMMAND => note.command.push(OsStr::from_bytes(value).to_owned()),
                PACKAGE => note.packages.push(fields::text(value)),
                KEEP => note.keep.push(fields::text(value)),
                END => break,
                _ => {}
            }
        }
        crate::address::is_name(&note.server).then_some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_note_is_read_back(key: String, program: PathBuf, packages: Vec<String>, keep: Vec<String>, log: PathBuf, address: String, command: Vec<OsString>, of in 0..3, is_by_hand: bool, before: Vec<u8>) {
            let origin = [Origin::Hand, Origin::Program, Origin::Manager][of as usize];
            let note = Note { server: "bboard".into(), key, program, log, origin, address, is_by_hand, command, packages, keep };
            let mut body = Vec::new();
            note.put(&mut body);
            body.extend(before);
            prop_assert_eq!(Note::read(&body), Some(note));
        }

        #[test]
        fn any_bytes_are_a_note_or_none(body: Vec<u8>) {
            let _ = Note::read(&body);
        }
    }
}
