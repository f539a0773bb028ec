//! The side that wants to know how long it takes.

use std::time::{Duration, Instant};

use super::{ARGUMENTS, FINGERPRINT, FUNCTION, KEY, MOST, Request, SERVER, TRIAL, WITHIN};
use crate::daemon::{Which, launch};
use crate::error::{Call, Error};
use crate::wire::fields::put;

/// Starts a process of `which` program that runs `request`, and returns how long each run took. It is
/// waited for until `deadline`.
pub(crate) fn attempt(
    call: Call<'_>,
    which: Which<'_>,
    request: &Request,
    deadline: Instant,
) -> Result<Vec<Duration>, Error> {
    let mut words = TRIAL.to_vec();
    request.put(&mut words);
    let took = launch::launch_trial(call, which, &words, deadline)?;
    let (each, _) = took.as_chunks();
    Ok(each
        .iter()
        .map(|nanos| Duration::from_nanos(u64::from_le_bytes(*nanos)))
        .collect())
}

impl Request {
    fn put(&self, out: &mut Vec<u8>) {
        put(out, SERVER, self.server.as_bytes());
        put(out, KEY, self.key.as_bytes());
        put(out, FUNCTION, self.function.as_bytes());
        if let Some(fingerprint) = &self.fingerprint {
            put(out, FINGERPRINT, fingerprint);
        }
        put(out, ARGUMENTS, &self.arguments);
        put(out, MOST, &self.most.to_le_bytes());
        let millis = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        put(out, WITHIN, &millis.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::call::Fingerprint;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_request_is_read_back(texts: (String, String, String), fingerprint: Option<Fingerprint>, arguments: Vec<u8>, most: u64, within: u32) {
            let (server, key, function) = texts;
            let within = Duration::from_millis(within.into());
            let request = Request { server, key, function, fingerprint, arguments, most, within };
            let mut body = Vec::new();
            request.put(&mut body);
            prop_assert_eq!(Request::read(&body), Some(request));
        }

        #[test]
        fn any_bytes_are_a_request_or_none(body: Vec<u8>) {
            let _ = Request::read(&body);
        }
    }
}
