//! `remotex unit`: the systemd units of a server.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use remotex::discovery;
use serde_json::json;

use crate::args::Unit;
use crate::failure::Failure;
use crate::output::{self, LABEL, NAME, say};

pub(crate) fn run(wanted: &Unit) -> Result<(), Failure> {
    let key = wanted.server.key.as_deref();
    let unit = discovery::unit(&wanted.server.name, key)?;
    let folder = folder()?;
    let files = [
        (folder.join(format!("{}.socket", unit.name)), unit.socket),
        (folder.join(format!("{}.service", unit.name)), unit.service),
    ];
    if wanted.write {
        fs::create_dir_all(&folder)?;
        for (path, text) in &files {
            write(path, text)?;
        }
    }
    if wanted.format.json {
        let [(socket_path, socket), (service_path, service)] = &files;
        return output::say_json(&json!({
            "name": unit.name, "key": unit.key, "enable": unit.enable,
            "socket": socket, "socket_path": socket_path,
            "service": service, "service_path": service_path,
        }));
    }
    for (path, text) in &files {
        say(format_args!("{LABEL}# {}{LABEL:#}\n{text}", path.display()))?;
    }
    let then = match wanted.write {
        true => "Both are written. Now let systemd start the server",
        false => "With both in place (`--write` does that), let systemd start the server",
    };
    say(format_args!(
        "{LABEL}# {then}:{LABEL:#}\n{LABEL}#{LABEL:#}     {NAME}systemctl --user daemon-reload && systemctl --user enable --now {}{NAME:#}",
        unit.enable
    ))
}

/// Writes a unit, which may name what others are not to see, as arguments of its program.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    match fs::read_to_string(path) {
        Ok(there) if there == text => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        _ => {
            return Err(Failure::Use(format!(
                "`{}` is there already, and differs; remove it first",
                path.display()
            )));
        }
    }
    Ok(output::write_private(path, text)?)
}

/// The folder of a user's own units.
fn folder() -> Result<PathBuf, Failure> {
    let config = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
    let missing = || io::Error::other("there is no place for units: HOME is not set");
    Ok(config.ok_or_else(missing)?.join("systemd/user"))
}
