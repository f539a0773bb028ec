//! Which sample a type is shown next when it refuses one.

use super::hints::Hints;
use super::values::Kind;

/// Where a sample is wanted: the same in each pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) alternative: Option<usize>,
    pub(super) offset: usize,
}

/// The number of the sample that a place was given when all of the type was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Baseline(pub(super) usize);

/// How a sample is chosen.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Choice {
    pub(super) stage: Stage,
    /// The first one that was refused only together with others.
    pub(super) good: Option<usize>,
    /// How many have been refused in this stage.
    pub(super) refused: usize,
}

/// How the samples of some places are tried.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// One place by itself.
    #[default]
    First,
    /// The same, but starting with the second sample: what is not zero, not empty.
    Second,
    /// All combinations.
    All,
}

/// Which samples to give.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// The samples that the type may refuse yet.
    pub(super) left: usize,
    /// The values that the type's errors have mentioned.
    pub(super) hints: Hints,
    /// Where it is not the first one.
    pub(super) choices: Vec<(Place, Choice)>,
    /// The samples that a place refuses by itself, of places that accept others by themselves.
    pub(super) refused: Vec<(Place, usize)>,
    /// The requests of this pass.
    pub(super) trail: Vec<(Place, Kind)>,
    /// Where in the trail the parts start that are open.
    pub(super) levels: Vec<usize>,
    /// Where in the trail that starts which is not accepted, if something is not.
    pub(super) suspects: usize,
    /// A flag: these were accepted each by itself.
    pub(super) is_group: bool,
}

impl Samples {
    pub(super) fn at(&mut self, place: Place, kind: Kind) -> usize {
        self.trail.push((place, kind));
        self.is_group = false;
        self.suspects = self.levels.last().copied().unwrap_or(0);
        self.baseline(place, kind).0
    }

    /// The sample that a place has not refused yet.
    pub(super) fn baseline(&self, place: Place, kind: Kind) -> Baseline {
        let Choice {
            stage,
            good,
            refused,
        } = self.choice(place);
        let good = good.unwrap_or(0);
        let at = match stage {
            Stage::First => refused,
            Stage::Second => good + 1 + refused,
            Stage::All => good + refused,
        };
        let at = at % kind.count();
        Baseline(if kind.has(at, &self.hints) { at } else { good })
    }

    pub(super) fn choice(&self, place: Place) -> Choice {
        let found = self.find(place);
        found.map_or_else(|_| Choice::default(), |at| self.choices[at].1)
    }

    pub(super) fn choice_mut(&mut self, place: Place) -> &mut Choice {
        let at = self.find(place).unwrap_or_else(|at| {
            self.choices.insert(at, (place, Choice::default()));
            at
        });
        &mut self.choices[at].1
    }

    pub(super) fn find(&self, place: Place) -> Result<usize, usize> {
        self.choices.binary_search_by_key(&place, |(at, _)| *at)
    }

    pub(super) fn down(&mut self) {
        self.levels.push(self.trail.len());
    }

    /// Counts what was asked for since then to the level that was entered last.
    pub(super) fn down_since(&mut self, start: usize) {
        if let Some(level) = self.levels.last_mut() {
            *level = start;
        }
    }

    pub(super) fn up(&mut self, accepted: bool) {
        if let Some(start) = self.levels.pop()
            && accepted
        {
            self.suspects = start;
            self.is_group = true;
        }
    }

    /// Goes on to the next samples, if there are any.
    pub(super) fn advance(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        let Some((last, kind)) = self.trail.last().copied() else {
            return false;
        };
        if self.is_group {
            self.note_good();
        }
        let stage = self.choice(last).stage;
        let lags = |(place, _): &(Place, Kind)| self.choice(*place).stage < stage;
        let found = match stage {
            // The same place was in another group before.
            _ if self.is_group && self.trail[self.suspects..].iter().any(lags) => self.enter(stage),
            Stage::Second | Stage::All if !self.is_group && self.choice(last).good.is_some() => {
                self.refuse(last, kind) || self.combine()
            }
            Stage::First => self.exchange(last, kind, kind.count()) || self.enter(Stage::Second),
            Stage::Second => self.exchange(last, kind, kind.few()) || self.enter(Stage::All),
            Stage::All => self.combine(),
        };
        found && self.left > 0
    }

    /// Notes which samples each of several places has accepted, which are refused together.
    fn note_good(&mut self) {
        for at in self.suspects..self.trail.len() {
            let (place, kind) = self.trail[at];
            let Baseline(accepted) = self.baseline(place, kind);
            self.choice_mut(place).good.get_or_insert(accepted);
        }
    }

    /// Never gives a place the present sample again. Returns whether there is another one for it.
    fn refuse(&mut self, place: Place, kind: Kind) -> bool {
        let refused = (place, self.baseline(place, kind).0);
        if let Err(at) = self.refused.binary_search(&refused) {
            self.refused.insert(at, refused);
        }
        self.exchange(place, kind, kind.few());
        !self.is_refused(place, kind)
    }

    fn is_refused(&self, place: Place, kind: Kind) -> bool {
        let Baseline(at) = self.baseline(place, kind);
        self.refused.binary_search(&(place, at)).is_ok()
    }

    /// Takes the next sample at one place; the first one again after the last of so many, and then
    /// returns `false`.
    pub(super) fn exchange(&mut self, place: Place, kind: Kind, samples: usize) -> bool {
        let before = self.choice(place).refused;
        for more in 1..=samples {
            let refused = (before + more) % samples;
            self.choice_mut(place).refused = refused;
            let is_first = self.choice(place).stage == Stage::First;
            let is_there = !is_first || kind.has(refused, &self.hints);
            if is_there && !self.is_refused(place, kind) {
                break;
            }
        }
        self.choice(place).refused > before
    }

    /// Tries in another way what may be the reason.
    pub(super) fn enter(&mut self, stage: Stage) -> bool {
        let start = self.suspects.min(self.trail.len() - 1);
        for at in start..self.trail.len() {
            let choice = self.choice_mut(self.trail[at].0);
            if choice.stage < stage {
                choice.stage = stage;
                choice.refused = 0;
            }
        }
        true
    }

    /// Goes on to the next combination; the last place goes through its samples first.
    pub(super) fn combine(&mut self) -> bool {
        let mut places: Vec<(Place, Kind)> = Vec::new();
        for (place, kind) in self.trail.iter().rev() {
            // A place is met again in each element.
            let is_known = places.iter().any(|(known, _)| known == place);
            if !is_known && self.choice(*place).stage == Stage::All {
                places.push((*place, *kind));
            }
        }
        let mut places = places.into_iter();
        places.any(|(place, kind)| self.exchange(place, kind, kind.few()))
    }
}
