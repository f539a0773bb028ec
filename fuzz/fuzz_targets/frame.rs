//! Asserts that the same bytes give the same frames and the same end however they are cut, and that
//! an inbox never makes more room than twice what has arrived.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_runtime::wire::Kind;
use remote_runtime::wire::frame::{Inbox, Refused, walk};

/// More than an inbox starts with, so that it must grow; less than an input, so that it must refuse.
const LIMIT: usize = 20_000;

/// The first byte says how many bytes of cuts follow; the rest is what a peer sends.
fn split(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&cuts, rest) = input.split_first()?;
    rest.split_at_checked(cuts.into())
}

/// The frames that have arrived, and why there is no further one, unless it is only not there yet.
fn drain(inbox: &mut Inbox, frames: &mut Vec<(Kind, Vec<u8>)>) -> Result<(), Refused> {
    while inbox.has_frame(LIMIT)? {
        let kind = inbox.take().expect("the frame that has arrived");
        assert!(inbox.take().is_none());
        let body = match inbox.take_block() {
            Some(block) => [&block.length[..], &block.bytes].concat(),
            None => inbox.body().to_vec(),
        };
        assert!(body.len() <= LIMIT);
        frames.push((kind, body));
    }
    Ok(())
}

fn feed(inbox: &mut Inbox, mut bytes: &[u8], fed: &mut usize) {
    while !bytes.is_empty() {
        let space = inbox.space();
        let room = space.capacity() - space.len();
        assert!(
            room > 0,
            "an empty space would read as the end of the connection"
        );
        assert!(space.capacity() <= (2 * *fed).max(8 * 1024));
        let n = room.min(bytes.len());
        space.extend_from_slice(&bytes[..n]);
        *fed += n;
        bytes = &bytes[n..];
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((cuts, bytes)) = split(input) else {
        return;
    };

    let (mut whole, mut frames) = (Inbox::default(), Vec::new());
    feed(&mut whole, bytes, &mut 0);
    let end = drain(&mut whole, &mut frames);

    let (mut inbox, mut frames_of_pieces, mut end_of_pieces) =
        (Inbox::default(), Vec::new(), Ok(()));
    // Where an answer arrives changes nothing of it.
    inbox.want_block(cuts.len() % 2 == 1);
    let (mut rest, mut fed, mut cuts) = (bytes, 0, cuts.iter().cycle());
    while !rest.is_empty() && end_of_pieces.is_ok() {
        let piece = cuts.next().map_or(1, |cut| 1_usize << (cut % 16));
        let (part, after) = rest.split_at(piece.min(rest.len()));
        feed(&mut inbox, part, &mut fed);
        end_of_pieces = drain(&mut inbox, &mut frames_of_pieces);
        rest = after;
    }
    assert_eq!((&frames_of_pieces, end_of_pieces), (&frames, end));
    assert!(end.is_err() || inbox.is_partial() == whole.is_partial());

    // Who walks over all of it at once sees them too; it knows no limit, and may see more.
    let walked = walk(bytes).map_while(Result::ok).take(frames.len());
    assert!(walked.eq(frames.iter().map(|(kind, body)| (*kind, &body[..]))));
});
