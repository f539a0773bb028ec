//! Without the feature `discovery`, all servers are the program's own.

use std::ffi::OsStr;
use std::path::Path;

use crate::error::{Call, Result};
use crate::program::Scope;

/// There is none.
#[derive(Debug)]
pub(super) enum Found {}

impl Found {
    pub(super) fn key(&self) -> &str {
        match *self {}
    }

    pub(super) fn program(&self) -> &Path {
        match *self {}
    }

    pub(super) fn scope(&self) -> &Scope {
        match *self {}
    }

    pub(super) fn package(&self) -> &str {
        match *self {}
    }

    pub(super) fn moved(&self) -> Option<(&str, &OsStr)> {
        match *self {}
    }

    pub(super) fn command(&self, _: &str, _: &str) -> String {
        match *self {}
    }

    pub(super) fn may_start(&self, _: Call<'_>) -> Result<()> {
        match *self {}
    }
}
