//! A process of a server's program that runs one function by itself, so that it can be seen what a call
//! costs without a server.
//!
//! ```text
//! measurer -> child   TRIAL, then SERVER text, KEY text, FUNCTION text, FINGERPRINT 16 bytes,
//!                     ARGUMENTS as in a call, MOST u64, WITHIN u64 milliseconds; the end of the stream
//! child -> measurer   as when a server starts; after READY, in the same way, how the runs ended: READY
//!                     and how long each of them took, in nanoseconds, u64; or FAILED
//! ```

#[cfg(feature = "json")]
mod measurer;

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::handover::{INIT, READY, Starter};
use super::launch;
use crate::wire::call::Fingerprint;
use crate::wire::fields::{self, number};

#[cfg(feature = "json")]
pub(crate) use measurer::attempt;

/// What the words for such a child begin with; no server has such a name.
pub(super) const TRIAL: &[u8] = b"/trial\0";

const SERVER: u8 = 1;
const KEY: u8 = 2;
const FUNCTION: u8 = 3;
const FINGERPRINT: u8 = 4;
const ARGUMENTS: u8 = 5;
const MOST: u8 = 6;
const WITHIN: u8 = 7;

/// What is to be run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) server: String,
    pub(crate) key: String,
    pub(crate) function: String,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) arguments: Vec<u8>,
    /// How many times it runs at most; once, whatever else is said.
    pub(crate) most: u64,
    /// After how long it does not run again.
    pub(crate) within: Duration,
}

impl Request {
    fn read(body: &[u8]) -> Option<Self> {
        let mut request = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field.ok()?;
            match tag {
                SERVER => request.server = fields::text(value),
                KEY => request.key = fields::text(value),
                FUNCTION => request.function = fields::text(value),
                FINGERPRINT => request.fingerprint = Some(value.try_into().ok()?),
                ARGUMENTS => request.arguments = value.to_owned(),
                MOST => request.most = number(value).ok()?,
                WITHIN => request.within = Duration::from_millis(number(value).ok()?),
                _ => {}
            }
        }
        Some(request)
    }
}

/// What such a child was started with.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) request: Request,
    measurer: Starter,
}

impl Trial {
    pub(super) fn receive(measurer: Starter, mut request: Vec<u8>) -> io::Result<Self> {
        measurer.say(&[INIT]);
        (&measurer.0).read_to_end(&mut request)?;
        let request = Request::read(&request).ok_or(io::ErrorKind::InvalidData)?;
        // Also if who measures is killed, and `on_start` never returns, this process ends.
        launch::allow(request.within);
        Ok(Self { request, measurer })
    }

    /// Runs `once` as often as it is to be, and tells how long each time took.
    pub(crate) fn run(&self, mut once: impl FnMut() -> Result<(), String>) {
        let Request { most, within, .. } = self.request;
        launch::allow(within);
        self.measurer.say(&[READY]);
        let (began, mut took) = (Instant::now(), vec![READY]);
        for _ in 0..most.max(1) {
            let before = Instant::now();
            if let Err(why) = once() {
                return self.failed(&why);
            }
            let nanos = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
            took.extend_from_slice(&nanos.to_le_bytes());
            if began.elapsed() >= within {
                break;
            }
        }
        self.measurer.say(&took);
    }

    pub(crate) fn failed(&self, why: &str) {
        self.measurer.failed(why);
    }
}
