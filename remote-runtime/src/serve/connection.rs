//! One connection of the server, and the calls that come over it.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::pool::Duty;
use super::replies::{Attendance, Key};
use super::run::Runner;
use super::tally::Tally;
use super::{Service, Shared, accept, panic};
use crate::caller::Caller;
use crate::link::{Broken, Link};
use crate::session::{Joined, scope};
use crate::transport::{Peer, Stream};
use crate::wire::Kind;
use crate::wire::call::{Head, LARGEST_HEAD};
use crate::wire::ending::Ending;
use crate::wire::fault::Fault;
use crate::wire::frame::{self, HEADER, LARGEST, Refused};
use crate::wire::hello::{Hello, LARGEST_HELLO, for_key};
use crate::wire::interface::LARGEST_OFFER;
use crate::wire::record::put_record;
use crate::wire::reference::{Id, released};

/// How long a thread waits for the next call, or the rest of it, before it lets the connection rest. A
/// client that calls more often finds it there.
const LINGER: Duration = Duration::from_millis(5);

/// Why there are no details of a failure.
const NOT_KEPT: &str = "the server does not keep what is known of that call any more";

/// A connection on which our hello was sent.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    link: Link,
    tally: Arc<Tally>,
    /// Who it is, once that has been said.
    client: Option<Client>,
    /// How many calls were taken.
    taken: u64,
    /// What has come and was not taken, and when that was.
    waiting: Option<(Kind, Instant)>,
    /// The references in the last answer, as long as the client may not have read it.
    made: Vec<Id>,
    /// When it was accepted.
    accepted: Instant,
    /// The last call, if its reply may be kept.
    numbered: Option<Key>,
    /// Keeps the server from forgetting the numbers of the session, once a call has come with one.
    attendance: Option<Attendance>,
    /// Whether it is one more than the server takes, so that it runs nothing.
    is_extra: bool,
    /// `true` if it has rested within a message: no thread waits for the rest of that any more.
    has_paused: bool,
    /// Whether the poller knows it.
    pub(super) is_watched: bool,
}

/// Why a thread leaves a connection.
pub(super) enum Left {
    Over,
    /// Nothing comes for now, or the calls of others are to be taken first.
    Resting,
    /// A call has come that this thread must not run.
    Waiting,
}

/// What a client has said of itself that matters to each of its calls.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) identity: Identity,
    /// Whether it wants backtraces.
    debug: bool,
    /// The largest answer that it takes, and we send, in bytes.
    pub(super) limit: usize,
    pub(super) caller: Caller,
    /// The session that it belongs to.
    pub(super) joined: Arc<Joined>,
    /// Whether it may be on another machine.
    pub(super) is_far: bool,
    /// When its connection was accepted.
    pub(super) accepted: Instant,
    /// The counts of its connection.
    pub(super) tally: Arc<Tally>,
    /// The time at which the server began.
    pub(super) began: Instant,
}

impl Connection {
    pub(super) fn new(id: u64, link: Link, tally: Arc<Tally>, is_extra: bool) -> Self {
        Self {
            id,
            link,
            tally,
            client: None,
            taken: 0,
            waiting: None,
            made: Vec::new(),
            accepted: Instant::now(),
            numbered: None,
            attendance: None,
            is_extra,
            has_paused: false,
            is_watched: false,
        }
    }

    pub(super) fn stream(&self) -> &Arc<Stream> {
        self.link.stream()
    }

    /// Gives back the memory for messages, unless one has begun to come.
    pub(super) fn rest(&mut self) {
        self.has_paused = self.link.is_within_frame();
        if !self.has_paused {
            self.link.trim(0);
        }
    }

    /// Since when the client owes its hello, or the rest of a message, on a connection that
    /// [rests](Self::rest).
    pub(super) fn unfinished(&self) -> Option<Instant> {
        match self.client {
            None => Some(self.accepted),
            Some(_) => self.has_paused.then(Instant::now),
        }
    }

    pub(super) fn say_goodbye(&self, shared: &Shared) {
        shared.say_goodbye(&self.link, self.taken);
    }

    /// Sends the server's hello.
    pub(super) fn say_hello(&self, hello: &[u8]) {
        // A client that has gone already is noticed when it is read from.
        let _ = self.link.send(hello);
    }

    pub(super) fn refuse(&self, fault: &Fault) {
        send_fault(&self.link, fault);
    }

    /// Returns `true` if the frame that has come must not wait for a thread: all threads may wait for
    /// a call that is made inside a remote function, and its client asks for the interface first.
    pub(super) fn is_urgent(&self) -> bool {
        match self.waiting {
            Some((Kind::Call, _)) => {
                Head::split(self.link.body()).is_ok_and(|(head, _)| head.chain.is_some())
            }
            Some((kind, _)) => matches!(kind, Kind::Interface | Kind::Details),
            None => false,
        }
    }

