// A program of which there are two builds, `build-1` and `build-2`, that differ in one type.

use remotex::{Result, Server, remote};
use serde::{Deserialize, Serialize};

static BUILDS: Server = Server::new("builds")
    .autostart()
    .idle_timeout(std::time::Duration::from_secs(60))
    .on_stop(save);

/// Saves nothing, but where there is a file that says that it cannot.
fn save() -> Result<()> {
    let state = std::env::var_os("XDG_STATE_HOME").unwrap_or_default();
    match std::path::Path::new(&state).join("full").exists() {
        true => Err("there is no space".into()),
        false => Ok(()),
    }
}

/// Is the same in both.
#[remote(BUILDS)]
fn same() -> Result<u32> {
    Ok(std::process::id())
}

/// Looks the same, and takes another `Item`.
#[remote(BUILDS)]
fn weigh(item: &Item) -> Result<u32> {
    Ok(item.weight.into())
}

/// Waits for a file, which two builds agree on as well.
#[remote(BUILDS)]
fn wait_for(file: &std::path::Path) -> Result<u32> {
    std::fs::write(file.with_extension("began"), "")?;
    while !file.exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    same()
}

/// Calls again and again until a file is there, and returns how many daemons have answered. A file
/// beside it says so each time that it is another one.
fn same_until(file: &std::path::Path) -> Result<u32> {
    let mut daemons = Vec::new();
    while !file.exists() {
        let pid = same()?;
        if daemons.last() != Some(&pid) {
            daemons.push(pid);
            std::fs::write(file.with_extension(daemons.len().to_string()), "")?;
        }
    }
    Ok(u32::try_from(daemons.len()).unwrap_or(u32::MAX))
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words.first() != Some(&"without-init") {
        remotex::init();
    }
    let ended = match words[..] {
        ["same"] | ["without-init", "same"] => same(),
        ["weigh"] => weigh(&item()),
        ["wait-for", file] => wait_for(file.as_ref()),
        ["same-until", file] => same_until(file.as_ref()),
        ["serve"] => BUILDS.listen().map(|()| 0),
        ["stop"] => BUILDS.stop().map(|()| 0),
        ["restart"] => BUILDS.restart().map(|()| 0),
        ["calls"] => BUILDS.status().map(|status| u32::try_from(status.calls).unwrap_or(u32::MAX)),
        ["status"] => BUILDS.status().map(|status| status.pid),
        _ => panic!("no such word: {words:?}"),
    };
    match ended {
        Ok(number) => println!("{number}"),
        Err(e) => println!("{e:#?}"),
    }
}
