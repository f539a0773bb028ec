//! The part of its starter's environment that a server keeps.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, iter};

/// Variables that a server keeps as they are. [`Server::keep_env`](crate::Server::keep_env) lists them.
const KEPT: &[&str] = &[
    // The user and its habits.
    "HOME",
    "USER",
    "PATH",
    "LANG",
    "TZ",
    "TMPDIR",
    "RUST_BACKTRACE",
    "RUST_LOG",
    // Allocators.
    "GLIBC_TUNABLES",
    "_RJEM_MALLOC_CONF",
    // Proxies of a network.
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// The same, by how they begin: locale, folders, remotex itself, allocators.
const KEPT_PREFIXES: &[&str] = &["LC_", "XDG_", "REMOTEX_", "MALLOC_"];

/// Variables with paths, separated by colons: a server, which runs in `/`, has them absolute.
const PATHS: &[&str] = &[
    // The loader.
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_INSERT_LIBRARIES",
    // Coverage.
    "LLVM_PROFILE_FILE",
    // Certificates.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Options of sanitizers.
const SANITIZERS: &[&str] = &[
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "MSAN_OPTIONS",
    "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
];

/// The variables that a server keeps of this process's environment, with `more` of them.
pub(super) fn kept(more: &[&str]) -> impl Iterator<Item = (OsString, OsString)> {
    let folder = env::current_dir().unwrap_or_else(|_| "/".into());
    env::vars_os().filter_map(move |(name, value)| {
        let known = name.to_str()?;
        if PATHS.contains(&known) {
            return Some((name, absolute(&value, &folder)));
        }
        let is_kept = KEPT.contains(&known)
            || SANITIZERS.contains(&known)
            || more.contains(&known)
            || KEPT_PREFIXES.iter().any(|prefix| known.starts_with(prefix));
        is_kept.then_some((name, value))
    })
}

/// Paths that are separated by colons, the relative ones below `folder`.
fn absolute(paths: &OsStr, folder: &Path) -> OsString {
    let mut all = Vec::new();
    for (n, path) in paths.as_bytes().split(|&byte| byte == b':').enumerate() {
        all.extend(iter::repeat_n(b':', usize::from(n > 0)));
        let path = PathBuf::from(OsStr::from_bytes(path));
        let stays = path.as_os_str().is_empty() || path.is_absolute();
        let path = if stays { path } else { folder.join(path) };
        all.extend_from_slice(path.as_os_str().as_bytes());
    }
    OsString::from_vec(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_begin_at_the_folder() {
        for (paths, expected) in [
            ("", ""),
            ("/a", "/a"),
            ("a", "/f/a"),
            ("/a:b/c::d-%p", "/a:/f/b/c::/f/d-%p"),
        ] {
            assert_eq!(absolute(OsStr::new(paths), Path::new("/f")), expected);
        }
    }
}
