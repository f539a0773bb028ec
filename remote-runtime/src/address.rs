//! Where a server is: its name and its address, and the variable that overrides the address.

mod network;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::program::Scope;
use crate::{paths, shape};
use network::is_network;

pub(crate) use network::Network;
#[cfg(feature = "tcp")]
pub(crate) use network::Scheme;

/// An address, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// At the other end of a process' input and output.
    Piped(Piped),
    /// Over a network.
    Network(Network),
    /// In this very process: functions run where they are called.
    Local,
    /// In this very process, which serves the single client that has started it.
    Child,
}

/// A process that is spoken to over its input and output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piped {
    /// `ssh`, which runs a program on another machine, which leads to the server there.
    Ssh {
        /// As ssh takes it: `host`, `user@host`, or a name of its configuration.
        destination: String,
        /// As the shell there takes it: looked up in its PATH, or seen from the home folder, or absolute.
        program: String,
    },
    /// A program that is the server itself, for one client: the program and its arguments.
    Stdio(String),
}

impl Address {
    /// The socket on this machine of the server of that name, should it be here; `None` if it is not here.
    pub(crate) fn socket(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Unix(path) => Some(path.clone()),
            Self::Network(network) => Some(beside(name, network)),
            Self::Piped(_) | Self::Local | Self::Child => None,
        }
    }
}

impl fmt::Display for Piped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh {
                destination,
                program,
            } => write!(f, "ssh://{destination}/{program}"),
            Self::Stdio(words) => write!(f, "stdio:{words}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Piped(piped) => write!(f, "{piped}"),
            Self::Network(network) => write!(f, "{network}"),
            Self::Local => f.write_str("local:"),
            Self::Child => f.write_str("stdio:"),
        }
    }
}

/// The separator between the name of a server and the mark of the programs that share it.
const APART: char = '+';

/// How the name of a link to a socket ends.
pub(crate) const LINK: &str = "link";

/// The longest key of a server that there is one of for each key, in bytes.
pub(crate) const LONGEST_KEY: usize = 1024;

/// Whether a server may have this name, asked when its `static` is compiled.
pub(crate) const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > 64 || is(bytes, b"debug") || is(bytes, b"explain") {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if !(bytes[i].is_ascii_alphanumeric()
            || bytes[i] == b'.'
            || bytes[i] == b'_'
            || bytes[i] == b'-')
        {
            return false;
        }
        i += 1;
    }
    // These two are folders.
    !is(bytes, b".") && !is(bytes, b"..")
}

/// Whether it is an address, asked when a server's `static` is compiled, and of the variable.
pub(crate) const fn is_address(address: &str) -> bool {
    let bytes = address.as_bytes();
    is(bytes, b"local:")
        || (begins(bytes, b"unix:/") && bytes[bytes.len() - 1] != b'/')
        || is_network(bytes)
        || (begins(bytes, b"ssh://") && ssh_slash(bytes) + 1 < bytes.len())
        || (begins(bytes, b"stdio:")
            && bytes.len() > b"stdio:".len()
            && !bytes[b"stdio:".len()].is_ascii_whitespace())
}

/// Where the destination of an `ssh://` address ends. It is `usize::MAX - 1` where it has none: one that
/// begins with `-` would be an option of ssh.
const fn ssh_slash(bytes: &[u8]) -> usize {
    const START: usize = b"ssh://".len();
    let mut i = START;
    while i < bytes.len() && bytes[i] != b'/' {
        i += 1;
    }
    if i == START || bytes[START] == b'-' {
        return usize::MAX - 1;
    }
    i
}

const fn is(bytes: &[u8], word: &[u8]) -> bool {
    bytes.len() == word.len() && begins(bytes, word)
}

/// Whether `bytes` begin with `word`, in letters of any case.
const fn begins(bytes: &[u8], word: &[u8]) -> bool {
    match bytes.split_at_checked(word.len()) {
        Some((start, _)) => start.eq_ignore_ascii_case(word),
        None => false,
    }
}

/// The variable that overrides the address of the server of that name.
pub(crate) fn variable(name: &str) -> String {
    let mut variable = String::from("REMOTEX_");
    for c in name.chars() {
        variable.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        });
    }
    variable
}

