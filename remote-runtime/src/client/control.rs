//! Questions to a server as a whole. They work with a server of any build, and start none.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Route;
use super::conversation::{greeted, hello, not_a_server};
use super::silence;
use crate::error::{Call, Details, Error};
use crate::link::{Broken, FAREWELL, Link, PATIENCE, START};
use crate::session;
use crate::transport::Stream;
use crate::wire::ending::Ending;
use crate::wire::fault;
use crate::wire::hello::Hello;
use crate::wire::interface::{Interface, LARGEST_OFFER};
use crate::wire::record::read_record;
use crate::wire::reference::Id;
use crate::wire::report::Report;
use crate::wire::{Kind, frame};

/// The largest reply to a question.
const LARGEST: usize = 1024 * 1024;

/// The thing that a silent server does not do.
const REPLY: &str = "reply";

/// How long between two looks at a server that is to end.
const PAUSE: Duration = Duration::from_millis(20);

/// Who serves, and what it is doing; `None` if it has ended just now.
pub(crate) fn status(
    call: Call<'_>,
    route: &dyn Route,
    stream: Stream,
) -> Result<Option<(Hello, Report)>, Error> {
    let Some((mut link, hello)) = ask(call, route, stream, Kind::Status, b"")? else {
        return Ok(None);
    };
    if !expect(call, route, &mut link, Kind::Report)? {
        return Ok(None);
    }
    let report = Report::read(link.body()).map_err(|e| not_a_server(call, route, &e))?;
    Ok(Some((hello, report)))
}

/// What the server offers; `None` if it has ended just now.
pub(crate) fn interface(
    call: Call<'_>,
    route: &dyn Route,
    stream: Stream,
) -> Result<Option<Interface>, Error> {
    let Some((mut link, _)) = ask(call, route, stream, Kind::Interface, b"")? else {
        return Ok(None);
    };
    match receive_up_to(route, &mut link, LARGEST_OFFER) {
        Ok(Some(Kind::Offer)) => {}
        Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => return Ok(None),
        other => return Err(unexpected(call, route, &link, other)),
    }
    let interface = Interface::read(link.body());
    interface
        .map(Some)
        .map_err(|e| not_a_server(call, route, &e))
}

/// What the server knows of a call of this process that has failed.
pub(crate) fn details(
    call: Call<'_>,
    route: &dyn Route,
    stream: Stream,
    record: Id,
) -> Result<Details, Error> {
    let asked = ask(call, route, stream, Kind::Details, &record)?;
    if let Some((mut link, _)) = asked
        && expect(call, route, &mut link, Kind::Record)?
    {
        return read_record(link.body()).map_err(|e| not_a_server(call, route, &e));
    }
    Err(Error::Gone(call.trouble(NO_SERVER)))
}

/// Why there are no details.
pub(crate) const NO_SERVER: &str = "the server that knew more of it has ended";

/// Whether the server goes on. If it is ending, this waits until it has.
pub(crate) fn is_staying(call: Call<'_>, route: &dyn Route, stream: Stream) -> Result<bool, Error> {
    let Some((mut link, hello)) = ask(call, route, stream, Kind::Status, b"")? else {
        return Ok(false);
    };
    match receive(route, &mut link) {
        Ok(Some(Kind::Report)) => Ok(true),
        Ok(Some(Kind::Goodbye)) => {
            await_end(call, route, &mut link, &hello, State::default()).map(|_| false)
        }
        Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => Ok(false),
        other => Err(unexpected(call, route, &link, other)),
    }
}

/// Asks the server to end.
pub(crate) fn ask_to_stop(call: Call<'_>, route: &dyn Route, stream: Stream) -> Result<(), Error> {
    ask(call, route, stream, Kind::Stop, b"").map(drop)
}

/// Asks the server to end, and waits until it has. Over HTTP, the server does not say what became of
/// its state.
pub(crate) fn stop(call: Call<'_>, route: &dyn Route, stream: Stream) -> Result<State, Error> {
    let is_exchange = stream.is_exchange();
    let Some((mut link, hello)) = ask(call, route, stream, Kind::Stop, b"")? else {
        return Ok(State::default());
    };
    if is_exchange {
        return await_absence(call, route, &mut link, &hello).map(|()| State::default());
    }
    await_end(call, route, &mut link, &hello, State::default())
}

/// The outcome of saving the state of a server that has ended.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct State {
    /// Why it may be lost, if it may.
    unsaved: Option<String>,
}

