//! Servers that a program does not declare: which ones there are, and what is wrong with one.
//!
//! A server leaves its lock in the folder of all servers, or a link to its socket, if that lies
//! elsewhere; in the lock stands who it is. So they are found without a list that could be wrong.
//!
//! ```
//! # extern crate remote_runtime as remotex;
//! for found in remotex::discovery::servers()? {
//!     println!("{} {:?}", found.name, found.state());
//! }
//! # Ok::<(), remotex::Error>(())
//! ```

mod doctor;
mod unit;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::address::{self, Address, Files, LINK};
use crate::daemon::lock::Lock;
use crate::daemon::note::Note;
use crate::error::{Call, Error, Result};
use crate::network;
use crate::paths;
use crate::paths::quoted;
use crate::program::Scope;
use crate::server::{Server, Status, check_name};

pub use doctor::{Check, Verdict, examine};
pub use unit::{Unit, unit};

/// A server of this user.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Which one it is of those that there are for each key; empty if there is one only.
    pub key: String,
    /// Where it is: `unix:/path`, or where it is met over a network.
    pub address: String,
    /// The program that it runs, or did when it ran last; empty if that is not known.
    pub program: PathBuf,
    /// For what is done with it: to call its functions, to stop and to start it.
    pub server: &'static Server,
    files: Files,
}

impl Found {
    /// What it does. It is asked, and has some seconds to answer.
    #[must_use]
    pub fn state(&self) -> State {
        let is_held = |lock: &Path| Lock::is_held(lock);
        let (start, lock) = (self.files.start(), self.files.lock());
        match (is_held(&start), is_held(&lock)) {
            (true, _) => State::Starting,
            (false, false) => State::Stopped,
            (false, true) => match self.server.status() {
                Ok(status) => State::Running(status),
                Err(_) if !is_held(&lock) => State::Stopped,
                Err(e) => State::Silent(e),
            },
        }
    }
}

/// What a server does that was found.
#[derive(Debug)]
#[non_exhaustive]
pub enum State {
    /// It runs.
    Running(Status),
    /// Somebody is starting it.
    Starting,
    /// Its process is there, and does not say what it does.
    Silent(Error),
    /// It has run, and does not any more.
    Stopped,
}

/// The servers of this user that run, and those that have since the folder of their sockets was made,
/// in the order of their names and keys.
///
/// It starts none, and asks none. What is kept of each server stays for as long as this process.
///
/// # Errors
/// If the folder of the sockets cannot be trusted or looked at.
pub fn servers() -> Result<Vec<Found>> {
    Ok(traces()?.into_iter().map(Trace::found).collect())
}

/// The server of that name; if there is one for each key, that of `key`, which need not be said if there
/// is only one. It starts none.
///
/// # Errors
/// [`Error::Unreachable`] if there is nothing of such a server, or of more than one.
pub fn server(name: &str, key: Option<&str>) -> Result<&'static Server> {
    if let Some(Ok(far @ (Address::Piped(_) | Address::Network(_)))) =
        address::overridden(name).filter(|_| address::is_name(name))
    {
        let addressed = match &far {
            Address::Network(network) => network::key(network),
            _ => None,
        };
        let key_or_none = key.or(addressed.as_deref()).unwrap_or_default();
        // One that is met over a network may be here all the same, and then its program is known.
        let note = far.socket(name).and_then(|socket| {
            let trace = Trace::at(name, key_or_none, socket);
            trace.is_noted.then_some(trace.note)
        });
        return Ok(Server::of_found(leaked(name), key_or_none, far, note));
    }
    Ok(trace_of(name, key)?.server())
}

/// The folder with what the server of that name and its clients know each other by, over a network. It is
/// made if it is not there, with a token. Only its user can read it.
///
/// # Errors
/// If it cannot be made, or there is no place for it: neither XDG_CONFIG_HOME nor HOME is set.
///
/// ```no_run
/// # extern crate remote_runtime as remotex;
/// let folder = remotex::discovery::keys("bboard")?;
/// println!("{}", folder.join("token").display());
/// # Ok::<(), remotex::Error>(())
/// ```
#[cfg(feature = "tcp")]
pub fn keys(name: &str) -> Result<PathBuf> {
    check_name(name)?;
    network::make_keys(Call::control(name))
}

