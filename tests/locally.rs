//! Remote functions in a test crate where all of them run in the tests themselves.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

use remotex::{Mutex, Result, Server, Variable, remote, testing};

testing::local!();

static NOTES: Server = Server::new("notes")
    .autostart()
    .one_per(|| "the working directory".into())
    .on_start(load)
    .on_stop(save);

#[remote(NOTES)]
static LIST: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[remote(NOTES)]
static AUTHOR: Variable<String> = Variable::new(String::new);

fn file() -> Result<PathBuf> {
    Ok(testing::state_folder()?.join("notes"))
}

fn load() -> Result<()> {
    LIST.lock().push("loaded".into());
    Ok(())
}

/// Saves the notes, and says so on the standard error.
fn save() -> Result<()> {
    fs::write(file()?, LIST.lock().join("\n"))?;
    eprintln!("saved {}", fs::read_to_string(file()?)?.lines().count());
    Ok(())
}

#[remote(NOTES)]
fn add(note: &str) -> Result<u32> {
    LIST.lock().push(note.into());
    Ok(process::id())
}

#[test]
fn functions_and_variables_are_here_and_statics_can_be_looked_at() {
    assert_eq!(add("one").unwrap(), process::id());
    let list = LIST.lock();
    assert_eq!(list[0], "loaded");
    assert!(list.contains(&"one".to_owned()));
    drop(list);
    AUTHOR.set("me".into()).unwrap();
    assert_eq!(AUTHOR.get().unwrap(), "me");
    assert!(NOTES.status().is_err());
}

#[test]
fn a_test_can_have_a_key_of_its_own() {
    #[remote(NOTES)]
    fn key() -> Result<String> {
        Ok(NOTES.key())
    }
    let own = testing::key(&NOTES, "mine");
    assert_eq!(key().unwrap(), "mine");
    drop(own);
    assert_eq!(key().unwrap(), "the working directory");
}

/// Runs another test in a process of its own, which has a folder that goes with it.
#[test]
fn what_is_saved_at_the_end_of_the_tests_is_in_a_folder_that_ends_with_them() {
    let test = "functions_and_variables_are_here_and_statics_can_be_looked_at";
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::piped())
        .spawn()
        .unwrap();
    let folder = PathBuf::from(format!("/tmp/remotex-test-{}", child.id()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "saved 2\n");
    assert!(!folder.exists());
}
