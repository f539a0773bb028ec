//! The samples that a type is shown, and which of them next when it refuses one.

/// How many samples one type may refuse.
const REFUSALS: usize = 4_000;

/// Small ones, since a type may take a number for how much room it needs.
pub(super) const NUMBERS: [u8; 6] = [0, 1, 2, 7, 16, 100];

pub(super) const CHARS: [char; 3] = ['a', '0', 'A'];

pub(super) const LENGTHS: [usize; 12] = [0, 16, 4, 32, 8, 64, 1, 2, 12, 20, 24, 48];

pub(super) static ZEROS: [u8; 64] = [0; 64];

/// What types make of text: numbers, names, addresses, identifiers, times.
pub(super) const TEXTS: [&str; 38] = [
    "",
    "1",
    "true",
    "a",
    "127.0.0.1",
    "127.0.0.1:1",
    "::1",
    "[::1]:1",
    "127.0.0.0/8",
    "::/8",
    "00000000-0000-0000-0000-000000000000",
    "2000-01-01",
    "2000-01-01T00:00:00Z",
    "2000-01-01T00:00:00",
    "2000-01-01 00:00:00",
    "2000-01-01T00:00:00+00:00[UTC]",
    "Sat, 01 Jan 2000 00:00:00 GMT",
    "00:00:00",
    "00:00",
    "1s",
    "PT1S",
    "UTC",
    "Mon",
    "Jan",
    "http://a/",
    "/a",
    "a.aa",
    "a@a.aa",
    "a/a",
    "1.0.0",
    "A",
    "en",
    "*",
    "#000000",
    "00:00:00:00:00:00",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
];

/// Where a sample is wanted: the same in each pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) alternative: Option<usize>,
    pub(super) offset: usize,
}

/// How a sample is chosen.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Choice {
    pub(super) stage: Stage,
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
    pub(super) refusals: usize,
    /// Where it is not the first one.
    pub(super) choices: Vec<(Place, Choice)>,
    /// What has been asked for in this pass, and how many samples there are of it.
    pub(super) trail: Vec<(Place, usize)>,
    /// Where in the trail the parts start that are open.
    pub(super) levels: Vec<usize>,
    /// Where in the trail that starts which is not accepted, if something is not.
    pub(super) suspects: usize,
}

impl Samples {
    pub(super) fn at(&mut self, place: Place, samples: usize) -> usize {
        if samples == 1 {
            return 0;
        }
        self.trail.push((place, samples));
        self.suspects = self.levels.last().copied().unwrap_or(0);
        let Choice { stage, refused } = self.choice(place);
        (refused + usize::from(stage == Stage::Second)) % samples
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

    pub(super) fn up(&mut self, accepted: bool) {
        if let Some(start) = self.levels.pop()
            && accepted
        {
            self.suspects = start;
        }
    }

    /// Goes on to the next samples, if there are any.
    pub(super) fn advance(&mut self) -> bool {
        self.refusals += 1;
        let Some((last, samples)) = self.trail.last().copied() else {
            return false;
        };
        let found = match self.choice(last).stage {
            Stage::First => self.exchange(last, samples) || self.enter(Stage::Second),
            Stage::Second => self.exchange(last, samples) || self.enter(Stage::All),
            Stage::All => self.combine(),
        };
        found && self.refusals < REFUSALS
    }

    /// Takes the next sample at one place; the first one again after the last.
    pub(super) fn exchange(&mut self, place: Place, samples: usize) -> bool {
        let choice = self.choice_mut(place);
        choice.refused = (choice.refused + 1) % samples;
        choice.refused > 0
    }

    /// Tries in another way what may be the reason.
    pub(super) fn enter(&mut self, stage: Stage) -> bool {
        let start = self.suspects.min(self.trail.len() - 1);
        for at in start..self.trail.len() {
            let choice = self.choice_mut(self.trail[at].0);
            if choice.stage < stage {
                *choice = Choice { stage, refused: 0 };
            }
        }
        true
    }

    pub(super) fn combine(&mut self) -> bool {
        let combined = |(place, _): &(Place, usize)| self.choice(*place).stage == Stage::All;
        let places: Vec<_> = self.trail.iter().copied().filter(combined).collect();
        let mut backwards = places.into_iter().rev();
        backwards.any(|(place, samples)| self.exchange(place, samples))
    }
}
