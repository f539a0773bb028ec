//! The systemd units of a server: a socket that systemd listens on, and the service that it starts
//! with the first call. Their syntax is that of `systemd.unit(5)`, `systemd.service(5)` and
//! `systemd.syntax(7)`.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Trace, trace_of};
use crate::address::{self, Files};
use crate::bridge;
use crate::error::{Call, Error, Result};
use crate::program::Scope;
use crate::wire::hello::for_key;

/// The systemd units of a server: see [`unit`](fn@unit).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unit {
    /// The name of both, without `.socket` and `.service`.
    pub name: String,
    /// The key of the server; empty if it has none.
    pub key: String,
    /// The one to enable: the socket, or the service of a server that is met over a network, where only
    /// itself can be met.
    pub enable: String,
    /// The text of the socket unit.
    pub socket: String,
    /// The text of the service unit.
    pub service: String,
}

/// Writes the systemd units of a server that has run here, for a user's own systemd
/// (`~/.config/systemd/user`); if there is one for each key, of the one of `key`.
///
/// The service runs the server's program, and tells it the server and the key; a program that calls
/// [`init`](crate::init) needs no arguments for that, and of another one those are repeated with which
/// it was last run.
///
/// # Errors
/// [`Error::Unreachable`] if there is nothing of such a server, or of more than one, or if its path has
/// characters that no unit can have.
///
/// ```no_run
/// # extern crate remote_runtime as remotex;
/// let unit = remotex::discovery::unit("bboard", None)?;
/// println!("# {0}.socket\n{1}\n# {0}.service\n{2}", unit.name, unit.socket, unit.service);
/// # Ok::<(), remotex::Error>(())
/// ```
pub fn unit(name: &str, key: Option<&str>) -> Result<Unit> {
    let trace = trace_of(name, key)?;
    let call = Call::control(name);
    let cannot = |why: String| Error::Unreachable(call.trouble(why));
    let Trace { note, .. } = &trace;
    if !trace.is_noted || note.program.as_os_str().is_empty() {
        return Err(cannot(
            "nothing here says which program it belongs to; run that one first".into(),
        ));
    }
    let (socket, moved) = place(&trace);
    let path = plain(&socket).ok_or_else(|| {
        let shown = socket.display();
        cannot(format!(
            "no unit can listen at `{shown}`, a path with such characters"
        ))
    })?;
    let described = for_key(&note.key);
    let mut told = vec![variable(
        bridge::VARIABLE,
        format!("listen:{}", note.server),
    )];
    if !note.key.is_empty() {
        told.push(variable(bridge::KEY, &note.key));
    }
    if let Some((name, address)) = moved {
        told.push(variable(&name, address));
    }
    let mut command = quoted(note.program.as_os_str(), Dollar::Plain);
    for word in &note.command {
        command.push(' ');
        command.push_str(&quoted(word, Dollar::Variable));
    }
    let description = described
        .replace(|c: char| c.is_control(), " ")
        .replace('%', "%%");
    let stem = socket.file_stem().unwrap_or_default().to_string_lossy();
    // Over a network, nothing but the server itself can be met.
    let (wanted, restarted) = match &*note.address {
        "" => ("", ""),
        _ => (
            "\n[Install]\nWantedBy=default.target\n",
            "Restart=on-failure\n",
        ),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let unit = stem.replace(|c| !is_plain(c), "-");
    Ok(Unit {
        enable: match &*note.address {
            "" => format!("{unit}.socket"),
            _ => format!("{unit}.service"),
        },
        name: unit,
        key: note.key.clone(),
        socket: format!(
            "[Unit]\nDescription=Socket of {name}{description}\n\n\
             [Socket]\nListenStream={path}\nSocketMode=0600\nDirectoryMode=0700\n\n\
             [Install]\nWantedBy=sockets.target\n"
        ),
        service: format!(
            "[Unit]\nDescription={name}{description}\n\n\
             [Service]\nType=notify\nEnvironment={}\nExecStart={command}\n{restarted}{wanted}",
            told.join(" ")
        ),
    })
}

/// Where the server listens if its program is run by hand, and the variable that puts it there, if one
/// does.
fn place(trace: &Trace) -> (PathBuf, Option<(String, OsString)>) {
    let note = &trace.note;
    let variable = || address::variable(&note.server);
    if !note.address.is_empty() {
        let address = OsString::from(&note.address);
        return (trace.files.socket.clone(), Some((variable(), address)));
    }
    let own = address::usual(&note.server, &Scope::of(&note.program));
    if !trace.is_usual() && trace.socket != own {
        let mut address = OsString::from("unix:");
        address.push(&trace.socket);
        return (trace.files.socket.clone(), Some((variable(), address)));
    }
    // A development build that serves by hand does so for all programs.
    let usual = address::usual(&note.server, &Scope::Installed);
    let files = Files::of(trace.files.name(), &usual, &note.key);
    (files.socket, None)
}

/// A path for a setting that takes all of its line; `None` if it cannot stand there.
fn plain(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let is_whole = text == text.trim() && !text.chars().any(char::is_control);
    is_whole.then(|| text.replace('%', "%%"))
}

fn variable(name: &str, value: impl AsRef<OsStr>) -> String {
    let mut assignment = OsString::from(name);
    assignment.push("=");
    assignment.push(value);
    quoted(&assignment, Dollar::Plain)
}

/// The meaning of `$` in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dollar {
    Plain,
    Variable,
}

/// A word between quotes, in which nothing stands for anything else.
fn quoted(word: &OsStr, dollar: Dollar) -> String {
    let mut text = String::from("\"");
    for &byte in word.as_bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', byte.into()]),
            b'%' => text.push_str("%%"),
            b'$' if dollar == Dollar::Variable => text.push_str("$$"),
            b' '..=b'~' => text.push(byte.into()),
            // It cannot fail: a `String` takes everything.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a quoted word as systemd does.
    fn unquoted(text: &str, dollar: Dollar) -> Vec<u8> {
        let inside = text.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let mut bytes = inside.bytes();
        let mut word = Vec::new();
        while let Some(byte) = bytes.next() {
            word.push(match byte {
                b'%' => {
                    assert_eq!(bytes.next(), Some(b'%'), "a specifier in {text}");
                    b'%'
                }
                b'$' if dollar == Dollar::Variable => {
                    assert_eq!(bytes.next(), Some(b'$'), "a variable in {text}");
                    b'$'
                }
                b'"' => panic!("a quote in {text}"),
                b'\\' => match bytes.next().unwrap() {
                    b'x' => {
                        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    other => other,
                },
                byte => byte,
            });
        }
        word
    }

    #[test]
    fn what_systemd_would_replace_is_written_so_that_it_stays() {
        let word = OsStr::new("100% $HOME \"a\\b\"\n");
        assert_eq!(
            quoted(word, Dollar::Variable),
            r#""100%% $$HOME \"a\\b\"\x0a""#
        );
        assert_eq!(quoted(word, Dollar::Plain), r#""100%% $HOME \"a\\b\"\x0a""#);
        assert_eq!(plain(Path::new("/a b/%t")).as_deref(), Some("/a b/%%t"));
        assert_eq!(plain(Path::new("/a\nb")), None);
    }

    proptest! {
        #[test]
        fn every_word_is_one_word_on_one_line(word: OsString) {
            for dollar in [Dollar::Plain, Dollar::Variable] {
                let text = quoted(&word, dollar);
                prop_assert!(!text.contains('\n'));
                prop_assert_eq!(unquoted(&text, dollar), word.as_bytes());
            }
        }
    }
}
