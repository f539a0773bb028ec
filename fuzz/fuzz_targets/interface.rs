//! Asserts that any bytes are an interface or malformed, and that an interface that was read is written
//! as bytes from which the same interface is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::interface::Interface;

fuzz_target!(|body: &[u8]| {
    let Ok(interface) = Interface::read(body) else {
        return;
    };
    let mut out = Vec::new();
    interface.put(&mut out);
    assert_eq!(Interface::read(&out), Ok(interface));
});
