//! The steps of a type through its parts: each is recorded, and answered with a sample.

use super::reader::Stop;
use super::record::{Alternative, Definition, Identity, State, Tag, Token, range};
use super::samples::Place;
use super::tally::Value;
use super::tracer::{DEEPEST, Frame, Pass, Tracer};
use super::values::{self, Kind, Sample, Text};

impl Tracer {
    /// Counts a step; an end to what would take too many.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        self.tally.follow();
        match self.steps.checked_sub(1) {
            _ if self.lost => return Err(Stop),
            Some(left) => self.steps = left,
            None => return Err(self.give_up()),
        }
        Ok(())
    }

    /// Writes down what a type asks for; the second look must find the same.
    pub(super) fn write(&mut self, token: Token) {
        if self.probe.is_some() && !self.expected().is_some_and(|expected| expected.is(token)) {
            self.lost = true;
        }
        self.record.push(token);
    }

    pub(super) fn give_up(&mut self) -> Stop {
        self.lost = true;
        Stop
    }

    /// Stops where there is no way on, and marks what led here.
    pub(super) fn stuck(&mut self) -> Stop {
        if self.probe.is_some() {
            return Stop;
        }
        self.pass = Pass::Stuck;
        match self.frames.iter().rfind(|frame| frame.is_new) {
            Some(frame) => {
                self.alternatives[frame.alternative].state = State::Blocked(self.settled);
            }
            None => self.lost = true,
        }
        Stop
    }

    /// Records something without parts.
    pub(super) fn unit(&mut self) -> Result<(), Stop> {
        self.step()?;
        self.write(Token::Is(Tag::Unit));
        Ok(())
    }

    /// Records something without parts, and says which of its samples is wanted there.
    fn leaf(&mut self, tag: Tag, kind: Kind) -> Result<(Place, Sample), Stop> {
        self.step()?;
        let place = self.place();
        let sample = match &mut self.probe {
            None => Sample::At(self.samples.at(place, kind)),
            Some(probe) => probe.sample(place, kind, &self.samples),
        };
        self.write(Token::Is(tag));
        Ok((place, sample))
    }

    /// Where the record has come to: the same in each element.
    pub(super) fn place(&self) -> Place {
        let frame = self.frames.last();
        Place {
            alternative: frame.map(|frame| frame.alternative),
            offset: self.record.len() - frame.map_or(0, |frame| frame.element),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool, Stop> {
        let (_, sample) = self.leaf(Tag::Bool, Kind::Bool)?;
        Ok(sample == Sample::At(1))
    }

    /// An integer of eight bits.
    pub(super) fn byte(&mut self, tag: Tag) -> Result<u8, Stop> {
        let (place, sample) = self.leaf(tag, Kind::Byte)?;
        let byte = values::integer(sample, &self.samples.hints) as u8;
        self.tally
            .note(place, Kind::Byte, Value::Number(byte.into()));
        Ok(byte)
    }

    pub(super) fn signed(&mut self, tag: Tag) -> Result<i64, Stop> {
        let (place, sample) = self.leaf(tag, Kind::Integer)?;
        let number = values::integer(sample, &self.samples.hints);
        self.tally
            .note(place, Kind::Integer, Value::Number(number.cast_unsigned()));
        Ok(number)
    }

    pub(super) fn unsigned(&mut self, tag: Tag) -> Result<u64, Stop> {
        self.signed(tag).map(i64::unsigned_abs)
    }

    pub(super) fn float(&mut self, tag: Tag) -> Result<f64, Stop> {
        let (place, sample) = self.leaf(tag, Kind::Float)?;
        let number = values::float(sample, &self.samples.hints);
        self.tally
            .note(place, Kind::Float, Value::Number(number.to_bits()));
        Ok(number)
    }

    pub(super) fn char(&mut self) -> Result<char, Stop> {
        let (place, sample) = self.leaf(Tag::Char, Kind::Char)?;
        let char = values::char(sample);
        self.tally
            .note(place, Kind::Char, Value::Number(u64::from(u32::from(char))));
        Ok(char)
    }

    pub(super) fn text(&mut self) -> Result<Text, Stop> {
        let (place, sample) = self.leaf(Tag::Text, Kind::Text)?;
        let text = values::text(sample, &self.samples.hints);
        self.tally
            .note(place, Kind::Text, Value::Bytes(text.as_str().as_bytes()));
        Ok(text)
    }

    pub(super) fn bytes(&mut self) -> Result<&'static [u8], Stop> {
        let (place, sample) = self.leaf(Tag::Bytes, Kind::Bytes)?;
        let bytes = values::bytes(sample);
        self.tally.note(place, Kind::Bytes, Value::Bytes(bytes));
        Ok(bytes)
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
        self.write(Token::Is(tag));
        self.write(Token::Name(name));
        Ok(())
    }

    pub(super) fn enter_tuple(&mut self, name: &'static str, len: usize) -> Result<(), Stop> {
        self.enter_named(Tag::Tuple, name)?;
        self.write(Token::Count(len));
        Ok(())
    }

    pub(super) fn enter_struct(
        &mut self,
        name: &'static str,
        fields: &'static [&'static str],
    ) -> Result<(), Stop> {
        self.enter_named(Tag::Struct, name)?;
        self.write(Token::Names(fields));
        Ok(())
    }

    pub(super) fn leave(&mut self, accepted: bool) {
        // In the second look, one that is refused may have asked for less.
        let end = Token::Is(Tag::End);
        if accepted || self.probe.is_none() || self.expected() == Some(end) {
            self.write(end);
        }
        self.samples.up(accepted);
    }

    pub(super) fn depth(&self) -> usize {
        self.samples.levels.len()
    }

    /// Refers to a definition, and chooses one of its variants.
    pub(super) fn enter_enum(&mut self, identity: Identity) -> Result<u32, Stop> {
        let place = self.place();
        let definition = self.refer(identity);
        if self.lost {
            return Err(Stop);
        }
        let Some(alternative) = self.variant(definition, place) else {
            return Err(self.stuck());
        };
        self.open(definition, alternative)?;
        let variant = alternative - self.definitions[definition].first;
        u32::try_from(variant).map_err(|_| self.give_up())
    }

    fn variant(&mut self, at: usize, place: Place) -> Option<usize> {
        let definition = &self.definitions[at];
        let closed = |at: &usize| !self.alternatives[*at].open;
        if self.depth() >= self.reach && definition.base.is_some() {
            return definition.base;
        }
        let wanted = range(definition).find(|at| self.is_new(*at) && closed(at));
        if let Some(wanted) = wanted.or(definition.way.filter(closed)) {
            return Some(wanted);
        }
        let (base, variants) = (definition.base, range(definition));
        let picked = self
            .probe
            .as_mut()
            .and_then(|probe| probe.pick(place, variants.len()));
        let picked = picked.map(|picked| variants.start + picked);
        let is_had = |at: &usize| {
            let alternative = &self.alternatives[*at];
            !alternative.open && matches!(alternative.state, State::Done(_))
        };
        picked.filter(is_had).or(base)
    }

    /// Refers to a definition, and says how many of what it holds to visit, of at most so many.
    pub(super) fn enter_some(&mut self, tag: Tag, code: usize, most: usize) -> Result<usize, Stop> {
        let place = self.place();
        let definition = self.refer(Identity::nameless(tag, code));
        if self.lost {
            return Err(Stop);
        }
        let start = self.samples.trail.len();
        let wanted = self.elements(definition, place, Kind::Length(most));
        if wanted > 0 {
            self.open(definition, self.definitions[definition].first)?;
            // How many there are may be the reason why they are refused.
            self.samples.down_since(start);
        } else {
            self.step()?;
        }
        Ok(wanted)
    }

    /// Once is enough, unless the type refuses the empty value, or something in it is new.
    fn elements(&mut self, definition: usize, place: Place, kind: Kind) -> usize {
        let alternative = self.definitions[definition].first;
        let is_near = self.depth() < self.reach;
        let leads = self.definitions[definition].way.is_some() && is_near;
        let is_new = self.is_new(alternative);
        if self.alternatives[alternative].open {
            return 0;
        }
        if self.probe.is_none() {
            return match self.alternatives[alternative].state {
                State::Done(_) if leads => 1,
                State::Done(_) => self.samples.at(place, kind),
                _ if is_new && is_near => self.samples.at(place, kind).max(1),
                _ => 0,
            };
        }
        let baseline = self.samples.baseline(place, kind).0;
        let picked = self.probe.as_mut().filter(|_| is_near);
        let picked = picked.and_then(|probe| probe.pick(place, kind.count().min(3)));
        let least = usize::from((is_new && is_near) || leads);
        match picked {
            // One comes first: it is what most types accept.
            Some(picked) => [1, 0, 2][picked].max(least),
            None => baseline.max(least),
        }
    }

    pub(super) fn refer(&mut self, identity: Identity) -> usize {
        let known = |d: &Definition| d.identity.is(&identity);
        let at = match self.definitions.iter().position(known) {
            Some(at) => at,
            None => self.define(identity),
        };
        self.write(Token::Definition(at));
        at
    }

    pub(super) fn define(&mut self, identity: Identity) -> usize {
        let first = self.alternatives.len();
        self.alternatives
            .extend(identity.variants.iter().map(|_| Alternative {
                state: State::New,
                open: false,
                round: 0,
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
            elements: 0,
            element: self.record.len(),
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
        if let Some(probe) = &self.probe {
            if accepted {
                self.alternatives[frame.alternative].round = probe.round;
                self.compare(&frame);
            }
        } else {
            match (accepted, frame.is_new) {
                (true, true) if went_on => self.complete(&frame),
                (true, false) => self.compare(&frame),
                // Refused before it asked for anything: not for what it was given.
                (false, true) if went_on && self.is_untouched(&frame) => self.rule_out(&frame),
                _ => {}
            }
        }
        self.record.truncate(frame.start);
    }

    /// Counts an element of the sequence or the map that was opened last.
    pub(super) fn count_element(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.elements += 1;
            frame.element = self.record.len();
        }
    }

    /// Returns `true` if a variant has not even been asked for its content.
    pub(super) fn is_untouched(&self, frame: &Frame) -> bool {
        let tag = self.definitions[frame.definition].identity.tag;
        tag == Tag::Enum && self.record.len() == frame.start
    }

    pub(super) fn complete(&mut self, frame: &Frame) {
        let start = self.done.len();
        let recorded = &self.record[frame.start..];
        // Each element looks like the first one.
        let one = recorded.len() / frame.elements.max(1);
        self.done.extend_from_slice(&recorded[..one]);
        self.alternatives[frame.alternative].state = State::Done(start..self.done.len());
        self.compare(frame);
        self.settled += 1;
        let definition = &mut self.definitions[frame.definition];
        definition.base.get_or_insert(frame.alternative);
    }

    pub(super) fn rule_out(&mut self, frame: &Frame) {
        self.alternatives[frame.alternative].state = State::Absent;
        self.settled += 1;
        self.pass = Pass::Absent;
    }

    /// Compares an alternative with its record: one that looks different the second time has not shown
    /// all of itself, or its identity is not its own.
    pub(super) fn compare(&mut self, frame: &Frame) {
        let (content, recorded) = (self.content(frame.alternative), &self.record[frame.start..]);
        let times = frame.elements.max(1);
        // In the second look, each token was compared when it was written.
        let is_same = recorded.len() == content.len() * times
            && (self.probe.is_some()
                || content.is_empty()
                || recorded.chunks(content.len()).all(|part| part == content));
        self.lost |= !is_same;
    }
}
