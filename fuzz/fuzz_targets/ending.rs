//! Asserts that any bytes are an ending, and that one that was read is written as bytes from which
//! the same one is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::ending::Ending;

fuzz_target!(|body: &[u8]| {
    let ending = Ending::read(body);
    let mut out = Vec::new();
    ending.put(&mut out);
    assert_eq!(Ending::read(&out), ending);
});
