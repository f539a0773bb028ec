//! `remotex unit`: the systemd units of a server.

use std::path::PathBuf;
use std::{env, fs, io};

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
            fs::write(path, text)?;
        }
    }
    if wanted.format.json {
        let [(socket_path, socket), (service_path, service)] = &files;
        return output::say_json(&json!({
            "name": unit.name, "key": key.unwrap_or_default(),
            "socket": socket, "socket_path": socket_path,
            "service": service, "service_path": service_path,
        }));
    }
    for (path, text) in &files {
        say(format_args!("{LABEL}# {}{LABEL:#}\n{text}", path.display()))?;
    }
    let then = match wanted.write {
        true => "Both are written. To let systemd start the server with its first call",
        false => {
            "With both in place (`--write` does that), let systemd start the server with its first call"
        }
    };
    say(format_args!(
        "{LABEL}# {then}:{LABEL:#}\n{LABEL}#{LABEL:#}     {NAME}systemctl --user daemon-reload && systemctl --user enable --now {}.socket{NAME:#}",
        unit.name
    ))
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
