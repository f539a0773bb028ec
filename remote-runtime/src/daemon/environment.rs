//! The part of its starter's environment that a server keeps.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Variables that a server keeps as they are. [`Server::keep_env`](crate::Server::keep_env) lists these
/// and the others.
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
    // Libraries that are loaded first, mostly by names that the loader looks for.
    "LD_PRELOAD",
    "DYLD_INSERT_LIBRARIES",
    // Sanitizers.
    "ASAN_OPTIONS",
    "LSAN_OPTIONS",
    "MSAN_OPTIONS",
    "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
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
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    // Coverage.
    "LLVM_PROFILE_FILE",
    // Certificates.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
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
            || more.contains(&known)
            || KEPT_PREFIXES.iter().any(|prefix| known.starts_with(prefix));
        is_kept.then_some((name, value))
    })
}

/// Paths that are separated by colons, the relative ones below `folder`.
fn absolute(paths: &OsStr, folder: &Path) -> OsString {
    let absolute = |path: &[u8]| match path {
        [] => Vec::new(),
        // An absolute path takes the place of the folder.
        path => folder
            .join(OsStr::from_bytes(path))
            .into_os_string()
            .into_vec(),
    };
    let paths = paths.as_bytes().split(|&byte| byte == b':');
    OsString::from_vec(paths.map(absolute).collect::<Vec<_>>().join(&b':'))
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
