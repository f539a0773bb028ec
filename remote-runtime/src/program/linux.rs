//! The facts that Linux tells a process of its own start (getauxval(3)).

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Returns `true` if the kernel has loaded this program and a loader for it, so that it is no loader
/// itself.
pub(super) fn has_loader() -> bool {
    // SAFETY: getauxval(3) reads what the kernel has left for this process, and changes nothing.
    let loader = unsafe { libc::getauxval(libc::AT_BASE) };
    loader != 0
}

/// The path that was given to the kernel when it started this process; `None` for a process with
/// other rights than its caller's, who chooses that path.
pub(super) fn invoked() -> Option<PathBuf> {
    // SAFETY: getauxval(3) reads what the kernel has left for this process, and changes nothing.
    let (path, is_secure) = unsafe {
        (
            libc::getauxval(libc::AT_EXECFN),
            libc::getauxval(libc::AT_SECURE),
        )
    };
    if path == 0 || is_secure != 0 {
        return None;
    }
    // SAFETY: the kernel has put a string there that ends with a zero; it stays as it is for as long
    // as the process lives.
    let path = unsafe { CStr::from_ptr(path as *const libc::c_char) };
    Some(OsStr::from_bytes(path.to_bytes()).into())
}