impl State {
    /// The state of a server whose last word about its end is `ending`.
    fn heard(ending: &Ending) -> Self {
        let unsaved = match ending {
            Ending::Begun | Ending::Saved => None,
            Ending::Told => Some("its connection ended before its `.on_stop` had".to_owned()),
            Ending::Failed(why) => Some(why.clone()),
        };
        Self { unsaved }
    }

    /// The sentence about a state that may be lost, if it may; `ended` says what else has happened.
    pub(crate) fn remark(self, call: Call<'_>, route: &dyn Route, ended: &str) -> Option<String> {
        let why = self.unsaved?;
        Some(format!(
            "{call}: {ended}, but what it was to save may be lost: {why}; see {}",
            route.log()
        ))
    }
}

/// Waits until a server cannot be asked any more, where no connection ends with it.
fn await_absence(
    call: Call<'_>,
    route: &dyn Route,
    link: &mut Link,
    hello: &Hello,
) -> Result<(), Error> {
    let patience = route.within(FAREWELL);
    let deadline = Instant::now() + patience;
    match receive(route, link) {
        Ok(Some(Kind::Stopping | Kind::Goodbye) | None) | Err(Broken::Cut) => {}
        other => return Err(unexpected(call, route, link, other)),
    }
    loop {
        match route
            .reconnect(call)
            .map(|stream| status(call, route, stream))
        {
            None => return Ok(()),
            // Another one is there already.
            Some(Ok(Some((theirs, _)))) if theirs.instance != hello.instance => return Ok(()),
            // What is on the way does not reach it any more.
            Some(Err(Error::Lost(_))) => return Ok(()),
            Some(_) if Instant::now() < deadline => thread::sleep(PAUSE),
            Some(_) => return Err(still_there(call, route, hello, patience)),
        }
    }
}

fn still_there(call: Call<'_>, route: &dyn Route, hello: &Hello, patience: Duration) -> Error {
    let trouble = call.trouble(format_args!(
        "process {} is to stop, and has not within {patience:?}; see {}",
        hello.pid,
        route.log()
    ));
    // It may stop later.
    Error::TimedOut(trouble.after_sending())
}

/// What comes of the wish for another server in the place of this one.
#[derive(Debug)]
pub(crate) enum Succession {
    /// It has ended: here are its lock and its socket, which still listens, so that nobody is refused
    /// meanwhile.
    Handed([OwnedFd; 2]),
    /// It has ended, and there is nothing to hand over: it was killed, or whoever holds its socket
    /// starts the next one.
    Ended,
    /// It stays: it is not of an earlier build.
    Stays,
}

/// Asks the server to end, and to hand over what its successor goes on with.
pub(crate) fn restart(
    call: Call<'_>,
    route: &dyn Route,
    stream: Stream,
    program: &str,
) -> Result<(Succession, State), Error> {
    let Some((mut link, hello)) = ask(call, route, stream, Kind::Restart, program.as_bytes())?
    else {
        return Ok((Succession::Ended, State::default()));
    };
    await_handover(call, route, &mut link, &hello, State::default())
}

/// The same, if this build of a program of that version is to take its place.
pub(crate) fn succeed(
    call: Call<'_>,
    route: &dyn Route,
    stream: Stream,
    program: &str,
    version: &str,
) -> Result<(Succession, State), Error> {
    let body = format!("{program}\0{version}");
    let Some((mut link, hello)) = ask(call, route, stream, Kind::Succeed, body.as_bytes())? else {
        return Ok((Succession::Ended, State::default()));
    };
    let succession = match receive(route, &mut link) {
        Ok(Some(Kind::Stopping)) => {
            let state = State::heard(&Ending::read(link.body()));
            return await_handover(call, route, &mut link, &hello, state);
        }
        Ok(Some(Kind::Report)) => Succession::Stays,
        Ok(Some(Kind::Goodbye)) => {
            let state = await_end(call, route, &mut link, &hello, State::default())?;
            return Ok((Succession::Ended, state));
        }
        Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => Succession::Ended,
        other => return Err(unexpected(call, route, &link, other)),
    };
    Ok((succession, State::default()))
}

fn await_handover(
    call: Call<'_>,
    route: &dyn Route,
    link: &mut Link,
    hello: &Hello,
    state: State,
) -> Result<(Succession, State), Error> {
    let state = await_end(call, route, link, hello, state)?;
    let handed = <[OwnedFd; 2]>::try_from(link.take_descriptors());
    let succession = handed.map_or(Succession::Ended, Succession::Handed);
    Ok((succession, state))
}

