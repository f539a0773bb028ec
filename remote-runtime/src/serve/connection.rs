//! One connection of the server, and the calls that come over it.

use std::io;
use std::sync::Arc;

use super::identity::Identity;
use super::run::Runner;
use super::{Service, Shared, accept};
use crate::caller::Caller;
use crate::link::{Broken, Link, PATIENCE};
use crate::transport::Peer;
use crate::wire::Kind;
use crate::wire::call::LARGEST_HEAD;
use crate::wire::fault::Fault;
use crate::wire::frame::{self, LARGEST, Refused};
use crate::wire::hello::{Hello, LARGEST_HELLO};

/// Serves a connection, on which our hello was sent, until one side ends it. If the server is busy,
/// it takes no calls.
pub(super) fn serve(shared: &Arc<Shared>, mut link: Link, is_busy: bool) {
    let Ok(peer) = Peer::of(link.stream()) else {
        return;
    };
    if !peer.is_us() {
        return;
    }
    let hello = match greet(shared, &mut link) {
        Ok(hello) => hello,
        Err(Some(fault)) => return send_fault(&link, &fault),
        Err(None) if shared.is_stopping() => return shared.say_goodbye(&link, 0),
        Err(None) => return,
    };
    let client = Client {
        identity: Identity::of(&hello, &shared.service),
        debug: hello.debug,
        limit: usize::try_from(hello.limit).unwrap_or(usize::MAX),
    };
    Caller::there(peer, hello.pid, hello.directory.clone()).enter();
    let mut runner = Runner::new(&shared.service, link.stream().clone(), &client);
    let mut taken = 0;
    loop {
        if shared.is_stopping() {
            return shared.say_goodbye(&link, taken);
        }
        let limit = shared
            .service
            .limit
            .saturating_add(LARGEST_HEAD)
            .min(LARGEST);
        match link.receive(limit, None) {
            Ok(Some(Kind::Call)) if is_busy => return send_fault(&link, &accept::busy()),
            Ok(Some(Kind::Call)) => {
                taken += 1;
                let running = shared.count_call();
                let reply = runner.run(link.body());
                drop(running);
                let sent = link.send(reply);
                runner.trim();
                if sent.is_err() {
                    return;
                }
            }
            Ok(Some(Kind::Status)) => {
                if send_report(shared, &link).is_err() {
                    return;
                }
            }
            Ok(Some(Kind::Stop)) => return stop(shared, &link),
            Ok(Some(Kind::Restart)) => {
                let program = String::from_utf8_lossy(link.body());
                if let Err(fault) = client.identity.may_restart(&program, &shared.service) {
                    return send_fault(&link, &fault);
                }
                *shared.heir.lock() = Some(link.stream().clone());
                return stop(shared, &link);
            }
            Ok(Some(Kind::Succeed)) => {
                let program = String::from_utf8_lossy(link.body());
                if client.identity.succeeds(&program, &shared.service) {
                    *shared.heir.lock() = Some(link.stream().clone());
                    return stop(shared, &link);
                }
                if send_report(shared, &link).is_err() {
                    return;
                }
            }
            Ok(None) if shared.is_stopping() => return shared.say_goodbye(&link, taken),
            Ok(None) | Err(Broken::Cut | Broken::Unread | Broken::Silent | Broken::Io(_)) => return,
            Ok(Some(kind)) => {
                let why = format!("a frame of kind {kind:?} is no request");
                return send_fault(&link, &Fault::Malformed(why));
            }
            Err(Broken::Refused(refused)) => {
                return send_fault(&link, &fault_of(refused, shared.service.limit));
            }
        }
    }
}

/// What a client has said of itself that matters to each of its calls.
pub(super) struct Client {
    pub(super) identity: Identity,
    /// Whether it wants backtraces.
    pub(super) debug: bool,
    /// The largest body that it takes, in bytes.
    pub(super) limit: usize,
}

/// Reads the client's hello; an error is what to answer, if anything.
fn greet(shared: &Shared, link: &mut Link) -> Result<Hello, Option<Fault>> {
    match link.receive(LARGEST_HELLO, Some(PATIENCE)) {
        Ok(Some(Kind::Hello)) => {}
        Ok(Some(_)) => {
            return Err(Some(Fault::Malformed(
                "it does not begin with a hello".into(),
            )));
        }
        Err(Broken::Refused(refused)) => return Err(Some(fault_of(refused, LARGEST_HELLO))),
        Ok(None) | Err(_) => return Err(None),
    }
    let hello = Hello::read(link.body()).map_err(|e| Some(Fault::Malformed(e.to_string())))?;
    let Service { name, key, .. } = &shared.service;
    if (hello.server.as_str(), &hello.key) != (name, key) {
        let of = if key.is_empty() {
            String::new()
        } else {
            format!(" for `{key}`")
        };
        return Err(Some(Fault::Mismatch(format!(
            "this is server `{name}`{of}; set another address"
        ))));
    }
    Ok(hello)
}

fn fault_of(refused: Refused, limit: usize) -> Fault {
    match refused {
        Refused::Malformed(e) => Fault::Malformed(e.to_string()),
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

fn send_report(shared: &Shared, link: &Link) -> io::Result<()> {
    link.send(&frame::of(Kind::Report, |out| shared.report().put(out)))
}

/// A client asks to stop: it is told that this has begun, and sees the end when it is there.
fn stop(shared: &Shared, link: &Link) {
    // Whether it hears of it or not, it has asked.
    let _ = link.send(&frame::of(Kind::Stopping, |_| ()));
    shared.asking.lock().push(link.stream().clone());
    shared.ask_to_stop();
}
