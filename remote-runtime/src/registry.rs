//! All remote functions of this program, gathered by the linker.

use std::fmt;
use std::ptr;

use linkme::distributed_slice;

use crate::function::{Duplicate, Function, Table};
use crate::server::Server;

/// One remote function, and its server.
#[derive(Debug)]
pub struct Entry {
    /// Whose function it is.
    pub server: &'static Server,
    /// The function.
    pub function: Function,
}

/// What the macro names a server with.
#[must_use]
pub const fn declared(server: &'static Server) -> &'static Server {
    server
}

/// What the macro adds to.
#[distributed_slice]
pub static ENTRIES: [Entry];

/// Why a server cannot be served.
pub(crate) enum Unservable {
    Functions(Duplicate),
    /// Two servers have one name.
    Servers(&'static Server, &'static Server),
}

impl fmt::Display for Unservable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Functions(duplicate) => duplicate.fmt(f),
            Self::Servers(a, b) => write!(
                f,
                "two servers have this name, at {} and at {}; give one of them another",
                a.place(),
                b.place()
            ),
        }
    }
}

/// What tells this program from others that are run from the same file, as by a loader: how far its
/// functions lie from where it lists them.
pub(crate) fn image() -> u64 {
    let list = ENTRIES.as_ptr().addr();
    let ends = ENTRIES.first().into_iter().chain(ENTRIES.last());
    ends.map(|entry| (entry.function.handler as usize).wrapping_sub(list) as u64)
        .fold(ENTRIES.len() as u64, |image, distance| {
            image.rotate_left(17) ^ distance
        })
}

/// The crate that declares the functions of `server`; empty if there are none.
pub(crate) fn program_of(server: &'static Server) -> &'static str {
    let ours = ENTRIES.iter().find(|entry| ptr::eq(entry.server, server));
    ours.map_or("", |entry| entry.function.program)
}

/// The functions of `server`.
pub(crate) fn table_of(server: &'static Server) -> Result<Table, Unservable> {
    if let Some(other) = named(server.name()).find(|other| !ptr::eq(*other, server)) {
        return Err(Unservable::Servers(server, other));
    }
    let ours = ENTRIES.iter().filter(|entry| ptr::eq(entry.server, server));
    let functions = ours.map(|entry| &entry.function);
    Table::of(functions, |function| server.exposes(function)).map_err(Unservable::Functions)
}

/// The server of that name, if it has functions here.
pub(crate) fn server(name: &str) -> Option<&'static Server> {
    named(name).next()
}

fn named(name: &str) -> impl Iterator<Item = &'static Server> {
    ENTRIES
        .iter()
        .map(|entry| entry.server)
        .filter(move |server| server.name() == name)
}