/// The address of the server of that name: from its variable, or as given, or the default, which
/// the programs of a scope share.
///
/// # Errors
/// In words, if the variable is no address.
pub(crate) fn resolve(
    name: &str,
    given: Option<&'static str>,
    scope: &dyn Fn() -> &'static Scope,
) -> Result<Address, String> {
    let given = || given.and_then(|address| parse(address.into()).ok());
    let default = || Address::Unix(usual(name, scope()));
    overridden(name).unwrap_or_else(|| Ok(given().unwrap_or_else(default)))
}

/// The socket of the server of that name for the programs of a scope, if nothing says otherwise.
pub(crate) fn usual(name: &str, scope: &Scope) -> PathBuf {
    let mark = match scope {
        Scope::Installed => String::new(),
        // No name has this character.
        scope => format!("{APART}{:016x}", hash(&scope.words())),
    };
    paths::folder().join(format!("{name}{mark}.sock"))
}

/// Where the socket of its own is, on its machine, of the server of that name that is met at `network`.
fn beside(name: &str, network: &Network) -> PathBuf {
    let place = hash(network.to_string().as_bytes());
    // No name has this character.
    paths::folder().join(format!("{name}~{place:016x}.sock"))
}

/// The address that the variable of the server of that name says, if it says one.
///
/// # Errors
/// In words, if it is none.
pub(crate) fn overridden(name: &str) -> Option<Result<Address, String>> {
    let variable = variable(name);
    let value = env::var_os(&variable).filter(|value| !value.is_empty())?;
    if value == "off" {
        return Some(Ok(Address::Local));
    }
    Some(parse(value).map_err(|address| {
        format!("the variable {variable} is `{address}`, which is no address; write `unix:/path`, `tcp://`, `tls://`, `http://` or `https://` and `host:port`, `ssh://host/program`, `stdio:program`, `local:` or `off`")
    }))
}

fn parse(address: OsString) -> Result<Address, String> {
    let bytes = address.into_vec();
    if begins(&bytes, b"unix:/") && !bytes.ends_with(b"/") {
        return Ok(Address::Unix(PathBuf::from(OsString::from_vec(
            bytes[b"unix:".len()..].to_vec(),
        ))));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if !is_address(&text) {
        return Err(text);
    }
    Ok(if let Some(network) = Network::parse(&text) {
        Address::Network(network)
    } else if begins(&bytes, b"ssh://") {
        let (before, after) = text.split_at(ssh_slash(text.as_bytes()));
        Address::Piped(Piped::Ssh {
            destination: before["ssh://".len()..].to_owned(),
            program: after[1..].to_owned(),
        })
    } else if begins(&bytes, b"stdio:") {
        Address::Piped(Piped::Stdio(text["stdio:".len()..].to_owned()))
    } else {
        Address::Local
    })
}

/// The files that belong to a socket.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// Where clients connect.
    pub(crate) socket: PathBuf,
    name: &'static str,
    /// The part of the socket's path that tells it from others of the server's name; the names of
    /// all files begin with what comes until its end.
    mark: Range<usize>,
}

impl Files {
    /// Those of the server of that name at `socket`; one of several, each with a key, has its own.
    pub(crate) fn of(name: &'static str, socket: &Path, key: &str) -> Self {
        let is_sock = socket
            .extension()
            .is_some_and(|extension| extension == "sock");
        let mut path = OsString::from(if is_sock {
            socket.with_extension("")
        } else {
            socket.to_owned()
        });
        let start = path.len() - apart(&path, name);
        if !key.is_empty() {
            // No name has this character.
            path.push(format!("@{:016x}", hash(key.as_bytes())));
        }
        let mark = start..path.len();
        if is_sock {
            path.push(".sock");
        }
        Self {
            socket: path.into(),
            name,
            mark,
        }
    }

    /// The server's name.
    #[cfg(feature = "discovery")]
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Held by the server for its whole life.
    pub(crate) fn lock(&self) -> PathBuf {
        self.beside(".lock")
    }

    /// Held by a caller while it starts the server.
    pub(crate) fn start(&self) -> PathBuf {
        self.beside(".start")
    }

    /// Where a link to the socket lies for those who look for servers; `None` if the socket itself lies
    /// in the folder where they look.
    pub(crate) fn link(&self) -> Option<PathBuf> {
        let folder = paths::folder();
        let mark = OsStr::from_bytes(&self.path()[self.mark.clone()]);
        let place = hash(self.path());
        let link = format!("{}{}~{place:016x}.{LINK}", self.name, mark.display());
        (self.socket.parent() != Some(&folder)).then(|| folder.join(link))
    }

