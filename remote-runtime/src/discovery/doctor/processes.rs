//! Which processes of ours have a file open, where the system shows it: the file system proc(5).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::transport;

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// What it runs.
    name: String,
}

/// The processes that hold the lock at `path`, but not those that only wait for it or read it.
pub(super) fn that_hold(path: &Path) -> Vec<Process> {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let Some(wanted) = identity(path) else {
        return Vec::new();
    };
    let has_it = |process: &Process| {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", process.pid))
            .into_iter()
            .flatten();
        let mut open = descriptors
            .flatten()
            .filter(|entry| identity(&entry.path()) == Some(wanted));
        open.any(|entry| is_locked(process.pid, &entry.file_name()))
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = all.filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?));
    processes.filter(has_it).collect()
}

/// Whether the lock is held by this very descriptor.
fn is_locked(pid: u32, descriptor: &OsStr) -> bool {
    let about = format!("/proc/{pid}/fdinfo/{}", descriptor.display());
    let about = fs::read_to_string(about).unwrap_or_default();
    about
        .lines()
        .any(|line| line.starts_with("lock:") && line.contains("FLOCK"))
}

/// Those processes, in words that follow what they have.
pub(super) fn words(processes: &[Process]) -> String {
    let each: Vec<_> = processes
        .iter()
        .map(|it| format!("process {} (`{}`)", it.pid, it.name))
        .collect();
    match *each {
        [] => String::new(),
        _ => format!(" by {}", each.join(", ")),
    }
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        let name = name.trim_end().to_owned();
        (pid != std::process::id()).then_some(Self { pid, name })
    }

    /// Whether a signal has stopped it.
    pub(super) fn is_stopped(&self) -> bool {
        transport::is_stopped(self.pid)
    }
}
