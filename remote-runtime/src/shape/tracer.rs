//! Decides what a type is shown next, and writes down what it asks for.

use super::extent::Extent;
use super::hints::{self, Hints};
use super::layout::Written;
use super::probe::Probe;
use super::record::{Alternative, Definition, State, Token, range};
use super::samples::Samples;
use super::tally::Tally;
use crate::thread;

/// How deep a type is followed; as deep as values may nest.
pub(super) const DEEPEST: usize = 128;

/// How deep a type is followed as long as there is something new less deep. It keeps a large
/// recursive type off the bottom of the stack.
const DEEP: usize = 32;

/// How much one type may ask for, in all passes: thousands of variants, but not minutes.
const STEPS: usize = 1_000_000;

/// The samples that one type may refuse.
const REFUSALS: usize = 10_000;

/// The same where a call waits for it: types that take more are not judged.
const FEWER_STEPS: usize = 20_000;
const FEWER_REFUSALS: usize = 1_000;

/// The number of values of one type that are written.
const WRITTEN: usize = 16;

/// The number of panics after which a type is not known; a client's hook prints each of them.
const PANICS: usize = 3;

/// An alternative that is being visited.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) definition: usize,
    pub(super) alternative: usize,
    /// Where its record starts.
    pub(super) start: usize,
    pub(super) was_open: bool,
    pub(super) is_new: bool,
    /// The count of elements that a sequence or a map was asked for.
    pub(super) elements: usize,
    /// Where the record of the last one starts.
    pub(super) element: usize,
}

/// The care with which types are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A second look at each type finds out that a value changes what the type reads.
    Twice,
    /// The same, unless the process has found it out before.
    Remembered,
    /// There is no second look.
    Once,
    /// The same, unless a type seems not to write what it reads.
    AtWritten,
}

/// What writes down what types ask for.
#[derive(Debug)]
pub(super) struct Tracer {
    /// The record of the types, and on top of it those of the open alternatives.
    pub(super) record: Vec<Token>,
    /// The records of the alternatives that are done.
    pub(super) done: Vec<Token>,
    pub(super) definitions: Vec<Definition>,
    pub(super) alternatives: Vec<Alternative>,
    /// How many alternatives are done or absent.
    pub(super) settled: usize,
    pub(super) frames: Vec<Frame>,
    pub(super) samples: Samples,
    /// How deep to look for something new.
    pub(super) reach: usize,
    pub(super) steps: usize,
    /// Where the record of the present type starts.
    pub(super) start: usize,
    pub(super) pass: Pass,
    /// A flag: the present type has not shown all of itself.
    pub(super) lost: bool,
    /// The first type that has not.
    pub(super) unknown: Option<&'static str>,
    /// The first type that does not write what it reads.
    pub(super) unfit: Option<&'static str>,
    look: Look,
    /// The bytes of the values that the present type was read as.
    written: Vec<Vec<u8>>,
    pub(super) panics: usize,
    /// The values that were tried at each place.
    pub(super) tally: Tally,
    /// The second look at a type that has shown all of itself.
    pub(super) probe: Option<Probe>,
    /// Whether some enum lists more names than it has variants, as serde's derive does where there are
    /// aliases: which name is whose cannot be told.
    pub(super) has_aliases: bool,
    /// Whether types are asked for their form for people.
    pub(super) is_plain: bool,
}

/// What has come of one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// It has gone well as yet, starting with that many settled alternatives.
    From(usize),
    /// It came to where there was no way on.
    Stuck,
    /// It tried a variant that cannot be had.
    Absent,
    /// It was the last one.
    Over,
}

impl Tracer {
    pub(super) fn new() -> Self {
        Self {
            record: Vec::new(),
            done: Vec::new(),
            definitions: Vec::new(),
            alternatives: Vec::new(),
            settled: 0,
            frames: Vec::new(),
            samples: Samples::default(),
            reach: DEEP,
            steps: 0,
            start: 0,
            pass: Pass::Over,
            lost: false,
            unknown: None,
            unfit: None,
            look: Look::Twice,
            written: Vec::new(),
            panics: 0,
            tally: Tally::default(),
            probe: None,
            has_aliases: false,
            is_plain: false,
        }
    }

    pub(super) fn that_looks(look: Look) -> Self {
        Self {
            look,
            ..Self::new()
        }
    }

