//! Sends calls over connections that are kept for the next call.
//!
//! What makes it more than a write and a read is that a call must never run twice, and should run
//! where it can: a call that certainly has not run is sent again, unseen by the caller, and one
//! that may have run is [`Error::Lost`], unless its function is idempotent. It has certainly not
//! run if
//!
//! - its bytes could not all be written, or were not all read when the connection ended: a server
//!   runs nothing of which it has only a part;
//! - where the system does not tell whether they were read: the connection ended before the server's
//!   hello, before which nothing runs;
//! - the server said [`Goodbye`](Kind::Goodbye) and had not taken it.
//!
//! Where a connection can end while both of its ends live, as over a network, a call that may have run is
//! sent again with its number, and the server, which knows that, answers without running it again.

mod attempts;
mod connection;
mod control;
mod conversation;
mod deadline;
mod idle;
mod silence;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use crate::backoff;
use crate::codec::{Encoder, Lent};
use crate::error::{Call, Error, Record};
use crate::explain;
use crate::program::Build;
use crate::session::Holdings;
use crate::transport::Stream;
use crate::wire::Kind;
use crate::wire::call::Fingerprint;
use crate::wire::fault::{self, record};
use crate::wire::frame::Block;
use crate::wire::reference::Id;
use attempts::{Attempts, MOST, Next, Outcome};
use connection::{Connection, Ended};
use idle::Idle;

pub(crate) use control::{
    NO_SERVER, State, Succession, ask_to_stop, details, interface, is_staying, restart, status,
    stop, succeed,
};
pub(crate) use deadline::Deadline;

/// How long a server is waited for that cannot be reached: an attempt to reach another machine may take
/// ten seconds by itself.
const LONGEST_ABSENCE: Duration = Duration::from_secs(30);

/// The connections of this process to one server.
#[derive(Debug)]
pub(crate) struct Client {
    idle: Idle,
    /// Whether a server has ever answered: then there is one, and it comes back.
    has_met: AtomicBool,
    /// What this process holds of the server.
    holdings: Holdings,
    /// The same of servers that there are for each of several keys. They stay, as there are few.
    keyed: Mutex<Vec<&'static Holdings>>,
    /// The most that a server has asked of this program's build, which the next one may ask too.
    identified: AtomicU8,
    /// Held for a call where there is one connection only.
    turn: Mutex<()>,
}

/// What a client must know of a call besides its arguments.
pub(crate) struct Request<'a> {
    pub(crate) call: Call<'a>,
    /// What this process holds of the server.
    pub(crate) holdings: &'static Holdings,
    /// The crate that declares the function, and its version.
    pub(crate) program: &'a str,
    pub(crate) version: &'a str,
    /// What tells the function from one of another build; asked where the server may be one.
    pub(crate) fingerprint: &'a dyn Fn() -> Option<Fingerprint>,
    pub(crate) idempotent: bool,
    /// What joins its trace with the server's.
    pub(crate) trace: Option<u64>,
    /// The servers that wait for it.
    pub(crate) chain: Option<&'a str>,
    /// Whether its answer is nothing but a block.
    pub(crate) wants_block: bool,
    /// Set if its arguments and its reply are CBOR.
    pub(crate) is_plain: bool,
    /// Where the server keeps what it knows of its failure, by its id.
    pub(crate) record: &'a dyn Fn(Id) -> Record,
}

