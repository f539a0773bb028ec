//! Asserts that any bytes are a call or malformed, and that what a call says of itself, once read,
//! is written as bytes from which the same is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::call::Head;

fuzz_target!(|body: &[u8]| {
    let Ok((head, arguments)) = Head::split(body) else {
        return;
    };
    let mut out = Vec::new();
    head.put(&mut out);
    out.extend_from_slice(arguments);
    assert_eq!(Head::split(&out), Ok((head, arguments)));
});