fn trace_of(name: &str, key: Option<&str>) -> Result<Trace> {
    check_name(name)?;
    let call = Call::control(name);
    let moved = address::overridden(name);
    if let Some(address) = moved {
        let address = address.map_err(|e| Error::Unreachable(call.trouble(e)))?;
        let Some(socket) = address.socket(name) else {
            return Err(Error::Unreachable(call.trouble(format_args!(
                "there is no server, since the variable {0} makes its functions run where they are called; `unset {0}` to use one",
                address::variable(name)
            ))));
        };
        return Ok(Trace::at(name, key.unwrap_or_default(), socket));
    }
    let mut traces = traces()?;
    let others = names(&traces);
    traces.retain(|trace| trace.note.server == name);
    if let Some(key) = key {
        traces.retain(|trace| trace.note.key == key);
    }
    match &mut *traces {
        [one] => Ok(one.clone()),
        [] => {
            let folder = paths::folder();
            let which = key.map(|key| format!(" for `{key}`")).unwrap_or_default();
            Err(Error::Unreachable(call.trouble(format_args!(
                "there is none of that name{which} in `{}`{others}",
                folder.display()
            ))))
        }
        several => {
            let running = several
                .iter()
                .filter(|trace| Lock::is_held(&trace.files.lock()));
            if let (&[one], None) = (&*running.collect::<Vec<_>>(), key) {
                return Ok(one.clone());
            }
            let mut its_keys: Vec<_> = several.iter().map(|trace| &*trace.note.key).collect();
            its_keys.dedup();
            if let [_] = *its_keys {
                return at_several_places(name, several);
            }
            Err(Error::Unreachable(call.trouble(format_args!(
                "there is more than one; say which by its key (`--key`): {}",
                listed_keys(several)
            ))))
        }
    }
}

/// Chooses among servers that differ only by their address: the one that runs; if none runs, the one at
/// the default address.
fn at_several_places(name: &str, traces: &[Trace]) -> Result<Trace> {
    let is_running = |trace: &&Trace| Lock::is_held(&trace.files.lock());
    let found = match &*traces.iter().filter(is_running).collect::<Vec<_>>() {
        [] => traces.iter().find(|trace| trace.is_usual()),
        [one] => Some(*one),
        _ => None,
    };
    if let Some(found) = found {
        return Ok(found.clone());
    }
    let places = traces.iter().map(|trace| match &*trace.note.address {
        "" => format!("unix:{}", trace.socket.display()),
        network => network.to_owned(),
    });
    let places: Vec<_> = places.collect();
    Err(Error::Unreachable(Call::control(name).trouble(
        format_args!(
            "there is more than one; say which by the variable {}: `{}`",
            address::variable(name),
            places.join("`, `")
        ),
    )))
}

/// What a server has left where it is looked for.
#[derive(Debug, Clone)]
struct Trace {
    note: Note,
    /// Whether the note is its own.
    is_noted: bool,
    /// The socket of the server without a key.
    socket: PathBuf,
    files: Files,
}

impl Trace {
    /// That of a server whose socket without a key is known.
    fn at(name: &str, key: &str, socket: PathBuf) -> Self {
        let files = Files::of(leaked(name), &socket, key);
        let noted =
            Note::at(&files.lock()).filter(|note| (&*note.server, &*note.key) == (name, key));
        Self {
            is_noted: noted.is_some(),
            note: noted.unwrap_or_else(|| Note {
                server: name.to_owned(),
                key: key.to_owned(),
                ..Note::default()
            }),
            socket,
            files,
        }
    }

