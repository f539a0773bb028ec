//! Which programs share the servers of this one, where they have no address of their own: all that
//! are installed, those of one cargo folder, or a test alone.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fmt, process};

use rustix::fs::{Access, access};

use super::path;
use crate::testing;

/// The file that cargo leaves in the folder of a profile.
const CARGO_LOCK: &str = ".cargo-lock";

/// How the name of the folder of a doc test begins.
const DOC_TEST: &str = "rustdoctest";

/// Programs that share servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All that are installed.
    Installed,
    /// Those that cargo has built in the folder of a profile, such as `target/debug`.
    Profile(PathBuf),
    /// A test, and what it starts: the path of its executable and its process.
    Test(PathBuf, u32),
}

static OURS: OnceLock<Scope> = OnceLock::new();

impl Scope {
    /// The scope of this process.
    pub(crate) fn ours() -> &'static Self {
        OURS.get_or_init(|| {
            // A private home is apart from all else already.
            let path = path::shown().filter(|_| !testing::is_home());
            path.map_or(Self::Installed, |path| Self::of(&path))
        })
    }

    /// Makes the scope of the process that has started this one the scope of this one.
    pub(crate) fn inherit(scope: Self) {
        // It is the first thing that a server is told.
        OURS.get_or_init(|| scope);
    }

    /// The scope of a program by its path; a test is taken for one that runs in this process.
    pub(crate) fn of(path: &Path) -> Self {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Self::Installed;
        };
        if is_test(name) || is_doc_test(folder) {
            return Self::Test(path.to_owned(), process::id());
        }
        let is_example = folder.ends_with("examples");
        let profile = folder.parent().filter(|_| is_example).unwrap_or(folder);
        // Where there is none, as it mostly is, the standard library asks the system twice.
        match access(profile.join(CARGO_LOCK), Access::EXISTS) {
            // One folder has one scope, by whatever links it is reached.
            Ok(()) => Self::Profile(
                profile
                    .canonicalize()
                    .unwrap_or_else(|_| profile.to_owned()),
            ),
            Err(_) => Self::Installed,
        }
    }

    /// The bytes that tell its servers from others of their names.
    pub(crate) fn words(&self) -> Vec<u8> {
        let bytes = |path: &PathBuf| path.as_os_str().as_bytes().to_vec();
        match self {
            Self::Installed => Vec::new(),
            Self::Profile(folder) => bytes(folder),
            Self::Test(path, process) => {
                [&process.to_string().into_bytes(), &b":"[..], &bytes(path)].concat()
            }
        }
    }

    /// Reads what [`words`](Self::words) has written.
    pub(crate) fn read(words: &[u8]) -> Option<Self> {
        let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        Some(match words {
            [] => Self::Installed,
            [b'/', ..] => Self::Profile(path(words)),
            _ => {
                let colon = words.iter().position(|&byte| byte == b':')?;
                let process = str::from_utf8(&words[..colon]).ok()?.parse().ok()?;
                Self::Test(path(&words[colon + 1..]), process)
            }
        })
    }

    /// The file without which its programs are gone, and their servers end.
    pub(crate) fn root(&self) -> Option<PathBuf> {
        match self {
            Self::Installed => None,
            Self::Profile(folder) => Some(folder.join(CARGO_LOCK)),
            Self::Test(path, _) => Some(path.clone()),
        }
    }

    /// Returns `true` if its servers end with the process that has started them.
    pub(crate) fn is_test(&self) -> bool {
        matches!(self, Self::Test(..))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => f.write_str("all installed programs"),
            Self::Profile(folder) => write!(f, "the programs in `{}`", folder.display()),
            Self::Test(path, process) => {
                write!(f, "the test `{}`, process {process}", path.display())
            }
        }
    }
}

/// Returns `true` for a name that cargo gives to a test: `NAME-` and 16 hexadecimal digits.
fn is_test(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let Some(at) = name.len().checked_sub(17) else {
        return false;
    };
    at > 0 && name[at] == b'-' && name[at + 1..].iter().all(u8::is_ascii_hexdigit)
}

fn is_doc_test(folder: &Path) -> bool {
    let names = folder.iter();
    let mut names = names.map(OsStr::as_bytes);
    names.any(|name| name.starts_with(DOC_TEST.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_program_belongs_to_the_folder_of_its_profile() {
        let target = std::env::temp_dir().join(format!("remotex-scope-{}", process::id()));
        let link = target.with_extension("link");
        let profile = target.join("debug");
        fs::create_dir_all(profile.join("examples")).unwrap();
        assert_eq!(Scope::of(&profile.join("app")), Scope::Installed);
        fs::write(profile.join(CARGO_LOCK), "").unwrap();
        for program in ["app", "examples/app", "app-0123456789abcde"] {
            let scope = Scope::of(&profile.join(program));
            assert_eq!(scope, Scope::Profile(profile.clone()), "{program}");
        }
        symlink(&target, &link).unwrap();
        for program in [link.join("debug/app"), profile.join("../debug/app")] {
            let scope = Scope::of(&program);
            assert_eq!(
                scope,
                Scope::Profile(profile.clone()),
                "{}",
                program.display()
            );
        }
        fs::remove_file(link).unwrap();
        for program in ["deps/it-0123456789abcdef", "examples/zoo-0123456789abcdef"] {
            let path = profile.join(program);
            assert_eq!(Scope::of(&path), Scope::Test(path, process::id()));
        }
        let installed = target.join("app");
        assert_eq!(Scope::of(&installed), Scope::Installed);
        fs::remove_dir_all(target).unwrap();
    }

    #[test]
    fn a_doc_test_is_a_test() {
        let path = Path::new("/tmp/rustdoctestAbC/rust_out");
        assert!(Scope::of(path).is_test());
        assert!(!Scope::of(Path::new("/tmp/rust_out")).is_test());
    }

    #[test]
    fn every_scope_is_read_back() {
        for scope in [
            Scope::Installed,
            Scope::Profile("/a:b/debug".into()),
            Scope::Test("/a:b/it-0".into(), 7),
        ] {
            assert_eq!(Scope::read(&scope.words()), Some(scope));
        }
        assert_eq!(Scope::read(b"x:/y"), None);
    }
}
