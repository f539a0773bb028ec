//! Paths that name another file in each process.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// A file of the process that opens it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// A file in the folder that `/proc` has for the process, such as `fd/0`.
    InProc(PathBuf),
    /// The process's terminal.
    Terminal,
}

/// The file that an absolute path names if each process has one of its own by that name.
///
/// Links are not followed, but for those that the system itself has: `/dev/stdin` and its like.
pub(super) fn own(path: &Path) -> Option<Own> {
    let names = names(path);
    let names: Vec<_> = names.iter().filter_map(|name| name.to_str()).collect();
    let in_proc = |folder: &str, rest: &[&str]| {
        let mut path = PathBuf::from(folder);
        path.extend(rest);
        Some(Own::InProc(path))
    };
    match *names {
        ["dev", "stdin"] => in_proc("fd/0", &[]),
        ["dev", "stdout"] => in_proc("fd/1", &[]),
        ["dev", "stderr"] => in_proc("fd/2", &[]),
        ["dev", "tty"] => Some(Own::Terminal),
        ["dev", "fd", ref rest @ ..] => in_proc("fd", rest),
        ["proc", "self" | "thread-self", ref rest @ ..] => in_proc("", rest),
        _ => None,
    }
}

/// The name by which its process opens a file below its folder in `/proc`.
pub(super) fn name_of(in_proc: &Path) -> PathBuf {
    match in_proc.to_str() {
        Some("fd/0") => "/dev/stdin".into(),
        Some("fd/1") => "/dev/stdout".into(),
        Some("fd/2") => "/dev/stderr".into(),
        _ => match (in_proc.strip_prefix("cwd"), in_proc.strip_prefix("fd")) {
            (Ok(rest), _) => rest.to_owned(),
            (_, Ok(rest)) => Path::new("/dev/fd").join(rest),
            _ => Path::new("/proc/self").join(in_proc),
        },
    }
}

/// The names of an absolute path, without those that others take back.
fn names(path: &Path) -> Vec<OsString> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(OsStr::to_owned(name)),
            Component::ParentDir => drop(names.pop()),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            ("/home/dev/stdin", None),
            ("/proc/1/fd/0", None),
            ("/", None),
        ] {
            assert_eq!(own(Path::new(path)), found, "{path}");
        }
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