/// How a client comes to its server: the client itself knows no addresses and starts nothing.
pub(crate) trait Route {
    /// Connects, with all that this takes; `None` if nobody listens, and nobody can be started.
    fn connect(&self, call: Call<'_>) -> Result<Option<Stream>, Error>;

    /// Whether there can be one connection only, since each leads to a server of its own.
    fn is_single(&self) -> bool;

    /// Whether a connection can end while both of its ends live.
    fn may_be_cut(&self) -> bool;

    /// The file that this process runs, if the server can compare it with its own.
    fn build(&self) -> Option<Build>;

    /// Connects to the server that has what the call refers to, and starts none; `None` if it cannot
    /// be reached now. It is [`Error::Gone`] if it has ended.
    fn rejoin(&self, call: Call<'_>) -> Result<Option<Stream>, Error>;

    /// Connects to a server that runs, and starts none.
    fn reconnect(&self, call: Call<'_>) -> Option<Stream>;

    /// The error if there is nobody.
    fn nobody(&self, call: Call<'_>) -> Error;

    /// Returns `true` if a server that was there before is waited for, since it may come back.
    fn is_awaited(&self, call: Call<'_>) -> bool;

    /// Returns `true` if a server of this build may take the place of one of another build.
    fn succeeds(&self) -> bool;

    /// Puts a server of this build in the place of the one that runs, if the program still lies at
    /// its path; else it never [succeeds](Self::succeeds) one again.
    fn succeed(&self, call: Call<'_>, program: &str, version: &str) -> Result<(), Error>;

    /// Whether a server is starting now, so that who has connected to its socket waits for longer.
    fn is_starting(&self) -> bool;

    /// Until when the answer must be there.
    fn deadline(&self) -> Option<Deadline>;

    /// `most`, or what is left until the deadline if that is less.
    fn within(&self, most: Duration) -> Duration {
        self.deadline()
            .map_or(most, |deadline| deadline.left().min(most))
    }

    /// Which one of the servers it is that there are for each of several keys.
    fn key(&self) -> &str;

    /// What tells this program from others that are run from the same file.
    fn image(&self) -> u64;

    /// The largest body of a message, in bytes.
    fn limit(&self) -> usize;

    /// The address, for people.
    fn address(&self) -> String;

    /// Where to look for what a server said at its end, for people.
    fn log(&self) -> String;
}

/// Encodes a call's arguments, which are lent for `'v`.
pub(crate) type Encode<'a, 'v> = &'a mut dyn FnMut(&mut Encoder<'_, 'v>) -> Result<(), Error>;

impl Client {
    pub(crate) const fn new(server: &'static str) -> Self {
        Self {
            idle: Idle::new(),
            has_met: AtomicBool::new(false),
            holdings: Holdings::new(server, ""),
            keyed: Mutex::new(Vec::new()),
            identified: AtomicU8::new(0),
            turn: Mutex::new(()),
        }
    }

    /// What this process holds of the server of that key.
    pub(crate) fn holdings(&'static self, key: &str) -> &'static Holdings {
        if key.is_empty() {
            return &self.holdings;
        }
        let mut keyed = self.keyed.lock();
        if let Some(holdings) = keyed.iter().find(|holdings| holdings.key == key) {
            return holdings;
        }
        let key = key.to_owned().leak();
        let holdings = Box::leak(Box::new(Holdings::new(self.holdings.server, key)));
        keyed.push(holdings);
        holdings
    }

    /// Sends a call and waits for how it ends: with an answer, an error value, or an error.
    pub(crate) fn exchange(
        &'static self,
        request: &Request<'_>,
        route: &dyn Route,
        encode: Encode<'_, '_>,
    ) -> Result<Reply, Error> {
        let turn = route.is_single().then(|| self.turn.lock());
        // From here on the connection goes back, however this ends.
        let mut reply = Reply {
            client: self,
            _turn: turn,
            connection: Some(self.idle.take(route.key())),
            kind: Kind::Fault,
            is_read: Cell::new(false),
        };
        let Some(connection) = &mut reply.connection else {
            return Err(route.nobody(request.call));
        };
        let e = match self.converse(connection, request, route, encode) {
            Ok(Kind::Fault) => fault_of(connection, request),
            Ok(kind) => {
                reply.kind = kind;
                return Ok(reply);
            }
            Err(e) => e,
        };
        if !connection.is_open() && request.holdings.has_any() && !self.idle.has(route.key()) {
            // Else what this process holds would be let go of.
            connection.open_again(request.call, route);
        }
        Err(e)
    }

    /// Makes attempts until one ends with a reply.
    fn converse(
        &self,
        connection: &mut Connection,
        request: &Request<'_>,
        route: &dyn Route,
        encode: Encode<'_, '_>,
    ) -> Result<Kind, Error> {
        let call = request.call;
        let mut lent = Lent::new();
        match self.identified.load(Ordering::Relaxed) {
            0 => {}
            asked => connection.identify(asked > 1),
        }
        connection.prepare(request, route, encode, &mut lent)?;
        let mut attempts = Attempts::new(request.idempotent, connection.is_numbered());
        // The error of the first attempt that may have run.
        let mut lost = None;
        let mut absent_since = None;
        while let Some(attempt) = attempts.begin() {
            let began = connection.is_numbered().then(Instant::now);
            let ended = pause(call, attempt, route)
                .and_then(|()| connection.attempt(request, route, &lent));
            let mut may_return = || {
                let since = absent_since.get_or_insert_with(Instant::now);
                let was_met = self.has_met.load(Ordering::Relaxed);
                was_met && route.is_awaited(call) && since.elapsed() < LONGEST_ABSENCE
            };
            let outcome = self.outcome(
                connection,
                call,
                &ended,
                began,
                lost.is_some(),
                &mut may_return,
            );
            let next = attempts.after(outcome);
            match next {
                Next::Again => {}
                Next::Succeed => {
                    if let Err(e) = route.succeed(call, request.program, request.version) {
                        return Err(lost.unwrap_or(e));
                    }
                }
                Next::Identify => {
                    explain::say(call, || "the server asks which build this is".into());
                    let content = matches!(ended, Ok(Ended::Identify { content: true }));
                    self.identified
                        .fetch_max(1 + u8::from(content), Ordering::Relaxed);
                    connection.identify(content);
                }
                Next::Anew | Next::RunAgain => connection.renumber(),
                Next::End => return last(ended, call, route),
                Next::EndAsLost => {
                    connection.close();
                    break;
                }
            }
            if let Err(e @ Error::Lost(_)) = ended {
                let then = match next {
                    Next::RunAgain => "may run again",
                    _ => "the server is asked",
                };
                explain::say(call, || format!("it may have run, and {then}"));
                lost.get_or_insert(e);
            }
        }
        Err(lost.unwrap_or_else(|| {
            Error::Unreachable(call.trouble(format_args!(
                "the server at `{}` ended the connection {MOST} times before it took the call; see {}",
                route.address(),
                route.log()
            )))
        }))
    }

    /// The end of an attempt, as the rules know it.
    fn outcome(
        &self,
        connection: &Connection,
        call: Call<'_>,
        ended: &Result<Ended, Error>,
        began: Option<Instant>,
        was_lost: bool,
        may_return: &mut dyn FnMut() -> bool,
    ) -> Outcome {
        match ended {
            Ok(Ended::Replied(kind)) => {
                self.has_met.store(true, Ordering::Relaxed);
                let has_not_run = || !fault::error(call, connection.body()).may_have_run();
                match was_lost && *kind == Kind::Fault && has_not_run() {
                    true => Outcome::Refused,
                    false => Outcome::Replied,
                }
            }
            Ok(Ended::NotRun) => Outcome::NotRun,
            Ok(Ended::Outdated) => Outcome::Outdated,
            Ok(Ended::Identify { .. }) => Outcome::Asked,
            Ok(Ended::Nobody) => Outcome::Absent {
                may_return: may_return(),
            },
            Err(Error::Unreachable(why)) if why.may_pass() => Outcome::Absent {
                may_return: may_return(),
            },
            Ok(Ended::Forgotten) => Outcome::Forgotten {
                by_another: connection.may_reach_others(),
            },
            Err(Error::Lost(_)) => Outcome::Lost {
                after: began.map(|began| began.elapsed()).unwrap_or_default(),
            },
            Err(_) => Outcome::Failed,
        }
    }
}

/// The end of a call, which is that of its last attempt.
fn last(ended: Result<Ended, Error>, call: Call<'_>, route: &dyn Route) -> Result<Kind, Error> {
    match ended? {
        Ended::Replied(kind) => Ok(kind),
        // The rules end with no other one.
        _ => Err(route.nobody(call)),
    }
}

/// The error of a fault that has come.
fn fault_of(connection: &mut Connection, request: &Request<'_>) -> Error {
    let e = fault::error(request.call, connection.body());
    let e = match record(connection.body()) {
        Some(record) => e.recorded((request.record)(record)),
        None => e,
    };
    // What is not about the function may have been the server's last word on this connection.
    if matches!(
        &e,
        Error::Busy(_) | Error::Malformed(_) | Error::Mismatch(_) | Error::TooLarge { .. }
    ) {
        connection.close();
    }
    e
}

/// Waits before an attempt, if the deadline leaves time for that.
fn pause(call: Call<'_>, attempt: u32, route: &dyn Route) -> Result<(), Error> {
    let pause = backoff::pause_before(attempt);
    if pause.is_zero() {
        return Ok(());
    }
    explain::say(call, || format!("it is tried again after {pause:?}"));
    match route.deadline() {
        Some(deadline) if deadline.left() <= pause => Err(Error::TimedOut(
            call.trouble(format_args!("no server took it within {deadline}")),
        )),
        _ => {
            std::thread::sleep(pause);
            Ok(())
        }
    }
}

/// A reply that lies in its connection's buffer; the connection goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reply {
    client: &'static Client,
    connection: Option<Box<Connection>>,
    kind: Kind,
    /// Whether all that is in it has become a value.
    is_read: Cell<bool>,
    /// Where there is one connection only, others wait until it has gone back.
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Reply {
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.connection
            .as_ref()
            .map_or(&[], |connection| connection.body())
    }

    /// Notes that all that is in it has become a value; else whoever drops it lets go of that.
    pub(crate) fn set_read(&self) {
        self.is_read.set(true);
    }

    /// The body, if it is a block and a large one.
    pub(crate) fn take_block(&mut self) -> Option<Block> {
        self.connection.as_mut()?.take_block()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            if !self.is_read.get() && self.kind != Kind::Fault {
                connection.reject();
            }
            connection.trim();
            self.client.idle.put(connection);
        }
    }
}
