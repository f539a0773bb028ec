//! Asserts that whatever is read as a record is written so that it is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::fault::LARGEST_FAULT;
use remote_runtime::wire::record::{put_record, read_record};

fuzz_target!(|body: &[u8]| {
    let Ok(details) = read_record(body) else {
        return;
    };
    let mut again = Vec::new();
    put_record(&details, &mut again);
    assert!(again.len() <= LARGEST_FAULT);
    assert_eq!(read_record(&again), Ok(details));
});
