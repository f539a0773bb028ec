//! Asserts that any bytes are a hello or malformed, and that a hello that was read is written as
//! one frame from which the same hello is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::frame::HEADER;
use remote_runtime::wire::hello::Hello;
use remote_runtime::wire::{Kind, MAGIC};

fuzz_target!(|body: &[u8]| {
    let Ok(hello) = Hello::read(body) else { return };
    let mut out = Vec::new();
    hello.put(&mut out);
    let frame = out
        .strip_prefix(&MAGIC)
        .expect("a connection begins with the magic");
    let (header, body) = frame
        .split_first_chunk::<HEADER>()
        .expect("a frame begins with a header");
    assert_eq!(
        header[..4],
        u32::try_from(body.len())
            .expect("a short body")
            .to_le_bytes()
    );
    assert_eq!(header[4..], [Kind::Hello as u8, 0, 0, 0]);
    assert_eq!(Hello::read(body), Ok(hello));
});
