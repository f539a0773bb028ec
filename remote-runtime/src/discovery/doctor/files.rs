//! The files of a server: their folder, the socket, the log.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::{Exam, LITTLE_ROOM};
use crate::daemon::lock::Lock;
use crate::discovery::Trace;
use crate::server::quoted;
use crate::{address, paths, transport};

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
                self.fine("folder", format!("`{shown}` is closed to others"));
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
        let others = [
            (
                format!("/run/user/{user}/remotex"),
                format!("export XDG_RUNTIME_DIR=/run/user/{user}"),
            ),
            (
                format!("/tmp/remotex-{user}"),
                "unset XDG_RUNTIME_DIR".to_owned(),
            ),
        ];
        let mut others = others
            .into_iter()
            .filter(|(folder, _)| Path::new(folder) != paths::folder());
        others.find_map(|(folder, fix)| {
            let lock = Path::new(&folder).join(format!("{}.lock", self.name));
            Lock::is_held(&lock).then(|| {
                (
                    format!("it runs in `{folder}`, which this environment does not lead to"),
                    fix,
                )
            })
        })
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
        let socket = &trace.files.socket;
        let shown = socket.display();
        let typed = quoted(&socket.to_string_lossy());
        match fs::symlink_metadata(socket) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Some(false),
            Err(e) => self.wrong(
                "socket",
                format!("`{shown}` cannot be looked at: {e}"),
                format!("ls -l {typed}"),
            ),
            Ok(there) if !there.file_type().is_socket() => self.wrong(
                "socket",
                format!("`{shown}` is no socket"),
                format!("mv {typed} {typed}.away"),
            ),
            Ok(there) if there.uid() != geteuid().as_raw() => {
                let variable = address::variable(self.name);
                let found = format!("`{shown}` is a socket of user {}", there.uid());
                self.wrong(
                    "socket",
                    found,
                    format!("export {variable}=unix:$HOME/.{}.sock", self.name),
                )
            }
            Ok(there) if there.mode() & 0o077 != 0 => self.wrong(
                "socket",
                format!("`{shown}` is open to others"),
                format!("chmod 600 {typed}"),
            ),
            Ok(_) => {
                self.fine("socket", format!("`{shown}` is for its owner only"));
                Some(true)
            }
        }
    }

    pub(super) fn log(&mut self, trace: &Trace) -> Option<()> {
        let logs = trace.files.logs();
        let log = logs.first()?;
        let (shown, typed) = (log.display(), quoted(&log.to_string_lossy()));
        match fs::symlink_metadata(log) {
            Ok(there) if !there.is_file() => {
                return self.wrong(
                    "log",
                    format!("`{shown}` is no file"),
                    format!("mv {typed} {typed}.away"),
                );
            }
            Ok(there) if there.uid() != geteuid().as_raw() => {
                return self.wrong(
                    "log",
                    format!("`{shown}` is of user {}", there.uid()),
                    format!("mv {typed} {typed}.away"),
                );
            }
            Ok(there) if there.mode() & 0o077 != 0 || there.mode() & 0o600 != 0o600 => {
                let found = format!(
                    "`{shown}` has mode {:o}, and is to have 600",
                    there.mode() & 0o777
                );
                return self.wrong("log", found, format!("chmod 600 {typed}"));
            }
            Ok(_) => self.fine("log", format!("`{shown}` is for its owner only")),
            Err(_) => self.fine("log", format!("`{shown}` is not there yet")),
        }
        let folder = log.parent().unwrap_or(log);
        match rustix::fs::statvfs(folder) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < LITTLE_ROOM => {
                let found = format!("the disk of `{}` is full", folder.display());
                self.wrong(
                    "log",
                    found,
                    format!("df -h {}", quoted(&folder.to_string_lossy())),
                )
            }
            _ => Some(()),
        }
    }
}
