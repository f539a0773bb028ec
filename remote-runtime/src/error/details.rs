//! What a server knows of a call that failed.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Error, Result, Trouble};

/// What a server knows of a call whose function failed or panicked: see [`Error::details`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// The function.
    pub function: String,
    /// What the failure or the panic said.
    pub message: String,
    /// The messages of its `source()`s, outermost first.
    pub causes: Vec<String>,
    /// The failure as `Debug` has it, which with some types, as that of `anyhow`, has a backtrace.
    pub debug: Option<String>,
    /// The line of source that panicked, as `file:line:column`.
    pub location: Option<String>,
    /// Where the panic came from.
    pub backtrace: Option<String>,
    /// The function's arguments, with the size of each on the wire, in bytes.
    pub arguments: Vec<(String, u64)>,
    /// When that was.
    pub when: SystemTime,
}

/// What a record is known by.
type Id = [u8; 16];

/// Who can fetch the details of an error.
pub(crate) trait Recorded: fmt::Debug + Send + Sync {
    fn fetch(&self, record: Id) -> Result<Details>;
}

/// Where the details of an error are.
#[derive(Debug, Default, Clone)]
pub(crate) struct Record(Option<(Arc<dyn Recorded>, Id)>);

/// Where they are is nothing that tells errors apart.
impl PartialEq for Record {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Record {}

impl Record {
    pub(crate) fn of(by: Arc<dyn Recorded>, record: Id) -> Self {
        Self(Some((by, record)))
    }

    pub(super) fn fetch(&self) -> Result<Details> {
        let Some((by, record)) = &self.0 else {
            return Err(Error::Gone(Trouble::new(
                "a server keeps details of what its functions failed or panicked with, and this error is no such".into(),
            )));
        };
        by.fetch(*record)
    }
}

impl Details {
    pub(crate) fn of(function: String, message: String) -> Self {
        Self {
            function,
            message,
            causes: Vec::new(),
            debug: None,
            location: None,
            backtrace: None,
            arguments: Vec::new(),
            when: SystemTime::UNIX_EPOCH,
        }
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function, message, ..
        } = self;
        match &self.location {
            Some(location) => write!(f, "`{function}` panicked at {location}: {message}")?,
            None => write!(f, "`{function}` failed: {message}")?,
        }
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        let ago = self.when.elapsed().unwrap_or_default().as_secs();
        write!(f, "\n  {ago} s ago")?;
        for (at, (name, bytes)) in self.arguments.iter().enumerate() {
            let before = if at == 0 { ", with" } else { "," };
            write!(f, "{before} `{name}` ({bytes} bytes)")?;
        }
        if let Some(debug) = self.debug.as_ref().filter(|debug| *debug != message) {
            write!(f, "\n{debug}")?;
        }
        if let Some(backtrace) = &self.backtrace {
            write!(f, "\n{backtrace}")?;
        }
        Ok(())
    }
}
