//! The second look at a type: finds out that its requests depend on the values that it was shown.
//!
//! A hand-written `Deserialize` may read a tag and then what the tag says. One pass shows one value of
//! it, so that the shape that was found is the shape of some values only. Therefore a type that has
//! shown all of itself is shown other values, and must ask for the very same. It may refuse values,
//! but what it has asked for until then must be the same too.
//!
//! In each *round*, every alternative of the type is visited again, and every place has another value:
//! the same one everywhere, or one that is drawn for the place. At least [`ROUNDS`] rounds take place;
//! more, until each byte has had all of its 256 values and each other place all of its samples, and
//! then some in which one place alone differs, as long as all of it takes no more than [`STEPS`]. At
//! last, each place after which something is read must have had several values that let the type go on.
//!
//! A dependence on a value that is no sample is not found: on the one number among millions, or on a
//! certain long text.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::record::{Alternative, State, Tag, Token};
use super::samples::{Place, Samples};
use super::tracer::Tracer;
use super::values::{Kind, Sample};

/// The rounds of each kind that even the largest type has.
const ROUNDS: usize = 10;
const DRAWN: usize = 4;

/// The number of rounds that show all samples.
const ALL: usize = 400;

/// The steps after which a type has no more rounds than the largest ones have.
const STEPS: usize = 20_000;

/// The steps within which each place must have had several values that the type accepts.
const STEPS_OF_CHOOSY: usize = 1_000_000;

/// The requests after which a pass takes the shortest way to its end: a type that holds itself has
/// longer ones.
const WIDE: usize = 200;

/// The number of places that a round holds before it holds all of them.
const REPAIRS: usize = 64;

/// The values that a round shows.
#[derive(Debug, Clone, Copy)]
enum Plan {
    /// The samples of one number everywhere.
    Same(usize),
    /// A sample that is drawn for each place.
    Drawn(usize),
    /// The sample of one number at one place, and accepted ones elsewhere.
    Alone(Place, usize),
}

/// A second look at a type.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) round: usize,
    plan: Plan,
    /// The first alternative of the type.
    first: usize,
    /// A flag: the pass looks for alternatives that the round has not visited.
    is_searching: bool,
    /// The record of the type.
    known: Vec<Token>,
    /// The places at which this pass has differed from the accepted samples.
    trail: Vec<Place>,
    /// The places that keep to an accepted sample, since the type refuses others in this round.
    held: Vec<Place>,
    holds_all: bool,
    /// The requests of this pass.
    asked: usize,
}

impl Probe {
    /// Returns `true` if the pass looks for that alternative.
    pub(super) fn is_wanted(&self, at: usize, alternative: &Alternative) -> bool {
        self.is_searching
            && at >= self.first
            && alternative.round != self.round
            && matches!(alternative.state, State::Done(_))
    }

    /// The sample for a place.
    pub(super) fn sample(&mut self, place: Place, kind: Kind, samples: &Samples) -> Sample {
        self.asked += 1;
        let baseline = samples.baseline(place, kind);
        match self.number(place, kind.count()) {
            Some(number) => kind.of_round(number, baseline, &samples.hints),
            None => Sample::At(baseline.0),
        }
    }

    /// One of so many possibilities at a place; `None` for the shortest way.
    pub(super) fn pick(&mut self, place: Place, possibilities: usize) -> Option<usize> {
        self.asked += 1;
        if self.asked > WIDE {
            return None;
        }
        // All of them in turn, beginning anywhere, so that places do not go in step.
        let number = self.number(place, possibilities)?;
        Some((number + draw(place, number / possibilities)) % possibilities)
    }

    /// The number of the value that this round shows at a place, if it differs there.
    fn number(&mut self, place: Place, count: usize) -> Option<usize> {
        if self.holds_all || self.held.contains(&place) {
            return None;
        }
        let number = match self.plan {
            Plan::Same(number) => number,
            // Often one of the first, which are what types make of tags.
            Plan::Drawn(number) if number % 2 == 0 => draw(place, number) % count.min(4),
            Plan::Drawn(number) => draw(place, number) % count,
            Plan::Alone(only, number) if only == place => number,
            Plan::Alone(..) => return None,
        };
        self.trail.push(place);
        Some(number)
    }

    /// Keeps another place to its accepted sample, the last ones first.
    fn hold(&mut self) -> bool {
        if self.holds_all {
            return false;
        }
        match self.trail.last() {
            Some(last) if self.held.len() < REPAIRS => self.held.push(*last),
            _ => self.holds_all = true,
        }
        true
    }
}

/// A number that depends on a place and another number, and on nothing else.
fn draw(place: Place, number: usize) -> usize {
    let alternative = place.alternative.map_or(0, |at| at + 1) as u64;
    let mut mixed = (alternative << 40) ^ ((place.offset as u64) << 16) ^ number as u64;
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    (mixed >> 33) as usize
}

