//! Asserts that any bytes are a fault or malformed, that a fault is written in at most
//! `LARGEST_FAULT` bytes from which the same is read, its texts cut to fit, and that the error that
//! a caller gets of it can be walked and dropped.
#![no_main]

use std::error::Error as _;

use libfuzzer_sys::fuzz_target;
use remote_runtime::Error;
use remote_runtime::wire::fault::{Fault, LARGEST_FAULT};

/// Less than this is written of texts that were not cut.
const UNCUT: usize = LARGEST_FAULT - 2 * 1024;

fn written(fault: &Fault) -> Vec<u8> {
    let mut out = Vec::new();
    fault.put(&mut out);
    out
}

fuzz_target!(|input: &[u8]| {
    // A fault is a list of fields, and may be as long as `LARGEST_FAULT`, which no mutation builds
    // up byte by byte: the first byte says how often the rest is repeated.
    let Some((&times, fields)) = input.split_first() else {
        return;
    };
    let times = (1_usize << (times % 20)).min(LARGEST_FAULT / fields.len().max(1));
    let body = fields.repeat(times);

    let Ok(fault) = Fault::read(&body) else {
        return;
    };
    let bytes = written(&fault);
    assert!(bytes.len() <= LARGEST_FAULT);
    let again = Fault::read(&bytes).expect("what was written is a fault");
    assert_eq!(written(&again), bytes);
    assert!(again == fault || bytes.len() >= UNCUT);

    if let Fault::Failed(failure) = again {
        let error = Error::from(failure);
        let sources = std::iter::successors(error.source(), |&e| e.source());
        assert!(
            sources
                .map(ToString::to_string)
                .map(|text| text.len())
                .sum::<usize>()
                <= bytes.len()
        );
    }
});
