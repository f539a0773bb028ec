//! What of an error arrives at the caller.

use std::fs;
use std::io;
use std::panic::Location;
use std::path::Path;

use remotex::{Error, Remote, Result, remote};
use serde::{Deserialize, Serialize};

use super::functions::ZOO;

/// Its names are sent before what they name, which the format does not do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    One(u8),
}

#[remote(ZOO)]
fn adjacent(value: Adjacent) -> Result<u8> {
    let Adjacent::One(n) = value;
    Ok(n)
}

pub(crate) fn tagged() {
    let e = adjacent(Adjacent::One(1)).unwrap_err();
    assert!(!e.may_have_run());
    let Error::Unsendable { what, why } = e else {
        panic!("{e:?}")
    };
    assert_eq!(what, "the argument `value`");
    assert!(why.contains("`tag`") && why.contains("json"), "{why}");
}

#[remote(ZOO)]
fn size(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

#[remote(ZOO)]
fn refusal() -> io::Result<u64> {
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        "it is not in the zoo",
    ))
}

pub(crate) fn codes() {
    let e = size(Path::new("/no/such/file")).unwrap_err();
    let here = fs::metadata("/no/such/file").unwrap_err();
    assert_eq!(
        (e.kind(), e.raw_os_error(), e.to_string()),
        (here.kind(), here.raw_os_error(), here.to_string())
    );
    let e = refusal().unwrap_err();
    assert_eq!(
        (e.kind(), e.raw_os_error()),
        (io::ErrorKind::NotFound, None)
    );
}

/// An error that notes where it was made, as those of `eyre` and `error-stack` do.
#[derive(Debug)]
pub(crate) struct Report(&'static Location<'static>);

impl From<Error> for Report {
    #[track_caller]
    fn from(_: Error) -> Self {
        Self(Location::caller())
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at {}", self.0)
    }
}

impl std::error::Error for Report {}

#[remote(ZOO)]
fn panics_on_line_84(_unused: u8) -> Result<()> {
    panic!("as it was told")
}

#[remote(ZOO)]
fn reports() -> std::result::Result<(), Report> {
    panic!("as it was told")
}

pub(crate) struct Reporter;

#[remote(ZOO)]
impl Reporter {
    pub fn of_this() -> Result<Remote<Reporter>> {
        Ok(Remote::new(Self))
    }

    pub fn reports(&self) -> std::result::Result<(), Report> {
        panic!("as it was told")
    }
}

pub(crate) fn lines() {
    let line = |report: Report| (report.0.file().ends_with("errors.rs"), report.0.line());
    assert_eq!(line(reports().unwrap_err()), (true, line!()));
    let reporter = Reporter::of_this().unwrap();
    assert_eq!(line(reporter.reports().unwrap_err()), (true, line!()));
    // The panic is not at the caller's line.
    let Error::Panicked { location, .. } = panics_on_line_84(1).unwrap_err() else {
        panic!("no panic")
    };
    let location = location.to_string();
    assert!(location.ends_with("errors.rs:84:5"), "{location}");
}
