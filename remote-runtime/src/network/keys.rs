//! By what the ends of a connection know each other: a folder for each server, which only its user can
//! read, with the token that both know, and the keys of `remotex keys init`.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::address::Network;
use crate::error::{Call, Error};
use crate::{paths, session};

/// The folder of a server.
#[derive(Debug)]
pub(super) struct Keys {
    folder: PathBuf,
}

/// How many characters a token has.
const TOKEN: usize = 64;

/// The largest file that is read.
const LARGEST: u64 = 64 * 1024;

impl Keys {
    /// Those of the server of that name.
    ///
    /// # Errors
    /// If this user has no folder for such things.
    pub(super) fn of(call: Call<'_>) -> Result<Self, Error> {
        let folder = paths::keys().ok_or_else(|| {
            Error::Unreachable(call.trouble(
                "its keys are nowhere, since neither XDG_CONFIG_HOME nor HOME is set; set one of them",
            ))
        })?;
        Ok(Self {
            folder: folder.join(call.server),
        })
    }

    /// The token, if there is one.
    pub(super) fn token(&self, call: Call<'_>) -> Result<Option<String>, Error> {
        let Some(text) = self.read(call, "token")? else {
            return Ok(None);
        };
        let token = String::from_utf8_lossy(&text).trim().to_owned();
        if token.len() < TOKEN / 2 {
            return Err(Error::Denied(call.trouble(format_args!(
                "`{}` is no token; remove it, and copy that of the server, which makes one when it starts",
                self.folder.join("token").display()
            ))));
        }
        Ok(Some(token))
    }

    /// The token by which a server at that address lets in.
    pub(super) fn token_for(&self, call: Call<'_>, at: &Network) -> Result<String, Error> {
        self.token(call)?.ok_or_else(|| {
            Error::Denied(call.trouble(format_args!(
                "`{at}` lets in who knows its token, and there is none in `{}`; copy the one of the user who runs the server to there",
                self.path("token").display()
            )))
        })
    }

    /// The error of a file that is as it should be, and is of no use.
    #[cfg(feature = "tls")]
    pub(super) fn unusable(&self, call: Call<'_>, name: &str, e: rustls::Error) -> Error {
        let path = self.path(name);
        let why = format_args!("`{}` cannot be used", path.display());
        call.io(why, io::Error::other(e))
    }

    /// The token, which is made if there is none.
    pub(super) fn token_or_new(&self, call: Call<'_>) -> Result<String, Error> {
        if let Some(token) = self.token(call)? {
            return Ok(token);
        }
        let made = self.make_token();
        made.map_err(|e| {
            let folder = self.folder.display();
            let remedy = match e.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "; make room on that disk"
                }
                _ => "",
            };
            call.io(
                format_args!("its token cannot be made in `{folder}`{remedy}"),
                e,
            )
        })?;
        self.token(call)?
            .ok_or_else(|| Error::Denied(call.trouble("its token was removed just now")))
    }

    /// Whoever is first makes it, and it is whole as soon as it is there.
    fn make_token(&self) -> io::Result<()> {
        paths::create(&self.folder)?;
        let bytes = session::random::<{ TOKEN / 2 }>()?;
        let mut token = String::with_capacity(TOKEN + 1);
        for byte in bytes {
            // A text takes all that is written into it.
            let _ = write!(token, "{byte:02x}");
        }
        token.push('\n');
        // Numbers of processes are the same in different containers, whose home may be one.
        let number = u64::from_le_bytes(session::random()?);
        let own = self.folder.join(format!(".token.{number:016x}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&own)?;
        let written = file.write_all(token.as_bytes());
        let linked = written.and_then(|()| fs::hard_link(&own, self.folder.join("token")));
        // Also of one that could not be written, on a disk that is full, nothing stays.
        fs::remove_file(&own)?;
        match linked {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    }

    /// Where that one lies, or would.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file of the folder; `None` if it is not there.
    ///
    /// # Errors
    /// If others could have read it, or written it.
    pub(super) fn read(&self, call: Call<'_>, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(name);
        let unread = |e| call.io(format_args!("`{}` cannot be read", path.display()), e);
        // A fifo would wait for its other end.
        let at_once = OFlags::NONBLOCK.bits().cast_signed();
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(at_once)
            .open(&path);
        let file = match opened {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) if fs::metadata(&path).is_ok_and(|there| !there.is_file()) => {
                return Err(refused(call, &path, NO_FILE));
            }
            opened => opened.map_err(unread)?,
        };
        check(call, &path, &file)?;
        let mut text = Vec::new();
        file.take(LARGEST).read_to_end(&mut text).map_err(unread)?;
        Ok(Some(text))
    }
}

fn check(call: Call<'_>, path: &Path, file: &File) -> Result<(), Error> {
    let us = rustix::process::geteuid().as_raw();
    let there = file
        .metadata()
        .map_err(|e| call.io(format_args!("`{}` cannot be looked at", path.display()), e))?;
    let wrong = if !there.is_file() {
        NO_FILE
    } else if ![us, 0].contains(&there.uid()) {
        "is somebody else's; remove it, and get it again"
    } else if there.mode() & 0o077 != 0 {
        "can be read by others; run `chmod 600` on it"
    } else {
        return Ok(());
    };
    Err(refused(call, path, wrong))
}

/// The reason to refuse a folder, a fifo or a socket.
const NO_FILE: &str = "is no ordinary file; remove it, and get it again";

fn refused(call: Call<'_>, path: &Path, wrong: &str) -> Error {
    Error::Denied(call.trouble(format_args!("`{}` {wrong}", path.display())))
}