fn await_end(
    call: Call<'_>,
    route: &dyn Route,
    link: &mut Link,
    hello: &Hello,
    mut state: State,
) -> Result<State, Error> {
    let patience = route.within(FAREWELL);
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match link.receive(LARGEST, Some(left)) {
            Ok(Some(Kind::Stopping)) => state = State::heard(&Ending::read(link.body())),
            Ok(Some(Kind::Goodbye)) => {}
            Ok(Some(Kind::Handover)) => return Ok(state),
            Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => return Ok(state),
            Err(Broken::Silent) => return Err(still_there(call, route, hello, patience)),
            other => return Err(unexpected(call, route, link, other)),
        }
    }
}

/// Asks a question; `None` if the server has ended before it could hear it.
fn ask(
    call: Call<'_>,
    route: &dyn Route,
    stream: Stream,
    question: Kind,
    body: &[u8],
) -> Result<Option<(Link, Hello)>, Error> {
    let mut link = match question {
        Kind::Restart | Kind::Succeed => Link::taking_descriptors(Arc::new(stream)),
        _ => Link::new(Arc::new(stream)),
    };
    let mut out = Vec::new();
    let hello = Hello {
        // Nobody else is told what this process has met with.
        session: (question == Kind::Details).then(session::token).flatten(),
        ..hello(call, route)
    };
    hello.put(&mut out);
    // A server that does not answer would carry out later what it finds then. So one that is asked to
    // end must have greeted first, where it greets by itself.
    let is_last = matches!(question, Kind::Stop | Kind::Restart | Kind::Succeed);
    let waits = is_last && !link.stream().is_exchange();
    if !waits {
        frame::put(&mut out, question, |out| out.extend_from_slice(body));
    }
    // A server that is already gone, or ends just now, says so when it is read from.
    let _ = link.send(&out);
    match receive(route, &mut link) {
        Ok(Some(Kind::Hello)) => {}
        Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => return Ok(None),
        Err(Broken::Silent) if is_last && !waits => {
            let trouble = silence::trouble(call, route, link.stream(), REPLY, PATIENCE);
            return Err(Error::TimedOut(trouble.after_sending()));
        }
        other => return Err(unexpected(call, route, &link, other)),
    }
    let hello = greeted(call, link.body(), route)?;
    if waits {
        let question = frame::of(question, |out| out.extend_from_slice(body));
        // The same here.
        let _ = link.send(&question);
    }
    Ok(Some((link, hello)))
}

/// Receives a frame of that kind; `false` if the connection has ended.
fn expect(
    call: Call<'_>,
    route: &dyn Route,
    link: &mut Link,
    expected: Kind,
) -> Result<bool, Error> {
    match receive(route, link) {
        Ok(Some(kind)) if kind == expected => Ok(true),
        Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => Ok(false),
        other => Err(unexpected(call, route, link, other)),
    }
}

/// The next frame. Who listens and does not speak may only be starting.
fn receive(route: &dyn Route, link: &mut Link) -> Result<Option<Kind>, Broken> {
    receive_up_to(route, link, LARGEST)
}

fn receive_up_to(
    route: &dyn Route,
    link: &mut Link,
    largest: usize,
) -> Result<Option<Kind>, Broken> {
    let began = Instant::now();
    loop {
        let patience = route.within(PATIENCE);
        match link.receive(largest, Some(patience)) {
            Err(Broken::Silent) if patience.is_zero() => return Err(Broken::Silent),
            Err(Broken::Silent) if began.elapsed() < START && route.is_starting() => {}
            received => return received,
        }
    }
}

fn unexpected(
    call: Call<'_>,
    route: &dyn Route,
    link: &Link,
    received: Result<Option<Kind>, Broken>,
) -> Error {
    match received {
        Ok(Some(Kind::Fault)) => fault::error(call, link.body()),
        Ok(Some(Kind::Goodbye) | None) | Err(Broken::Cut | Broken::Unread | Broken::Unsent) => {
            Error::Unreachable(call.trouble(format_args!(
                "the one at `{}` is ending just now",
                route.address()
            )))
        }
        Ok(Some(kind)) => not_a_server(call, route, &format_args!("a frame of kind {kind:?}")),
        Err(Broken::Silent) => {
            let patience = route.within(PATIENCE);
            Error::TimedOut(silence::trouble(
                call,
                route,
                link.stream(),
                REPLY,
                patience,
            ))
        }
        Err(Broken::Error(e)) => *e,
        Err(Broken::Io(e)) => call.io("its reply cannot be received", e),
        Err(Broken::Refused(e)) => not_a_server(call, route, &e),
    }
}
