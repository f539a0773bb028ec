//! Paths that name another file in each process.

use std::path::{Component, Path, PathBuf};

/// A file of the process that opens it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// A file in the folder that `/proc` has for the process, such as `fd/0`.
    InProc(PathBuf),
    /// The process's terminal.
    Terminal,
}

/// Names of files, and which files in the process's folder in `/proc` they are.
const FILES: [(&str, &str); 3] = [
    ("/dev/stdin", "fd/0"),
    ("/dev/stdout", "fd/1"),
    ("/dev/stderr", "fd/2"),
];

/// The same of folders.
const FOLDERS: [(&str, &str); 3] = [
    ("/dev/fd", "fd"),
    ("/proc/self", ""),
    ("/proc/thread-self", ""),
];

/// The file that an absolute path names if each process has one of its own by that name.
///
/// Links are not followed, but for those that the system itself has: `/dev/stdin` and its like.
pub(super) fn own(path: &Path) -> Option<Own> {
    let path = without_parents(path);
    if path == Path::new("/dev/tty") {
        return Some(Own::Terminal);
    }
    let file = FILES.iter().find(|(name, _)| path == Path::new(name));
    let in_folder = || {
        FOLDERS
            .iter()
            .find_map(|(name, folder)| Some(Path::new(folder).join(path.strip_prefix(name).ok()?)))
    };
    file.map(|(_, file)| file.into())
        .or_else(in_folder)
        .map(Own::InProc)
}

/// The name by which its process opens a file below its folder in `/proc`.
pub(super) fn name_of(in_proc: &Path) -> PathBuf {
    if let Ok(below_its_own) = in_proc.strip_prefix("cwd") {
        return below_its_own.to_owned();
    }
    if let Some((name, _)) = FILES.iter().find(|(_, file)| in_proc == Path::new(file)) {
        return name.into();
    }
    FOLDERS
        .iter()
        .find_map(|(name, folder)| Some(Path::new(name).join(in_proc.strip_prefix(folder).ok()?)))
        .unwrap_or_else(|| in_proc.to_owned())
}

/// An absolute path in which each `..` has taken back the name before it.
fn without_parents(path: &Path) -> PathBuf {
    let mut without = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(without.pop()),
            component => without.push(component),
        }
    }
    without
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_of_each_process_are_known() {
        let in_proc = |path: &str| Some(Own::InProc(path.into()));
        for (path, found) in [
            ("/dev/stdin", in_proc("fd/0")),
            ("/dev/../dev//./stdout", in_proc("fd/1")),
            ("/dev/fd/63", in_proc("fd/63")),
            ("/proc/self/cwd/a", in_proc("cwd/a")),
            ("/proc/thread-self/fd/5", in_proc("fd/5")),
            ("/dev/tty", Some(Own::Terminal)),
            ("/dev/null", None),
            ("/dev/stdin/x", None),
            ("/dev/fd", in_proc("fd")),
            ("/proc/self", in_proc("")),
            ("/home/dev/stdin", None),
            ("/proc/1/fd/0", None),
            ("/", None),
        ] {
            assert_eq!(own(Path::new(path)), found, "{path}");
        }
    }

    #[test]
    fn names_that_are_no_text_stay_what_they_are() {
        let odd = OsStr::from_bytes(b"\xff");
        assert_eq!(own(&Path::new("/dev").join(odd).join("stdin")), None);
        let below = Path::new("cwd").join(odd);
        let path = Path::new("/proc/self").join(&below);
        assert_eq!(own(&path), Some(Own::InProc(below)));
    }

    proptest! {
        #[test]
        fn a_name_leads_back(descriptor in 0u32.., file in "[a-z]{1,8}") {
            for in_proc in [format!("fd/{descriptor}"), format!("x-{file}")] {
                let name = name_of(Path::new(&in_proc));
                prop_assert_eq!(own(&name), Some(Own::InProc(in_proc.into())));
            }
        }
    }
}
