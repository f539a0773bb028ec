//! Systems that do not tell a process by which path it was started.

use std::path::PathBuf;

pub(super) fn has_loader() -> bool {
    true
}

pub(super) fn invoked() -> Option<PathBuf> {
    None
}