    /// That of the server whose own socket is at `path`, as its note says; `None` if that is not true.
    fn of_socket(path: &Path, name: Option<&str>) -> Option<Self> {
        let lock = Files::of("", path, "").lock();
        if !lock.exists() {
            return None;
        }
        let note = Note::at(&lock);
        let key = note.as_ref().map_or("", |note| &note.key);
        let name = note.as_ref().map(|note| &*note.server).or(name)?;
        let mut socket = path.to_owned();
        if !key.is_empty() {
            let (stem, mark) = path.file_name()?.to_str()?.rsplit_once('@')?;
            let end = mark.trim_start_matches(|c: char| c.is_ascii_hexdigit());
            socket.set_file_name(format!("{stem}{end}"));
        }
        let trace = address::is_name(name).then(|| Self::at(name, key, socket))?;
        (trace.files.socket == path).then_some(trace)
    }

    /// Returns `true` if it is at the default address of installed programs.
    fn is_usual(&self) -> bool {
        self.socket == address::usual(&self.note.server, &Scope::Installed)
    }

    fn server(&self) -> &'static Server {
        type Known = (Trace, &'static Server);
        static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock();
        let is_this = |(trace, _): &&Known| {
            (&trace.note, trace.is_noted, &trace.socket)
                == (&self.note, self.is_noted, &self.socket)
        };
        if let Some((_, server)) = known.iter().find(is_this) {
            return server;
        }
        let note = self.is_noted.then(|| self.note.clone());
        let server = Server::of_found(
            leaked(&self.note.server),
            &self.note.key,
            Address::Unix(self.socket.clone()),
            note,
        );
        known.push((self.clone(), server));
        server
    }

    fn found(self) -> Found {
        Found {
            address: match &*self.note.address {
                "" => Address::Unix(self.files.socket.clone()).to_string(),
                network => network.to_owned(),
            },
            server: self.server(),
            name: self.note.server,
            key: self.note.key,
            program: self.note.program,
            files: self.files,
        }
    }
}

/// What servers have left in the folder of all of them.
fn traces() -> Result<Vec<Trace>> {
    let folder = paths::folder();
    let call = Call::control("");
    if !paths::check(&folder).map_err(|e| Error::Denied(call.trouble(e)))? {
        return Ok(Vec::new());
    }
    let unseen = |e: io::Error| {
        call.io(
            format_args!("the folder `{}` cannot be read", folder.display()),
            e,
        )
    };
    let mut traces = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unseen)? {
        let path = entry.map_err(unseen)?.path();
        let (Some(stem), Some(extension)) = (path.file_stem(), path.extension()) else {
            continue;
        };
        if extension == LINK {
            // Whatever else is called so is none of ours.
            let Ok(socket) = fs::read_link(&path) else {
                continue;
            };
            let lock = fs::symlink_metadata(Files::of("", &socket, "").lock());
            if lock.is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                // Nothing is left of the server that it was for.
                let _ = fs::remove_file(&path);
            }
            traces.extend(Trace::of_socket(&socket, None));
        } else if extension == "lock"
            && let Some(name) = stem.to_str()
        {
            traces.extend(Trace::of_socket(&path.with_extension("sock"), Some(name)));
        }
    }
    traces.sort_by(|a, b| (&a.note.server, &a.note.key).cmp(&(&b.note.server, &b.note.key)));
    Ok(traces)
}

/// Their keys, as a shell takes them.
fn listed_keys(traces: &[Trace]) -> String {
    let keys = traces.iter().map(|trace| quoted(&trace.note.key));
    keys.collect::<Vec<_>>().join(", ")
}

/// Which servers there are, in words that follow where.
fn names(traces: &[Trace]) -> String {
    const MOST: usize = 8;
    let mut names: Vec<_> = traces.iter().map(|trace| &*trace.note.server).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MOST);
    match *names {
        [] => "; run the program that it belongs to".into(),
        _ => format!(", where there is `{}`", names.join("`, `")),
    }
}

/// A name that stays, once for each.
fn leaked(name: &str) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock();
    if let Some(known) = names.iter().find(|known| **known == name) {
        return known;
    }
    let name: &'static str = name.to_owned().leak();
    names.push(name);
    name
}