    /// Serves it until one side ends it, nothing comes for a while, or the thread has another duty.
    pub(super) fn serve(&mut self, shared: &Shared, runner: &mut Runner, duty: Duty) -> Left {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => match self.greet(shared, duty) {
                Ok(client) => self.client.insert(client).clone(),
                Err(left) => return left,
            },
        };
        let session = client.joined.session().clone();
        scope::begin(session, mem::take(&mut self.made));
        let left = self.serve_client(shared, runner, duty, &client);
        self.made = scope::end();
        left
    }

    fn serve_client(
        &mut self,
        shared: &Shared,
        runner: &mut Runner,
        duty: Duty,
        client: &Client,
    ) -> Left {
        let is_last = duty == Duty::Watch;
        let caller = panic::Caller {
            server: shared.service.name,
            saves: shared.service.saves,
            stream: self.stream().clone(),
        };
        let _watched = panic::watch(caller, client.debug);
        let _entered = client.caller.clone().enter();
        // Without an idle timeout, the time of the last call is not needed.
        let began = shared.service.idle_timeout.map(|_| shared.started.0);
        loop {
            if shared.is_stopping() {
                return self.end(shared);
            }
            match self.next(shared, is_last) {
                Ok(Some(Kind::Call)) if self.is_extra && shared.is_crowded() => {
                    self.refuse(&accept::too_many());
                    return Left::Over;
                }
                // The end of an object is the user's code. It must not keep the call that follows
                // from being seen, which may be one that must not wait.
                Ok(Some(Kind::Release)) if is_last => match self.link.body() {
                    [] => scope::take_back_elsewhere(),
                    ids => client.joined.session().release_elsewhere(released(ids)),
                },
                // These may run the user's code, or take long.
                Ok(Some(kind @ (Kind::Call | Kind::Interface | Kind::Details))) if is_last => {
                    self.waiting.get_or_insert_with(|| (kind, Instant::now()));
                    return Left::Waiting;
                }
                Ok(Some(Kind::Call)) => {
                    self.is_extra = false;
                    self.taken += 1;
                    let waited = self.waiting.take().map(|(_, since)| since.elapsed());
                    let running = self.tally.count(began);
                    if let Some(before) = self.numbered.take() {
                        // Its client has got the answer, or would not call again here.
                        shared.replies.has_arrived(&before);
                    }
                    let call = self.link.body();
                    self.numbered = runner.run(shared, client, call, waited, &mut self.attendance);
                    drop(running);
                    if runner.send(&self.link).is_err() {
                        scope::take_back();
                        return Left::Over;
                    }
                    let is_done = duty == Duty::RunOne || shared.pool.is_behind();
                    if is_done && !self.link.is_within_frame() {
                        return Left::Resting;
                    }
                }
                Ok(Some(Kind::Release)) => match self.link.body() {
                    [] => scope::take_back(),
                    ids => client.joined.session().release(released(ids)),
                },
                Ok(Some(request)) => {
                    self.waiting = None;
                    if let Some(left) = self.answer(shared, client, request) {
                        return left;
                    }
                    if duty == Duty::RunOne && !self.link.is_within_frame() {
                        return Left::Resting;
                    }
                }
                // Over a network, the end comes in the middle of what is still on its way.
                Ok(None) | Err(Broken::Cut) if shared.is_stopping() => return self.end(shared),
                Err(Broken::Silent) => return Left::Resting,
                Err(Broken::Unread) => {
                    // Nobody has read the answer, so that nobody can let go of what is in it.
                    if is_last {
                        scope::take_back_elsewhere();
                    } else {
                        scope::take_back();
                    }
                    return Left::Over;
                }
                Err(Broken::Refused(refused)) => {
                    self.refuse(&fault_of(refused, shared.service.limit));
                    return Left::Over;
                }
                Ok(None) | Err(_) => return Left::Over,
            }
        }
    }

    /// The next frame that is to be looked at.
    fn next(&mut self, shared: &Shared, is_last: bool) -> Result<Option<Kind>, Broken> {
        if let Some((kind, _)) = self.waiting {
            return Ok(Some(kind));
        }
        let limit = shared.service.limit.saturating_add(LARGEST_HEAD);
        self.receive(limit.min(LARGEST), is_last)
    }

    /// Receives the next frame, if it comes at once or the thread may wait for it.
    fn receive(&mut self, limit: usize, is_last: bool) -> Result<Option<Kind>, Broken> {
        let linger = match is_last || self.has_paused {
            true => Duration::ZERO,
            false => LINGER,
        };
        let received = self.link.next(limit, linger);
        if received.is_ok() {
            self.has_paused = false;
        }
        received
    }

    /// Answers what is no call.
    fn answer(&mut self, shared: &Shared, client: &Client, request: Kind) -> Option<Left> {
        let program = || String::from_utf8_lossy(self.link.body());
        match request {
            Kind::Status => {}
            Kind::Interface => {
                let interface = {
                    let Service {
                        table, name, key, ..
                    } = &shared.service;
                    table.interface(name, key.clone())
                };
                let mut offer = frame::of(Kind::Offer, |out| interface.put(out));
                let size = offer.len() - HEADER;
                if size > LARGEST_OFFER {
                    let (size, limit) = (size as u64, LARGEST_OFFER as u64);
                    let fault = Fault::TooLarge {
                        size,
                        limit,
                        answer: true,
                    };
                    offer = frame::of(Kind::Fault, |out| fault.put(out));
                }
                return self.link.send(&offer).err().map(|_| Left::Over);
            }
            Kind::Details => {
                let record = Id::try_from(self.link.body()).ok();
                let details = record.and_then(|record| client.joined.session().details(&record));
                let reply = match details {
                    Some(details) => frame::of(Kind::Record, |out| put_record(&details, out)),
                    None => frame::of(Kind::Fault, |out| Fault::Gone(NOT_KEPT.into()).put(out)),
                };
                return self.link.send(&reply).err().map(|_| Left::Over);
            }
            Kind::Stop => return Some(self.stop(shared)),
            Kind::Restart => {
                if let Err(fault) = client.identity.may_restart(&program(), &shared.service) {
                    self.refuse(&fault);
                    return Some(Left::Over);
                }
                *shared.heir.lock() = Some(self.stream().clone());
                return Some(self.stop(shared));
            }
            Kind::Succeed => {
                let body = program();
                let (program, version) = body.split_once('\0').unwrap_or((&body, ""));
                if client.identity.succeeds(program, version, &shared.service) {
                    *shared.heir.lock() = Some(self.stream().clone());
                    return Some(self.stop(shared));
                }
            }
            kind => {
                let why = format!("a frame of kind {kind:?} is no request");
                self.refuse(&Fault::Malformed(why));
                return Some(Left::Over);
            }
        }
        let report = frame::of(Kind::Report, |out| shared.report().put(out));
        self.link.send(&report).err().map(|_| Left::Over)
    }

    fn end(&self, shared: &Shared) -> Left {
        self.say_goodbye(shared);
        Left::Over
    }

    /// A client asks to stop: it is told that this has begun, and sees the end when it is there.
    fn stop(&self, shared: &Shared) -> Left {
        let ending = match shared.service.saves {
            true => Ending::Told,
            false => Ending::Begun,
        };
        // Whether it hears of it or not, it has asked.
        let _ = self
            .link
            .send(&frame::of(Kind::Stopping, |out| ending.put(out)));
        shared.asking.lock().push(self.stream().clone());
        shared.ask_to_stop();
        Left::Over
    }

    /// Reads the client's hello, and sees who it is.
    fn greet(&mut self, shared: &Shared, duty: Duty) -> Result<Client, Left> {
        let refused = match self.receive(LARGEST_HELLO, duty == Duty::Watch) {
            Ok(Some(Kind::Hello)) => match self.client(shared) {
                Ok(client) => return client.ok_or(Left::Over),
                Err(fault) => fault,
            },
            Ok(Some(_)) => Fault::Malformed("it does not begin with a hello".into()),
            Err(Broken::Refused(refused)) => fault_of(refused, LARGEST_HELLO),
            Err(Broken::Silent) => return Err(Left::Resting),
            Ok(None) | Err(_) if shared.is_stopping() => return Err(self.end(shared)),
            Ok(None) | Err(_) => return Err(Left::Over),
        };
        self.refuse(&refused);
        Err(Left::Over)
    }

    /// Who has just said hello; `None` if it is not us.
    fn client(&self, shared: &Shared) -> Result<Option<Client>, Fault> {
        let service = &shared.service;
        let Some(peer) = Peer::of(self.stream()).ok().filter(|peer| peer.is_us()) else {
            return Ok(None);
        };
        let hello = Hello::read(self.link.body()).map_err(|e| Fault::Malformed(e.0.into()))?;
        let Service { name, key, .. } = service;
        if (hello.server.as_str(), &hello.key) != (name, key) {
            let which = for_key(key);
            return Err(Fault::Mismatch(format!(
                "this is server `{name}`{which}; set another address"
            )));
        }
        let process = peer.pid.unwrap_or(hello.pid);
        let is_far = self.stream().is_far();
        // Its folder is one of another machine, and so are its other files.
        let (directory, seen) = match is_far || hello.is_away {
            true => (PathBuf::new(), Peer { pid: None, ..peer }),
            false => (hello.directory.clone(), peer),
        };
        let joined = Arc::new(shared.sessions.join(hello.session, process));
        self.tally.set_process(process);
        let limit = usize::try_from(hello.limit).unwrap_or(usize::MAX);
        Ok(Some(Client {
            identity: Identity::of(&hello, service),
            debug: hello.debug,
            limit: service.limit.min(limit).min(LARGEST),
            caller: Caller::there(seen, hello.pid, directory),
            joined,
            is_far,
            accepted: self.accepted,
            tally: self.tally.clone(),
            began: shared.started.0,
        }))
    }
}

fn fault_of(refused: Refused, limit: usize) -> Fault {
    match refused {
        Refused::Malformed(e) => Fault::Malformed(e.0.into()),
        Refused::TooLarge { size } => Fault::TooLarge {
            size: size as u64,
            limit: limit as u64,
            answer: false,
        },
    }
}

pub(super) fn send_fault(link: &Link, fault: &Fault) {
    // The connection ends here; who has gone already does not care why.
    let _ = link.send(&frame::of(Kind::Fault, |out| fault.put(out)));
}
