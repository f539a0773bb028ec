//! Runs one call: finds the function, decodes its arguments, and encodes how it ended.

use std::backtrace::Backtrace;
use std::cell::OnceCell;
use std::io::{self, IoSlice};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use super::connection::Client;
use super::identity::{Compared, Verdict};
use super::replies::{Asked, Attendance, Key, Lookup};
use super::taken::Sending;
use super::{Service, Shared, panic};
use crate::codec::{Decoder, Encoder, Form};
use crate::error::Details;
use crate::function::{Function, Reply};
use crate::hook::{Call, Outcome};
use crate::link::Link;
use crate::session::scope::{self, Scope};
use crate::wire::call::Head;
use crate::wire::fault::{self, Fault};
use crate::wire::frame::{self, HEADER};
use crate::wire::reference::Id;
use crate::wire::{Kind, Malformed};
use crate::{caller, chain, trace};

/// A reply's buffer that is larger than this is given back when the connection rests.
const ORDINARY: usize = 64 * 1024;

/// Runs calls, one after the other.
#[derive(Debug, Default)]
pub(super) struct Runner {
    /// The reply, as a frame.
    out: Vec<u8>,
    /// A large block that is its end.
    block: Vec<u8>,
}

/// A call whose function may run.
struct Found<'m> {
    function: &'static Function,
    arguments: &'m [u8],
    /// The id that joins its trace with the client's.
    trace: Option<u64>,
    /// Set if the arguments and the reply are CBOR.
    is_plain: bool,
}

/// A call, with what it says of itself apart from its arguments.
type Split<'m> = Result<(Head<'m>, &'m [u8]), Malformed>;

/// Why a call has no answer, and what else is known of that.
struct Failed {
    fault: Fault,
    /// Where a panic came from.
    backtrace: Option<Box<Backtrace>>,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        let backtrace = None;
        Self { fault, backtrace }
    }
}

impl Runner {
    /// Gives the memory of a large reply back.
    pub(super) fn trim(&mut self) {
        self.out.clear();
        self.out.shrink_to(ORDINARY);
    }

    /// Runs a call, which may have waited for it, and keeps the reply. Returns which one it is, if its
    /// client may ask for it again; its connection then attends the session.
    pub(super) fn run(
        &mut self,
        shared: &Shared,
        client: &Client,
        call: &[u8],
        waited: Option<Duration>,
        attendance: &mut Option<Attendance>,
    ) -> Option<Key> {
        self.out.clear();
        scope::begin_call();
        let split = Head::split(call);
        if let Ok((head, arguments)) = &split
            && let (Some(number), Some(token)) = (head.number, client.joined.token())
        {
            let asked = (head.name, *arguments);
            // First, since the function may run for longer than its session is remembered.
            attendance.get_or_insert_with(|| shared.replies.attend(token));
            return self.run_once(shared, client, &split, waited, asked, (token, number));
        }
        self.reply(shared, client, &split, waited);
        None
    }

    /// Runs a call that its client may send again, unless it has run; its reply is then known, or
    /// was. Returns which call it is if its reply may be kept.
    #[cold] // Network calls only; the round trip dwarfs this.
    fn run_once(
        &mut self,
        shared: &Shared,
        client: &Client,
        split: &Split<'_>,
        waited: Option<Duration>,
        asked: Asked<'_>,
        key: Key,
    ) -> Option<Key> {
        let sending = Sending {
            accepted: client.accepted,
            again: split.as_ref().map_or(None, |(head, _)| head.again),
            is_near: !client.is_far,
        };
        match shared.replies.look_up(key, asked, sending) {
            Lookup::New(in_flight) => {
                self.reply(shared, client, split, waited);
                // An answer that may not have arrived releases its references, and is of no use then.
                if !scope::has_made() {
                    in_flight.keep([&self.out, &self.block]);
                }
            }
            Lookup::Known(reply) => self.out = reply,
            Lookup::Forgotten => frame::put(&mut self.out, Kind::Forgotten, |_| ()),
            Lookup::Reused => {
                let why = format!("another call of its session has its number, {}", key.1);
                let fault = Fault::Malformed(why);
                frame::put(&mut self.out, Kind::Fault, |out| fault.put(out));
                return None;
            }
        }
        Some(key)
    }

    /// Runs what is called, if it may run, and puts down how it has ended.
    #[inline] // Each call takes it.
    fn reply(
        &mut self,
        shared: &Shared,
        client: &Client,
        split: &Split<'_>,
        waited: Option<Duration>,
    ) {
        let at = frame::begin(&mut self.out);
        let service = &shared.service;
        let ended = match find(service, &shared.compared, client, split, waited) {
            Ok(Ok(found)) => self.run_found(service, client, &found, at),
            Ok(Err(kind)) => Ok(kind),
            Err(fault) => Err((fault, None)),
        };
        let kind = ended.unwrap_or_else(|(fault, record)| {
            // Something may have gone wrong when all was put down already.
            self.block = Vec::new();
            scope::take_back();
            self.out.truncate(at + HEADER);
            fault.put(&mut self.out);
            if let Some(record) = record {
                fault::put_record(&record, &mut self.out);
            }
            Kind::Fault
        });
        frame::end_before(&mut self.out, at, kind, self.block.len());
    }