    /// Where the log may be, the best place first.
    pub(crate) fn logs(&self) -> Vec<PathBuf> {
        let mark = OsStr::from_bytes(&self.path()[self.mark.clone()]);
        let log = format!("{}{}.log", self.name, mark.display());
        paths::logs(&log, &self.socket)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let path = [&self.path()[..self.mark.end], suffix.as_bytes()].concat();
        OsString::from_vec(path).into()
    }

    fn path(&self) -> &[u8] {
        self.socket.as_os_str().as_bytes()
    }
}

/// The length of what stands behind the name in the path of a socket of one scope.
fn apart(path: &OsStr, name: &str) -> usize {
    let file = Path::new(path).file_name().map(OsStr::as_bytes);
    let mark = file.and_then(|file| file.strip_prefix(name.as_bytes()));
    let mark = mark.filter(|mark| mark.first() == Some(&(APART as u8)));
    mark.map_or(0, <[u8]>::len)
}

/// A key, or a path, as part of a file's name.
fn hash(text: &[u8]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = shape::fnv1a(text).to_le_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names() {
        for good in ["bboard", "a", "A.b_c-1", &"x".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "ü",
            "debug",
            "Explain",
            &"x".repeat(65),
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn addresses() {
        let unix = |path: &str| Ok(Address::Unix(path.into()));
        assert_eq!(parse("unix:/run/x.sock".into()), unix("/run/x.sock"));
        assert_eq!(parse("local:".into()), Ok(Address::Local));
        for (address, destination, program) in [
            ("ssh://host/bboard", "host", "bboard"),
            (
                "ssh://me@host//usr/bin/bboard",
                "me@host",
                "/usr/bin/bboard",
            ),
            ("SSH://h/bin/b", "h", "bin/b"),
        ] {
            let ssh = Piped::Ssh {
                destination: destination.into(),
                program: program.into(),
            };
            assert!(is_address(address), "{address}");
            assert_eq!(parse(address.into()), Ok(Address::Piped(ssh)));
        }
        let stdio = Piped::Stdio("bboard --quiet".into());
        assert_eq!(
            parse("stdio:bboard --quiet".into()),
            Ok(Address::Piped(stdio))
        );
        for bad in [
            "",
            "unix:",
            "unix:/",
            "unix:x",
            "/run/x",
            "local",
            "local:x",
            "tcp://h",
            "ssh://",
            "ssh:///x",
            "ssh://host",
            "ssh://host/",
            "ssh://-oProxyCommand=x/y",
            "stdio:",
            "stdio: x",
        ] {
            assert_eq!(parse(bad.into()), Err(bad.to_owned()));
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn files_lie_beside_their_socket() {
        let files = Files::of("a", Path::new("/run/a.b.sock"), "");
        assert_eq!(files.socket, Path::new("/run/a.b.sock"));
        assert_eq!(files.lock(), Path::new("/run/a.b.lock"));
        assert_eq!(files.start(), Path::new("/run/a.b.start"));
        let files = Files::of("a", Path::new("/run/a.b"), "");
        assert_eq!(files.lock(), Path::new("/run/a.b.lock"));
    }

    #[test]
    fn each_key_has_its_own_files() {
        let of = |key| Files::of("a", Path::new("/run/a.sock"), key);
        let (one, two) = (of("/one"), of("/two"));
        assert_ne!(one.socket, two.socket);
        assert_ne!(one.lock(), two.lock());
        assert_ne!(one.logs(), two.logs());
        let name = one.socket.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("a@") && name.ends_with(".sock"), "{name}");
        assert_eq!(of("/one").socket, one.socket);
    }

    #[test]
    fn each_scope_has_its_own_files() {
        let profile = Scope::Profile("/x/target/debug".into());
        let [installed, apart] = [Scope::Installed, profile].map(|scope| usual("a", &scope));
        let [installed, apart] = [installed, apart].map(|socket| Files::of("a", &socket, "k"));
        assert_ne!(installed.socket, apart.socket);
        assert_ne!(installed.lock(), apart.lock());
        assert_ne!(installed.logs(), apart.logs());
        assert!(apart.logs()[0].to_str().unwrap().contains("/a+"));
    }

    #[test]
    fn a_variable_is_a_variable() {
        assert_eq!(variable("my-server.2"), "REMOTEX_MY_SERVER_2");
    }
}