/// The types of this process that had a second look, by their code and name, and whether they are
/// known.
static STEADY: Mutex<BTreeMap<(usize, &str), bool>> = Mutex::new(BTreeMap::new());

impl Tracer {
    /// Returns `true` if a type is known after its second look, which it has once in a process.
    pub(super) fn is_steady(
        &mut self,
        first: usize,
        name: &'static str,
        show: fn(&mut Self) -> bool,
    ) -> bool {
        let key = (show as usize, name);
        let known = STEADY.lock().get(&key).copied();
        known.unwrap_or_else(|| {
            self.probe(first, show);
            STEADY.lock().insert(key, !self.lost);
            !self.lost
        })
    }

    /// Looks again at a type that has shown all of itself, whose first alternative that is. It is lost
    /// if it asks for something else now, or could not be shown several values.
    pub(super) fn probe(&mut self, first: usize, show: fn(&mut Self) -> bool) {
        self.probe = Some(Probe {
            round: 0,
            plan: Plan::Same(0),
            first,
            is_searching: false,
            known: self.record[self.start..].to_vec(),
            trail: Vec::new(),
            held: Vec::new(),
            holds_all: false,
            asked: 0,
        });
        self.steps = usize::MAX;
        let always = (1..ROUNDS)
            .map(Plan::Same)
            .chain((0..DRAWN).map(Plan::Drawn));
        for plan in always {
            self.round(plan, show);
        }
        let places = &self.tally.places()[..];
        let alone =
            (0..ALL).flat_map(|number| places.iter().map(move |place| Plan::Alone(*place, number)));
        let more = (ROUNDS..ALL)
            .map(Plan::Same)
            .chain((DRAWN..10 * DRAWN).map(Plan::Drawn));
        let mut is_all = true;
        for plan in more.chain(alone) {
            if !self.is_within(STEPS) {
                is_all = false;
                break;
            }
            self.round(plan, show);
        }
        // Places that are choosy, or seldom followed by anything, take longer.
        for number in 0..ALL {
            let places = self.tally.open_places();
            if places.is_empty() {
                break;
            }
            let alone = places.iter().map(|place| Plan::Alone(*place, number));
            for plan in [Plan::Same(number), Plan::Drawn(number)]
                .into_iter()
                .chain(alone)
            {
                if self.is_within(STEPS_OF_CHOOSY) {
                    self.round(plan, show);
                }
            }
        }
        self.lost |= !self.tally.is_complete(is_all);
        self.probe = None;
        self.find_ways();
    }

    /// Visits all alternatives of the type with other values.
    fn round(&mut self, plan: Plan, show: fn(&mut Self) -> bool) {
        let Some(probe) = &mut self.probe else { return };
        probe.round += 1;
        probe.plan = plan;
        probe.is_searching = false;
        probe.held.clear();
        probe.holds_all = false;
        self.find_ways();
        self.show_again(show);
        self.set_searching();
        let mut left = self.unseen();
        while left > 0 && !self.lost {
            self.find_ways();
            self.show_again(show);
            let still = self.unseen();
            if still == left {
                break;
            }
            left = still;
        }
    }

    /// Returns `true` if there is room for another round within so many steps.
    fn is_within(&self, steps: usize) -> bool {
        !self.lost && usize::MAX - self.steps < steps
    }

    fn set_searching(&mut self) {
        if let Some(probe) = &mut self.probe {
            probe.is_searching = true;
        }
    }

    /// Counts the alternatives that this round has not visited.
    fn unseen(&self) -> usize {
        (0..self.alternatives.len())
            .filter(|at| self.is_new(*at))
            .count()
    }

    /// Shows the type the samples of the round, without those that it refuses.
    fn show_again(&mut self, show: fn(&mut Self) -> bool) {
        while !self.lost {
            if let Some(probe) = &mut self.probe {
                probe.trail.clear();
                probe.asked = 0;
            }
            let accepted = self.show(show);
            let Some(probe) = &mut self.probe else { return };
            if accepted {
                self.lost |= self.record.len() - self.start != probe.known.len();
                return;
            }
            if !probe.hold() {
                return;
            }
        }
    }

    /// The request that a type must make next in its second look.
    pub(super) fn expected(&self) -> Option<Token> {
        let at = self.record.len();
        let Some(frame) = self.frames.last() else {
            return self.probe.as_ref()?.known.get(at - self.start).copied();
        };
        let (content, at) = (self.content(frame.alternative), at - frame.start);
        let tag = self.definitions[frame.definition].identity.tag;
        let again = matches!(tag, Tag::Seq | Tag::Map).then(|| at.checked_rem(content.len()));
        content.get(again.flatten().unwrap_or(at)).copied()
    }
}
