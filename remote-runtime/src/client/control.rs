//! Questions to a server as a whole. They work with a server of any build, and start none.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use super::Route;
use super::conversation::{FAREWELL, greeted, hello, not_a_server};
use crate::error::{Call, Error};
use crate::link::{Broken, Link, PATIENCE};
use crate::wire::hello::Hello;
use crate::wire::report::Report;
use crate::wire::{Kind, frame};

/// The largest reply to a question.
const LARGEST: usize = 1024 * 1024;

/// Who serves, and what it is doing.
pub(crate) fn status(
    call: Call<'_>,
    route: &dyn Route,
    stream: UnixStream,
) -> Result<(Hello, Report), Error> {
    let (mut link, hello) = ask(call, route, stream, Kind::Status)?;
    expect(call, route, &mut link, Kind::Report)?;
    let report = Report::read(link.body()).map_err(|e| not_a_server(call, route, &e))?;
    Ok((hello, report))
}

/// Whether the server goes on. If it is ending, this waits until it has.
pub(crate) fn is_staying(
    call: Call<'_>,
    route: &dyn Route,
    stream: UnixStream,
) -> Result<bool, Error> {
    let (mut link, hello) = ask(call, route, stream, Kind::Status)?;
    match link.receive(LARGEST, Some(PATIENCE)) {
        Ok(Some(Kind::Report)) => Ok(true),
        Ok(Some(Kind::Goodbye)) => await_end(call, route, &mut link, &hello).map(|()| false),
        Ok(None) | Err(Broken::Cut | Broken::Unread) => Ok(false),
        other => unexpected(call, route, &link, other).map(|()| false),
    }
}

/// Asks the server to end.
pub(crate) fn ask_to_stop(
    call: Call<'_>,
    route: &dyn Route,
    stream: UnixStream,
) -> Result<(), Error> {
    ask(call, route, stream, Kind::Stop).map(drop)
}

/// Asks the server to end, and waits until it has.
pub(crate) fn stop(call: Call<'_>, route: &dyn Route, stream: UnixStream) -> Result<(), Error> {
    let (mut link, hello) = ask(call, route, stream, Kind::Stop)?;
    await_end(call, route, &mut link, &hello)
}

/// What is left of a server that was asked to restart.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Its lock and its socket, which still listens, so that nobody is refused meanwhile.
    Handed([OwnedFd; 2]),
    /// Nothing: whoever holds its socket starts the next one, or it was killed.
    Gone,
}

/// Asks the server to end and to hand over what its successor goes on with.
pub(crate) fn restart(
    call: Call<'_>,
    route: &dyn Route,
    stream: UnixStream,
) -> Result<Ended, Error> {
    let (mut link, hello) = ask(call, route, stream, Kind::Restart)?;
    await_end(call, route, &mut link, &hello)?;
    Ok(<[OwnedFd; 2]>::try_from(link.take_descriptors()).map_or(Ended::Gone, Ended::Handed))
}

fn await_end(
    call: Call<'_>,
    route: &dyn Route,
    link: &mut Link,
    hello: &Hello,
) -> Result<(), Error> {
    let deadline = Instant::now() + FAREWELL;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match link.receive(LARGEST, Some(left)) {
            Ok(Some(Kind::Stopping | Kind::Goodbye)) => {}
            Ok(Some(Kind::Handover)) => return Ok(()),
            Ok(None) | Err(Broken::Cut | Broken::Unread) => return Ok(()),
            Err(Broken::Silent) => {
                return Err(Error::TimedOut(call.trouble(format_args!(
                    "process {} is to stop, and has not within {} s; see {}",
                    hello.pid,
                    FAREWELL.as_secs(),
                    route.log()
                ))));
            }
            other => return unexpected(call, route, link, other),
        }
    }
}

fn ask(
    call: Call<'_>,
    route: &dyn Route,
    stream: UnixStream,
    question: Kind,
) -> Result<(Link, Hello), Error> {
    let mut link = match question {
        Kind::Restart => Link::taking_descriptors(Arc::new(stream)),
        _ => Link::new(Arc::new(stream)),
    };
    let mut out = Vec::new();
    hello(call, route).put(&mut out);
    frame::put(&mut out, question, |_| ());
    // A server that is already gone, or ends just now, says so when it is read from.
    let _ = link.send(&out);
    expect(call, route, &mut link, Kind::Hello)?;
    let hello = greeted(call, link.body(), route)?;
    Ok((link, hello))
}

fn expect(call: Call<'_>, route: &dyn Route, link: &mut Link, expected: Kind) -> Result<(), Error> {
    match link.receive(LARGEST, Some(PATIENCE)) {
        Ok(Some(kind)) if kind == expected => Ok(()),
        other => unexpected(call, route, link, other),
    }
}

fn unexpected(
    call: Call<'_>,
    route: &dyn Route,
    link: &Link,
    received: Result<Option<Kind>, Broken>,
) -> Result<(), Error> {
    Err(match received {
        Ok(Some(Kind::Fault)) => super::fault::error(call, link.body()),
        Ok(Some(Kind::Goodbye) | None) | Err(Broken::Cut | Broken::Unread) => {
            Error::Unreachable(call.trouble(format_args!(
                "the one at `{}` is ending just now",
                route.address()
            )))
        }
        Ok(Some(kind)) => not_a_server(call, route, &format_args!("a frame of kind {kind:?}")),
        Err(e) => broken(call, route, e),
    })
}

fn broken(call: Call<'_>, route: &dyn Route, e: Broken) -> Error {
    match e {
        Broken::Silent => Error::TimedOut(call.trouble(format_args!(
            "the one at `{}` did not reply within {} s; it may be stopped or overloaded",
            route.address(),
            PATIENCE.as_secs()
        ))),
        Broken::Io(e) => call.io("its reply cannot be received", e),
        Broken::Refused(e) => not_a_server(call, route, &e),
        Broken::Cut | Broken::Unread => not_a_server(call, route, &"it is cut off"),
    }
}
