//! Remote functions in a test crate, which has no `main`.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use remotex::{Error, Result, Server, remote};
use serde::{Deserialize, Serialize};

remotex::testing::daemon!();

static TESTED: Server = Server::new("tested").autostart();

#[remote(TESTED)]
fn pid() -> Result<u32> {
    Ok(std::process::id())
}

/// What the functions of a tool fail with.
#[derive(Debug, Serialize, Deserialize)]
enum NoteError {
    Full(usize),
    Server(Error),
}

impl From<Error> for NoteError {
    fn from(e: Error) -> Self {
        Self::Server(e)
    }
}

/// Fails by a panic of a function, with an error that has causes, or with its own.
#[remote(TESTED)]
fn note(way: &str) -> Result<(), NoteError> {
    match way {
        "fails" => {
            Err(Error::failed(std::io::Error::other(Layer(Some(Layer(None).into())))).into())
        }
        "is lost" => Err(lost()?),
        _ => Err(NoteError::Full(3)),
    }
}

/// An error with a cause.
#[derive(Debug)]
struct Layer(Option<Box<Self>>);

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "cannot save"
        } else {
            "the disk is full"
        })
    }
}

impl std::error::Error for Layer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|layer| layer as _)
    }
}

/// The error of a call to a server that does not run.
fn lost() -> Result<NoteError> {
    static NONE: Server = Server::new("none").at("unix:/nowhere/none.sock");

    #[remote(NONE)]
    fn nothing() -> Result<()> {
        Ok(())
    }

    Ok(nothing().unwrap_err().into())
}

#[test]
fn an_error_type_of_ones_own_holds_ours() {
    let NoteError::Server(e) = note("fails").unwrap_err() else {
        panic!()
    };
    let printed = format!("{e:?}");
    assert_eq!(printed, "cannot save\n\nCaused by:\n    the disk is full");
    assert!(matches!(e, Error::Failed { .. }) && e.may_have_run());
    let NoteError::Server(e) = note("is lost").unwrap_err() else {
        panic!()
    };
    assert!(matches!(e, Error::Unreachable(_)) && !e.may_have_run());
    assert!(
        e.to_string().starts_with("`nothing` on server `none`: "),
        "{e}"
    );
    assert!(matches!(note("").unwrap_err(), NoteError::Full(3)));
}

/// Although serde knows it now, `remotex::Error` itself travels as before, with what is known at the server.
#[test]
fn our_error_alone_has_details() {
    #[remote(TESTED)]
    fn fails() -> Result<()> {
        Err("the board is full".into())
    }
    let e = fails().unwrap_err();
    assert!(matches!(e, Error::Failed { .. }), "{e:#?}");
    assert!(
        e.details()
            .unwrap()
            .to_string()
            .contains("the board is full")
    );
}

#[test]
fn a_call_in_a_test_goes_to_a_server() {
    let there = pid().unwrap();
    assert_ne!(there, std::process::id());
    assert_eq!(pid().unwrap(), there);
    assert_eq!(TESTED.status().unwrap().pid, there);
}

#[test]
fn the_server_of_a_test_is_not_where_real_ones_are() {
    pid().unwrap();
    let folder = format!("/tmp/remotex-test-{}", std::process::id());
    assert!(std::path::Path::new(&folder).join("tested.sock").exists());
}

#[test]
fn what_the_server_of_a_test_saves_is_in_a_folder_of_the_test() {
    #[remote(TESTED)]
    fn folders() -> Result<Vec<std::path::PathBuf>> {
        let variables = ["XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"];
        let folders = variables.map(|name| std::env::var_os(name).unwrap_or_default().into());
        Ok([remotex::testing::state_folder()?]
            .into_iter()
            .chain(folders)
            .collect())
    }
    let own = remotex::testing::state_folder().unwrap();
    assert!(own.is_dir());
    assert_eq!(folders().unwrap(), [(); 4].map(|()| own.clone()));
}

#[test]
fn a_test_can_have_a_server_of_its_own_by_a_key() {
    static KEYED: Server = Server::new("keyed")
        .autostart()
        .one_per(|| "the working directory".into());

    #[remote(KEYED)]
    fn key() -> Result<(u32, String)> {
        Ok((std::process::id(), KEYED.key()))
    }
    let (of_all, key_of_all) = key().unwrap();
    assert_eq!(key_of_all, "the working directory");
    let own = remotex::testing::key(&KEYED, "mine");
    let (mine, key_of_mine) = key().unwrap();
    assert_ne!(mine, of_all);
    assert_eq!(key_of_mine, "mine");
    std::thread::spawn(move || assert_eq!(key().unwrap(), (of_all, key_of_all)))
        .join()
        .unwrap();
    drop(own);
    assert_eq!(key().unwrap().0, of_all);
}

/// Runs the other tests in a process of their own, and looks whether anything of them is left.
#[test]
fn servers_end_with_their_tests() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_call_in_a_test_goes_to_a_server"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let folder = std::path::PathBuf::from(format!("/tmp/remotex-test-{}", output.id()));
    let output = output.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // Its server notices when the kernel tells it.
    for _ in 0..4000 {
        if !folder.exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("its server has not ended");
}