    /// Traces a type of that name, which `show` deserializes once. A type that is not known leaves
    /// nothing in the record.
    pub(super) fn trace(&mut self, name: &'static str, show: fn(&mut Self) -> bool) {
        let before = Extent::of(self);
        self.begin();
        while self.has_more() {
            hints::listen();
            let accepted = self.show(show);
            self.samples.hints.read(&hints::heard());
            self.end_pass(accepted);
        }
        let is_unfit = !self.lost && !self.written.iter().all(|bytes| self.fits(bytes));
        match self.look {
            _ if self.lost => {}
            Look::Twice => self.probe(before.alternatives, show),
            Look::Remembered => self.lost = !self.is_steady(before.alternatives, name, show),
            Look::AtWritten if is_unfit => {
                // Its later reads may depend on what it has read.
                self.probe(before.alternatives, show);
                if !self.lost {
                    self.unfit.get_or_insert(name);
                }
            }
            Look::Once | Look::AtWritten => {}
        }
        if self.lost {
            self.unknown.get_or_insert(name);
            before.restore(self);
        }
    }

    /// Writes a value that the present type was read as, if its bytes are wanted.
    pub(super) fn write_sample(&mut self, value: &dyn Written) {
        if self.look == Look::AtWritten && self.probe.is_none() && self.written.len() < WRITTEN {
            self.written
                .extend(thread::quietly(|| value.written()).flatten());
        }
    }

    /// Shows a type the samples once, and returns whether it has accepted all of them.
    pub(super) fn show(&mut self, show: fn(&mut Self) -> bool) -> bool {
        self.record.truncate(self.start);
        self.samples.trail.clear();
        self.tally.begin();
        let shown = thread::quietly(|| show(self));
        if shown.is_none() {
            self.panics += 1;
            self.lost |= self.panics == PANICS;
            for frame in self.frames.drain(..).rev() {
                self.alternatives[frame.alternative].open = frame.was_open;
            }
            self.samples.levels.clear();
        }
        shown == Some(true)
    }

    pub(super) fn begin(&mut self) {
        self.start = self.record.len();
        self.reach = DEEP;
        (self.steps, self.samples.left) = match self.look {
            Look::AtWritten => (FEWER_STEPS, FEWER_REFUSALS),
            Look::Twice | Look::Remembered | Look::Once => (STEPS, REFUSALS),
        };
        self.samples.hints = Hints::default();
        self.panics = 0;
        self.lost = false;
        self.tally = Tally::default();
        self.written.clear();
        self.pass = Pass::From(self.settled);
    }

    pub(super) fn has_more(&self) -> bool {
        !self.lost && self.pass != Pass::Over
    }

    /// Decides whether there is another pass.
    pub(super) fn end_pass(&mut self, accepted: bool) {
        match self.pass {
            Pass::From(_) if !accepted => self.lost |= !self.samples.advance(),
            Pass::From(_) if self.is_whole() => {
                self.pass = Pass::Over;
                return;
            }
            Pass::From(settled) if settled == self.settled => self.look_deeper(),
            Pass::From(_) | Pass::Stuck | Pass::Absent | Pass::Over => {}
        }
        self.find_ways();
        self.pass = Pass::From(self.settled);
    }

    pub(super) fn is_whole(&self) -> bool {
        self.settled == self.alternatives.len()
    }

    pub(super) fn look_deeper(&mut self) {
        self.lost |= self.reach == DEEPEST;
        self.reach = DEEPEST;
    }

    /// Finds out which alternatives lead to new ones.
    pub(super) fn find_ways(&mut self) {
        let has_new = |d: &Definition| range(d).any(|at| self.is_new(at));
        let mut leads: Vec<bool> = self.definitions.iter().map(has_new).collect();
        let mut ways = vec![None; leads.len()];
        loop {
            let mut found = false;
            for (at, definition) in self.definitions.iter().enumerate() {
                if !leads[at] {
                    ways[at] = range(definition).find(|&at| self.leads(at, &leads));
                    leads[at] = ways[at].is_some();
                    found |= leads[at];
                }
            }
            if !found {
                break;
            }
        }
        for (definition, way) in self.definitions.iter_mut().zip(ways) {
            definition.way = way;
        }
    }

    pub(super) fn leads(&self, alternative: usize, leads: &[bool]) -> bool {
        let leads = |token: &Token| matches!(token, Token::Definition(at) if leads[*at]);
        self.content(alternative).iter().any(leads)
    }

    /// What an alternative holds, once that is known.
    pub(super) fn content(&self, alternative: usize) -> &[Token] {
        match &self.alternatives[alternative].state {
            State::Done(content) => &self.done[content.clone()],
            State::New | State::Blocked(_) | State::Absent => &[],
        }
    }

    pub(super) fn is_new(&self, alternative: usize) -> bool {
        if let Some(probe) = &self.probe {
            return probe.is_wanted(alternative, &self.alternatives[alternative]);
        }
        match self.alternatives[alternative].state {
            State::New => true,
            State::Blocked(settled) => settled < self.settled,
            State::Absent | State::Done(_) => false,
        }
    }
}
