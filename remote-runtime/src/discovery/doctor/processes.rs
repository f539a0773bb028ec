//! Which processes of ours have a file open, where the system shows it: the file system proc(5).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// What it runs.
    name: String,
}

/// The processes that have the file at `path` open.
pub(super) fn that_have_open(path: &Path) -> Vec<Process> {
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let Some(wanted) = identity(path) else {
        return Vec::new();
    };
    let has_it = |process: &Process| {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", process.pid))
            .into_iter()
            .flatten();
        let mut open = descriptors.flatten().map(|entry| identity(&entry.path()));
        open.any(|open| open == Some(wanted))
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = all.filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?));
    processes.filter(has_it).collect()
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
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        state.starts_with(['T', 't'])
    }
}
