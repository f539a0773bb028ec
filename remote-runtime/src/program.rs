//! The program that this process runs: its file, its path, its version, and which programs its
//! servers are for.

mod build;
mod path;
mod scope;
mod version;
#[cfg_attr(target_os = "linux", path = "program/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "program/other.rs")]
mod os;

pub use build::Build;
pub(crate) use build::content;
pub(crate) use path::{executable, is_replaced, path};
pub(crate) use scope::Scope;
pub(crate) use version::is_greater;
