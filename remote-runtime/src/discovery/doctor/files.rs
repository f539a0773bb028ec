//! The files of a server: their folder, the socket, the log.

use std::fs::{self, FileType};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::{Exam, LITTLE_ROOM};
use crate::daemon::lock::Lock;
use crate::discovery::Trace;
use crate::paths::quoted;
use crate::{address, paths, transport};

/// Whether a log can be there: its folder is there or can be made.
fn can_be(log: &Path) -> bool {
    let folders = log.ancestors().skip(1);
    let there = folders
        .into_iter()
        .find(|folder| fs::symlink_metadata(folder).is_ok());
    there.is_some_and(|folder| folder.is_dir() && access(folder, Access::WRITE_OK).is_ok())
}

impl Exam<'_> {
    /// How to have another folder than this one.
    pub(super) fn other_folder(&self, moved: Option<&Path>) -> String {
        let usual = format!("/run/user/{}", geteuid().as_raw());
        if moved.is_some() {
            format!("unset {}", address::variable(self.name))
        } else if paths::check(Path::new(&usual)).unwrap_or(false)
            && !paths::folder().starts_with(&usual)
        {
            format!("export XDG_RUNTIME_DIR={usual}")
        } else {
            "unset XDG_RUNTIME_DIR".into()
        }
    }

    pub(super) fn folder(&mut self, moved: Option<&Path>) -> Option<()> {
        let folder = match moved {
            Some(socket) => socket.parent().unwrap_or(socket).to_owned(),
            None => paths::folder(),
        };
        let shown = folder.display();
        let is_ours =
            fs::metadata(&folder).is_ok_and(|it| it.is_dir() && it.uid() == geteuid().as_raw());
        let open_it = || format!("chmod 700 {}", quoted(&folder.to_string_lossy()));
        match paths::check(&folder) {
            Err(e) if is_ours => self.wrong("folder", e.to_string(), open_it()),
            Err(e) => self.wrong("folder", e.to_string(), self.other_folder(moved)),
            Ok(true) if access(&folder, Access::WRITE_OK | Access::EXEC_OK).is_ok() => {
                let remark = moved.map_or_else(paths::remark, |_| String::new());
                self.fine("folder", format!("only you can write to `{shown}`{remark}"));
                Some(())
            }
            Ok(true) if is_ours => {
                self.wrong("folder", format!("`{shown}` cannot be written"), open_it())
            }
            Ok(true) => self.wrong(
                "folder",
                format!("`{shown}` cannot be written"),
                self.other_folder(moved),
            ),
            Ok(false) => {
                let above = folder
                    .ancestors()
                    .find(|folder| fs::symlink_metadata(folder).is_ok());
                let above = above.unwrap_or(&folder);
                if !above.is_dir() || access(above, Access::WRITE_OK | Access::EXEC_OK).is_err() {
                    let found = format!(
                        "`{shown}` is not there and cannot be made, because of `{}`",
                        above.display()
                    );
                    return self.wrong("folder", found, self.other_folder(moved));
                }
                self.fine("folder", format!("`{shown}` is not there yet"));
                Some(())
            }
        }
    }

    /// Where else servers are, for those who have another environment: cron, and the login session.
    pub(super) fn elsewhere(&self) -> Option<(String, String)> {
        let user = geteuid().as_raw();
        let folders = [
            format!("/run/user/{user}/remotex"),
            format!("/tmp/remotex-{user}"),
        ];
        let others = folders
            .iter()
            .map(Path::new)
            .filter(|folder| *folder != paths::folder() && paths::check(folder).unwrap_or(false));
        let mut socket = others.map(|folder| folder.join(format!("{}.sock", self.name)));
        let socket = socket.find(|socket| Lock::is_held(&socket.with_extension("lock")))?;
        let shown = socket.display();
        Some((
            format!("it runs at `{shown}`, to which this environment does not lead"),
            format!("export {}=unix:{shown}", address::variable(self.name)),
        ))
    }

    pub(super) fn path(&mut self, trace: &Trace) -> Option<()> {
        let socket = &trace.files.socket;
        if transport::fits(socket) {
            return Some(());
        }
        let found = format!(
            "`{}` is longer than a socket's path may be",
            socket.display()
        );
        let moved = address::overridden(self.name).map(|_| socket.as_path());
        self.wrong("path", found, self.other_folder(moved))
    }

    /// Whether its socket is there.
    pub(super) fn socket(&mut self, trace: &Trace) -> Option<bool> {
        let is_there = self.private("socket", &trace.files.socket, FileType::is_socket)?;
        if is_there {
            let shown = trace.files.socket.display();
            self.fine("socket", format!("only you can open `{shown}`"));
        }
        Some(is_there)
    }

    pub(super) fn locks(&mut self, trace: &Trace) -> Option<()> {
        for lock in [trace.files.lock(), trace.files.start()] {
            self.private("lock", &lock, FileType::is_file)?;
        }
        Some(())
    }

    /// Whether a file is there; if it is, it must be of that type, ours, and for nobody else.
    fn private(
        &mut self,
        what: &'static str,
        path: &Path,
        is_right: fn(&FileType) -> bool,
    ) -> Option<bool> {
        let (shown, typed) = (path.display(), quoted(&path.to_string_lossy()));
        let away = || format!("mv {typed} {}", quoted(&free_name(path).to_string_lossy()));
        let there = match fs::symlink_metadata(path) {
            Ok(there) => there,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Some(false),
            Err(e) => {
                let found = format!("`{shown}` cannot be looked at: {e}");
                return self.wrong(what, found, format!("ls -l {typed}"));
            }
        };
        let mode = there.mode() & 0o777;
        if !is_right(&there.file_type()) {
            let kind = if what == "socket" { "socket" } else { "file" };
            self.wrong(what, format!("`{shown}` is no {kind}"), away())
        } else if there.uid() != geteuid().as_raw() {
            let found = format!("`{shown}` belongs to user {}, and not to you", there.uid());
            self.wrong(what, found, away())
        } else if mode & 0o677 != 0o600 {
            let found = format!("`{shown}` has mode {mode:03o}, and is to have 600");
            self.wrong(what, found, format!("chmod 600 {typed}"))
        } else {
            Some(true)
        }
    }

    pub(super) fn log(&mut self, trace: &Trace) -> Option<()> {
        let logs = trace.files.logs();
        let noted = Some(&trace.note.log).filter(|log| !log.as_os_str().is_empty());
        let log = noted.or_else(|| logs.iter().find(|log| can_be(log)))?;
        let folder = log.parent().unwrap_or(log);
        let typed = quoted(&folder.to_string_lossy());
        if let Err(e) = paths::check(folder) {
            return self.wrong("log", e.to_string(), format!("chmod 700 {typed}"));
        }
        let shown = log.display();
        if self.private("log", log, FileType::is_file)? {
            self.fine("log", format!("only you can open `{shown}`"));
        } else {
            self.fine("log", format!("`{shown}` is not there yet"));
        }
        match rustix::fs::statvfs(folder) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < LITTLE_ROOM => {
                let found = format!("the disk of `{}` is full", folder.display());
                self.wrong("log", found, format!("df -h {typed}"))
            }
            _ => Some(()),
        }
    }
}

/// A name beside a file that nothing has.
fn free_name(path: &Path) -> PathBuf {
    let named = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".away{n}"));
        PathBuf::from(name)
    };
    let free = (1..)
        .map(named)
        .find(|name| fs::symlink_metadata(name).is_err());
    free.unwrap_or_else(|| named(0))
}
