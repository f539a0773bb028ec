//! A stand-in for the part of an AppImage that mounts the rest of it: what lies beside it as
//! `.payload` is put into a new folder each time, and run there. It tells the program so by the
//! variables that the real one sets.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

fn main() -> std::io::Result<()> {
    let image = env::current_exe()?;
    let payload = PathBuf::from(format!("{}.payload", image.display()));
    let mounted = image.with_file_name(format!("mounts/{}", process::id()));
    fs::create_dir_all(&mounted)?;
    let program = mounted.join("program");
    // By another process: a file that this one has open for writing cannot be run.
    Command::new("cp").args([&payload, &program]).status()?;
    let mut words = env::args_os();
    let mut command = Command::new(&program);
    command
        .env("ARGV0", words.next().unwrap_or_default())
        .env("APPIMAGE", &image)
        .env("APPDIR", &mounted)
        .args(words);
    Err(command.exec())
}
