//! Decides what a type is shown next, and writes down what it asks for.

use super::reader::Stop;
use super::record::{Alternative, Definition, Identity, State, Tag, Token, range};
use super::samples::{CHARS, LENGTHS, NUMBERS, Place, Samples, TEXTS, ZEROS};

/// How deep a type is followed; as deep as values may nest.
pub(super) const DEEPEST: usize = 128;

/// How deep a type is followed as long as there is something new less deep. It keeps a large
/// recursive type off the bottom of the stack.
const DEEP: usize = 32;

/// How much one type may ask for, in all passes: thousands of variants, but not minutes.
const STEPS: usize = 1_000_000;

/// An alternative that is being visited.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) definition: usize,
    pub(super) alternative: usize,
    /// Where its record starts.
    pub(super) start: usize,
    pub(super) was_open: bool,
    pub(super) is_new: bool,
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
    /// Whether some type has not shown all of itself.
    pub(super) lost: bool,
    /// Whether some enum lists more names than it has variants, as serde's derive does where there are
    /// aliases: which name is whose cannot be told.
    pub(super) has_aliases: bool,
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
            has_aliases: false,
        }
    }

    pub(super) fn begin(&mut self) {
        self.start = self.record.len();
        self.reach = DEEP;
        self.steps = STEPS;
        self.samples.refusals = 0;
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
        self.record.truncate(self.start);
        self.samples.trail.clear();
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
        match self.alternatives[alternative].state {
            State::New => true,
            State::Blocked(settled) => settled < self.settled,
            State::Absent | State::Done(_) => false,
        }
    }

    /// Counts a step; an end to what would take too many.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        match self.steps.checked_sub(1) {
            Some(left) => self.steps = left,
            None => return Err(self.give_up()),
        }
        Ok(())
    }

    pub(super) fn give_up(&mut self) -> Stop {
        self.lost = true;
        Stop
    }

    /// Stops where there is no way on, and marks what led here.
    pub(super) fn stuck(&mut self) -> Stop {
        self.pass = Pass::Stuck;
        match self.frames.iter().rfind(|frame| frame.is_new) {
            Some(frame) => {
                self.alternatives[frame.alternative].state = State::Blocked(self.settled);
            }
            None => self.lost = true,
        }
        Stop
    }

    /// Records something without parts, and says which of its samples is wanted.
    pub(super) fn leaf(&mut self, tag: Tag, samples: usize) -> Result<usize, Stop> {
        self.step()?;
        let sample = self.samples.at(self.place(), samples);
        self.record.push(Token::Is(tag));
        Ok(sample)
    }

    /// Where the record has come to.
    pub(super) fn place(&self) -> Place {
        let frame = self.frames.last();
        Place {
            alternative: frame.map(|frame| frame.alternative),
            offset: self.record.len() - frame.map_or(0, |frame| frame.start),
        }
    }

    pub(super) fn number(&mut self, tag: Tag) -> Result<u8, Stop> {
        self.leaf(tag, NUMBERS.len()).map(|at| NUMBERS[at])
    }

    pub(super) fn char(&mut self) -> Result<char, Stop> {
        self.leaf(Tag::Char, CHARS.len()).map(|at| CHARS[at])
    }

    pub(super) fn text(&mut self) -> Result<&'static str, Stop> {
        self.leaf(Tag::Text, TEXTS.len()).map(|at| TEXTS[at])
    }

    pub(super) fn bytes(&mut self) -> Result<&'static [u8], Stop> {
        let at = self.leaf(Tag::Bytes, LENGTHS.len())?;
        Ok(&ZEROS[..LENGTHS[at]])
    }

    /// Goes one level down.
    pub(super) fn enter(&mut self) -> Result<(), Stop> {
        self.step()?;
        if self.depth() == DEEPEST {
            return Err(self.stuck());
        }
        self.samples.down();
        Ok(())
    }

    pub(super) fn enter_named(&mut self, tag: Tag, name: &'static str) -> Result<(), Stop> {
        self.enter()?;
        self.record.extend([Token::Is(tag), Token::Name(name)]);
        Ok(())
    }

    pub(super) fn enter_tuple(&mut self, name: &'static str, len: usize) -> Result<(), Stop> {
        self.enter_named(Tag::Tuple, name)?;
        self.record.push(Token::Count(len));
        Ok(())
    }

    pub(super) fn enter_struct(
        &mut self,
        name: &'static str,
        fields: &'static [&'static str],
    ) -> Result<(), Stop> {
        self.enter_named(Tag::Struct, name)?;
        self.record.push(Token::Names(fields));
        Ok(())
    }

    pub(super) fn leave(&mut self, accepted: bool) {
        self.record.push(Token::Is(Tag::End));
        self.samples.up(accepted);
    }

    pub(super) fn depth(&self) -> usize {
        self.samples.levels.len()
    }

    /// Refers to a definition, and chooses one of its variants.
    pub(super) fn enter_enum(&mut self, identity: Identity) -> Result<u32, Stop> {
        let definition = self.refer(identity);
        let Some(alternative) = self.variant(definition) else {
            return Err(self.stuck());
        };
        self.open(definition, alternative)?;
        let variant = alternative - self.definitions[definition].first;
        u32::try_from(variant).map_err(|_| self.give_up())
    }

    pub(super) fn variant(&self, definition: usize) -> Option<usize> {
        let definition = &self.definitions[definition];
        let closed = |at: &usize| !self.alternatives[*at].open;
        if self.depth() >= self.reach && definition.base.is_some() {
            return definition.base;
        }
        range(definition)
            .find(|at| self.is_new(*at) && closed(at))
            .or(definition.way.filter(closed))
            .or(definition.base)
    }

    /// Refers to a definition, and says whether to visit what it holds, rather than nothing.
    pub(super) fn enter_some(&mut self, tag: Tag, code: usize) -> Result<bool, Stop> {
        let place = self.place();
        let definition = self.refer(Identity::nameless(tag, code));
        let alternative = self.definitions[definition].first;
        let wanted = match self.alternatives[alternative].state {
            _ if self.alternatives[alternative].open => false,
            State::Done(_) => self.is_wanted_again(definition, place),
            _ => self.is_new(alternative) && self.depth() < self.reach,
        };
        if wanted {
            self.open(definition, alternative)?;
        } else {
            self.step()?;
        }
        Ok(wanted)
    }

    /// Once is enough, unless the type refuses the empty value, or something in it is new.
    pub(super) fn is_wanted_again(&mut self, definition: usize, place: Place) -> bool {
        let leads = self.definitions[definition].way.is_some() && self.depth() < self.reach;
        leads || self.samples.at(place, 2) == 1
    }

    pub(super) fn refer(&mut self, identity: Identity) -> usize {
        let known = |d: &Definition| d.identity.is(&identity);
        let at = match self.definitions.iter().position(known) {
            Some(at) => at,
            None => self.define(identity),
        };
        self.record.push(Token::Definition(at));
        at
    }

    pub(super) fn define(&mut self, identity: Identity) -> usize {
        let first = self.alternatives.len();
        self.alternatives
            .extend(identity.variants.iter().map(|_| Alternative {
                state: State::New,
                open: false,
            }));
        self.definitions.push(Definition {
            identity,
            first,
            base: None,
            way: None,
        });
        self.definitions.len() - 1
    }

    pub(super) fn open(&mut self, definition: usize, alternative: usize) -> Result<(), Stop> {
        self.enter()?;
        let is_new = self.is_new(alternative);
        let state = &mut self.alternatives[alternative];
        self.frames.push(Frame {
            definition,
            alternative,
            start: self.record.len(),
            was_open: state.open,
            is_new,
        });
        state.open = true;
        Ok(())
    }

    /// Comes back from what has been opened last.
    pub(super) fn close(&mut self, accepted: bool) {
        self.samples.up(accepted);
        let Some(frame) = self.frames.pop() else {
            return;
        };
        self.alternatives[frame.alternative].open = frame.was_open;
        let went_on = matches!(self.pass, Pass::From(_)) && !self.lost;
        match (accepted, frame.is_new) {
            (true, true) if went_on => self.complete(&frame),
            (true, false) => self.compare(&frame),
            // Refused before it asked for anything: not for what it was given.
            (false, true) if went_on && self.is_untouched(&frame) => self.rule_out(&frame),
            _ => {}
        }
        self.record.truncate(frame.start);
    }

    /// Whether a variant has not even been asked for its content.
    pub(super) fn is_untouched(&self, frame: &Frame) -> bool {
        let tag = self.definitions[frame.definition].identity.tag;
        tag == Tag::Enum && self.record.len() == frame.start
    }

    pub(super) fn complete(&mut self, frame: &Frame) {
        let start = self.done.len();
        self.done.extend_from_slice(&self.record[frame.start..]);
        self.alternatives[frame.alternative].state = State::Done(start..self.done.len());
        self.settled += 1;
        let definition = &mut self.definitions[frame.definition];
        definition.base.get_or_insert(frame.alternative);
    }

    pub(super) fn rule_out(&mut self, frame: &Frame) {
        self.alternatives[frame.alternative].state = State::Absent;
        self.settled += 1;
        self.pass = Pass::Absent;
    }

    /// What looks different the second time has not shown all of itself, or is not what its
    /// identity says.
    pub(super) fn compare(&mut self, frame: &Frame) {
        self.lost |= self.content(frame.alternative) != &self.record[frame.start..];
    }
}