    /// Runs the function, and the hooks around it; notes what it failed with.
    fn run_found(
        &mut self,
        service: &Service,
        client: &Client,
        found: &Found<'_>,
        at: usize,
    ) -> Result<Kind, (Fault, Option<Id>)> {
        let Found {
            function,
            arguments,
            trace,
            is_plain,
        } = *found;
        let began = service.after.map(|_| Instant::now());
        let figures = service.figures.as_ref();
        let measured = figures.and_then(|figures| figures.begin(function.name));
        client.tally.begin(function, client.began);
        // What the arguments of a plain call are to the function.
        let encoded = OnceCell::new();
        let mut decoder = Decoder::new(arguments).in_form(function.form());
        let form = if is_plain {
            Form::Plain
        } else {
            function.form()
        };
        let encoder = Encoder::new(&mut self.out, at + HEADER, client.limit).in_form(form);
        let mut reply = Reply::new(encoder, is_plain);
        let run = || {
            function.check_types()?;
            if let Some(before) = service.before {
                let call = Call::new(service.name, function, arguments.len());
                before(&call).map_err(|e| Fault::Refused(e.to_string()))?;
            }
            if is_plain {
                let values = function.encode(arguments, service.limit)?;
                decoder = Decoder::new(encoded.get_or_init(|| values)).in_form(function.form());
            }
            scope::set(Scope::Server);
            (function.handler)(&mut decoder, &mut reply)?;
            Ok(reply.kind())
        };
        let (server, name) = (service.name, function.name);
        let mut ended = trace::serve(
            server,
            name,
            trace,
            &client.caller,
            || guarded(name, run),
            |failed| &failed.fault,
        );
        scope::set(Scope::Outside);
        let debug = reply.take_debug();
        self.block = reply.into_block();
        if let (Some(after), Some(began)) = (service.after, began) {
            let duration = began.elapsed();
            let hooked = guarded(name, || {
                let call = Call::new(service.name, function, arguments.len());
                let bytes = self.out.len() - at - HEADER + self.block.len();
                after(&call, &outcome(&ended, duration, bytes));
                Ok(())
            });
            ended = hooked.and(ended);
        }
        if let Some(measured) = measured
            && let Some(words) = words(&ended)
        {
            measured.fail(&words);
        }
        ended.map_err(|Failed { fault, backtrace }| {
            let details = details(&fault, function, &decoder, debug);
            let session = client.joined.session();
            let record = details.and_then(|details| session.note(details, backtrace));
            (fault, record)
        })
    }

    /// Sends the reply.
    pub(super) fn send(&mut self, link: &Link) -> io::Result<()> {
        let block = mem::take(&mut self.block);
        if block.is_empty() {
            return link.send(&self.out);
        }
        link.send_parts(&mut [IoSlice::new(&self.out), IoSlice::new(&block)])
    }
}

/// Runs what may panic, as the user's code may.
fn guarded<T>(
    function: &'static str,
    run: impl FnOnce() -> Result<T, Failed>,
) -> Result<T, Failed> {
    panic::in_call(function, || {
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| {
            let (fault, backtrace) = panic::fault(payload);
            Err(Failed { fault, backtrace })
        })
    })
}

/// The function that is meant, if it may run; or the kind of the reply that says something else.
fn find<'m>(
    service: &Service,
    compared: &Compared,
    client: &Client,
    split: &Split<'m>,
    waited: Option<Duration>,
) -> Result<Result<Found<'m>, Kind>, Fault> {
    let malformed = |e: &Malformed| Fault::Malformed(e.0.into());
    let (head, arguments) = split.as_ref().map_err(malformed)?;
    let function = match client.identity.judge(head, service, compared, client) {
        Verdict::Run(function) => function,
        Verdict::Refuse(fault) => return Err(fault),
        Verdict::Outdated => return Ok(Err(Kind::Outdated)),
        Verdict::Ask(kind) => return Ok(Err(kind)),
    };
    let waited = waited.unwrap_or_default();
    if head.timeout.is_some_and(|timeout| timeout < waited) {
        let why = "it has waited for a thread for longer than its caller waits for the answer";
        return Err(Fault::Busy(why.into()));
    }
    caller::set_timeout(head.timeout.map(|timeout| timeout.saturating_sub(waited)));
    chain::enter(head.chain);
    Ok(Ok(Found {
        function,
        arguments,
        trace: head.trace,
        is_plain: head.is_plain,
    }))
}

fn outcome(ended: &Result<Kind, Failed>, duration: Duration, bytes: usize) -> Outcome {
    Outcome {
        duration,
        answer_bytes: if ended.is_ok() { bytes } else { 0 },
        error: words(ended),
    }
}

/// The error of a call, in words.
fn words(ended: &Result<Kind, Failed>) -> Option<String> {
    match ended {
        Ok(Kind::Raised | Kind::Told) => Some("an error of its own type".into()),
        Ok(_) => None,
        Err(failed) => Some(failed.fault.to_string()),
    }
}

/// The details of a failure; `None` if the function has not run.
fn details(
    fault: &Fault,
    function: &Function,
    decoder: &Decoder<'_>,
    debug: Option<String>,
) -> Option<Details> {
    let mut details = match fault {
        Fault::Failed(failure) => {
            let mut details = Details::of(function.name.into(), failure.message().into());
            details.causes = failure.causes().map(str::to_owned).collect();
            details
        }
        Fault::Panicked {
            message, location, ..
        } => {
            let mut details = Details::of(function.name.into(), message.clone());
            details.location = Some(location.clone());
            details
        }
        _ => return None,
    };
    details.debug = debug;
    details.when = SystemTime::now();
    let names = function.arguments.iter().map(|(name, _)| (*name).into());
    details.arguments = names.zip(decoder.sizes()).collect();
    Some(details)
}
