//! Folders: which ones are used, and whether they can be trusted.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fmt};

use rustix::io::Errno;

use crate::testing;

/// The folder of all sockets that have no address of their own.
///
/// It is the same for a login session and for cron, which has no `XDG_RUNTIME_DIR`: where that is
/// unset, the folder is taken that it would name. Some systems have that only while the user is logged
/// in; before, cron's server is in `/tmp`, and another one than the session's.
pub(crate) fn folder() -> PathBuf {
    if let Some(folder) = testing::folder() {
        return folder.to_owned();
    }
    if let Some((runtime, None)) = runtime() {
        return runtime.join("remotex");
    }
    let user = rustix::process::geteuid().as_raw();
    let runtime = PathBuf::from(format!("/run/user/{user}"));
    if runtime.is_dir() {
        runtime.join("remotex")
    } else {
        PathBuf::from(format!("/tmp/remotex-{user}"))
    }
}

/// Says, as the end of a sentence, that the folder that `XDG_RUNTIME_DIR` names belongs to another user,
/// if it does: such a folder is not used (XDG Base Directory Specification), since each of the two would
/// lock the other out of what it makes there.
pub(crate) fn remark() -> String {
    match runtime() {
        Some((runtime, Some(owner))) => format!(
            "; XDG_RUNTIME_DIR, which is `{}`, belongs to user {owner} and is not used",
            runtime.display()
        ),
        _ => String::new(),
    }
}

/// The folder that `XDG_RUNTIME_DIR` names, with the user that owns it if that is another one than this
/// process's. It is looked at once, since a first call asks for it several times.
fn runtime() -> &'static Option<(PathBuf, Option<u32>)> {
    static RUNTIME: OnceLock<Option<(PathBuf, Option<u32>)>> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let folder = absolute("XDG_RUNTIME_DIR")?;
        let owner = fs::metadata(&folder).ok().map(|folder| folder.uid());
        let us = rustix::process::geteuid().as_raw();
        Some((folder, owner.filter(|&owner| owner != us)))
    })
}

/// Where the log of a server may be, the best place first: a file `name` in the folder for state, or
/// beside the socket.
pub(crate) fn logs(name: &str, socket: &Path) -> Vec<PathBuf> {
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("remotex"))
        .filter(|_| testing::folder().is_none());
    let beside = socket.parent().map(Path::to_owned);
    state
        .into_iter()
        .chain(beside)
        .map(|folder| folder.join(name))
        .collect()
}

/// Where the keys of servers are: a folder for each, with its name.
#[cfg(feature = "tcp")]
pub(crate) fn keys() -> Option<PathBuf> {
    let config = absolute("XDG_CONFIG_HOME");
    let config = config.or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let config = testing::folder().map(Path::to_owned).or(config);
    config.map(|config| config.join("remotex"))
}

/// A folder that a variable names; what is not absolute does not count (XDG Base Directory Specification).
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// Makes a folder that only its owner can enter, with those above it, if it is not there.
pub(crate) fn create(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, mkdir};
    let made = match (mkdir(folder, Mode::RWXU), folder.parent()) {
        (Err(Errno::NOENT), Some(above)) if above != Path::new("") => {
            create(above)?;
            mkdir(folder, Mode::RWXU)
        }
        (made, _) => made,
    };
    match made {
        // Whatever was refused, it is there.
        Err(_) if folder.is_dir() => Ok(()),
        made => Ok(made?),
    }
}

/// A text as a shell takes it.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What is wrong with a folder, and what to do about it.
#[derive(Debug)]
pub(crate) struct Untrusted(String);

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks that nobody else can put something into the folder of a socket, or take it away.
///
/// A folder of ours must be closed to others. One of the system's, such as `/tmp`, must at least
/// keep them from touching what is not theirs; who listens is checked as well.
///
/// `false` if it is not there.
pub(crate) fn check(folder: &Path) -> Result<bool, Untrusted> {
    let us = rustix::process::geteuid().as_raw();
    let unseen = |e: io::Error| {
        let shown = folder.display();
        Untrusted(format!("the folder `{shown}` cannot be looked at: {e}"))
    };
    let mut metadata = match fs::symlink_metadata(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        seen => seen.map_err(unseen)?,
    };
    if metadata.is_symlink() && [us, 0].contains(&metadata.uid()) {
        metadata = fs::metadata(folder).map_err(unseen)?;
    }
    let (before, after) = match &metadata {
        m if m.is_symlink() => (
            "",
            "is somebody else's link; set XDG_RUNTIME_DIR to a folder of yours",
        ),
        m if !m.is_dir() => (
            "",
            "is not a folder; remove it, or set XDG_RUNTIME_DIR to a folder of yours",
        ),
        m if m.uid() != us && m.uid() != 0 => (
            "the folder ",
            "is somebody else's; set XDG_RUNTIME_DIR to a folder of yours",
        ),
        m if others_can_write(m) => (
            "the folder ",
            "can be written by others; run `chmod 700` on it",
        ),
        _ => return Ok(true),
    };
    Err(Untrusted(format!("{before}`{}` {after}", folder.display())))
}

fn others_can_write(metadata: &Metadata) -> bool {
    const STICKY: u32 = 0o1000;
    metadata.mode() & 0o022 != 0 && metadata.mode() & STICKY == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_folder_that_others_can_write_is_refused_by_name() {
        let base = env::temp_dir().join(format!("remotex-paths-{}", std::process::id()));
        create(&base).unwrap();
        assert!(check(&base).unwrap());
        for mode in [0o770, 0o702, 0o777] {
            fs::set_permissions(&base, fs::Permissions::from_mode(mode)).unwrap();
            let why = check(&base).unwrap_err().to_string();
            assert!(
                why.contains(base.to_str().unwrap()) && why.contains("chmod 700"),
                "{why}"
            );
        }
        fs::set_permissions(&base, fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(check(&base).unwrap());
        symlink(&base, base.join("link")).unwrap();
        assert!(check(&base.join("link")).unwrap());
        assert!(!check(&base.join("nothing")).unwrap());
        fs::remove_dir_all(&base).unwrap();
    }
}
