//! Asserts that any bytes are a report or malformed, and that a report that was read is written as
//! bytes from which the same report is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::report::Report;

fuzz_target!(|body: &[u8]| {
    let Ok(report) = Report::read(body) else {
        return;
    };
    let mut out = Vec::new();
    report.put(&mut out);
    assert_eq!(Report::read(&out), Ok(report));
});
