//! Where the program of this process lies: the path by which it was started, with its links, if
//! that still leads to the file that runs. So an upgrade that turns a link is an upgrade.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::build::Build;
use super::os;

/// The words that the system puts behind the path of a file that was removed.
const REMOVED: &[u8] = b" (deleted)";

/// Where the running file lies after it was replaced or removed.
const RUNNING: &str = "/proc/self/exe";

/// The path of the program: by which it was started, made absolute, if that leads to the file that
/// runs; else where that file lies, or lay.
///
/// # Errors
/// If the system does not tell.
pub(crate) fn path() -> io::Result<PathBuf> {
    if let Some(path) = started_by().filter(|path| is_ours(path)) {
        return Ok(path);
    }
    let path = env::current_exe()?;
    Ok(match path.as_os_str().as_bytes().strip_suffix(REMOVED) {
        Some(before) if !path.exists() => OsStr::from_bytes(before).into(),
        _ => path,
    })
}

/// The path that starts the file that runs, although another one may lie at the program's path by
/// now.
///
/// # Errors
/// If the system does not tell, or a loader runs the program, which would be started instead of it.
pub(crate) fn executable() -> io::Result<PathBuf> {
    let path = path()?;
    if is_loader() {
        return Err(io::Error::other(format!(
            "the loader `{}` runs this program, and would be started instead of it; run the program by its own path",
            path.display()
        )));
    }
    Ok(match is_ours(&path) {
        false if cfg!(target_os = "linux") => RUNNING.into(),
        _ => path,
    })
}

/// Returns `true` if the program's path does not lead to the file that runs any more, because it was
/// replaced or removed since this process began.
pub(crate) fn is_replaced() -> bool {
    if !env::current_exe().is_ok_and(|path| is_ours(&path)) && appimage().is_none() {
        return true;
    }
    let replaced = started_by().filter(|path| !is_ours(path));
    // A script is no program; the one that runs it is.
    replaced.is_some_and(|path| !is_script(&path))
}

/// The path by which this process was started, if that is a path of its program.
fn started_by() -> Option<PathBuf> {
    if let Some(image) = appimage() {
        return Some(image);
    }
    let path = os::invoked()?;
    let is_descriptor = ["/dev/fd", "/proc"].iter().any(|by| path.starts_with(by));
    if is_descriptor || path.as_os_str().is_empty() {
        return None;
    }
    if path.is_absolute() {
        return Some(path);
    }
    // The folder may be another one by now.
    let path: PathBuf = env::current_dir().ok()?.join(path).components().collect();
    is_ours(&path).then_some(path)
}

/// The AppImage that this program is in: it is mounted anew at another place with each start.
pub(super) fn appimage() -> Option<PathBuf> {
    let image = PathBuf::from(env::var_os("APPIMAGE")?);
    let mounted = PathBuf::from(env::var_os("APPDIR")?);
    os::invoked()?;
    let is_inside = env::current_exe().is_ok_and(|path| path.starts_with(mounted));
    (is_inside && image.is_absolute()).then_some(image)
}

/// The path in the form in which it tells whether the program is one of a cargo folder.
pub(super) fn shown() -> Option<PathBuf> {
    match os::invoked().filter(|path| path.is_absolute() && !path.starts_with("/proc")) {
        Some(path) => Some(path),
        None => path().ok(),
    }
}

/// Returns `true` if this program is run by a loader that was started by hand, as by
/// `/lib64/ld-linux-x86-64.so.2 ./program`.
pub(super) fn is_loader() -> bool {
    if os::has_loader() {
        return false;
    }
    // Later versions of the GNU C library put the program's path in the place of the loader's.
    let paths = [os::invoked(), env::current_exe().ok()];
    let is_loader = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_bytes();
        ["ld-linux", "ld-musl", "ld.so", "ld64.so"]
            .iter()
            .any(|loader| name.starts_with(loader.as_bytes()))
    };
    paths.iter().flatten().any(is_loader)
}

fn is_ours(path: &Path) -> bool {
    let ours = Build::ours();
    ours.is_some_and(|ours| Build::at(path).is_some_and(|there| there.same_file(&ours)))
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"#!"
}
