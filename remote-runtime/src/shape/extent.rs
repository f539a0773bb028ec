//! The extent of a record, so that a type that is not known leaves nothing in it.

use super::record::{Tag, Token};
use super::samples::Samples;
use super::tracer::{Pass, Tracer};

/// The sizes of all that a tracer has recorded.
#[derive(Debug)]
pub(super) struct Extent {
    record: usize,
    done: usize,
    definitions: usize,
    pub(super) alternatives: usize,
    settled: usize,
    has_aliases: bool,
}

impl Extent {
    pub(super) fn of(tracer: &Tracer) -> Self {
        Self {
            record: tracer.record.len(),
            done: tracer.done.len(),
            definitions: tracer.definitions.len(),
            alternatives: tracer.alternatives.len(),
            settled: tracer.settled,
            has_aliases: tracer.has_aliases,
        }
    }

    /// Takes back all that was recorded since.
    pub(super) fn restore(&self, tracer: &mut Tracer) {
        tracer.record.truncate(self.record);
        tracer.done.truncate(self.done);
        tracer.definitions.truncate(self.definitions);
        tracer.alternatives.truncate(self.alternatives);
        tracer.settled = self.settled;
        tracer.has_aliases = self.has_aliases;
        tracer.samples = Samples::default();
        tracer.frames.clear();
        tracer.probe = None;
        tracer.lost = false;
        tracer.pass = Pass::Over;
        tracer.write(Token::Is(Tag::Unknown));
    }
}
