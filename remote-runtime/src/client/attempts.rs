//! The rules of "never twice": what follows after an attempt to call.
//!
//! A call that has certainly not run is sent again. One that may have run is only sent again as the very
//! same call, by its number, which a server runs once; or, if its function is idempotent, as another one.

use std::time::Duration;

/// The most attempts of a call that has not run. A server that restarts costs one of them; with the pauses
/// between them, all together take about four seconds.
pub(super) const MOST: u32 = 12;

/// The most times that an idempotent call is made which may have run.
const RUNS: u32 = 3;

/// The most servers that are asked which may be others than those before, and of which none knows
/// whether a call has run.
const OTHERS: u32 = 4;

/// The time after which an answer that did not come was waited for, and not lost at once.
const LONG: Duration = Duration::from_secs(30);

/// The attempts that a call has had.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    is_idempotent: bool,
    /// Set if servers know the call by its number, and run it once however often it comes.
    is_numbered: bool,
    made: u32,
    /// The number of calls that may have run.
    runs: u32,
    others: u32,
    /// Set once the call may have run: nothing that comes later makes that untrue.
    may_have_run: bool,
}

/// The end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A reply to the call.
    Replied,
    /// A reply which says that this attempt has not run.
    Refused,
    /// The connection ended before the server took the call.
    NotRun,
    /// The server is of an earlier build, and makes room for one of this build.
    Outdated,
    /// The server asks for more that tells this program's build, and has not taken the call.
    Asked,
    /// No server can be met; `may_return` if one was, not long ago.
    Absent { may_return: bool },
    /// The connection ended after the server may have taken the call, which it was given so long ago.
    Lost { after: Duration },
    /// The server does not know the call, and does not run it. If it was sent before, it may have run.
    Forgotten { by_another: bool },
    /// Another error, which another attempt would have as well.
    Failed,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same call is sent again.
    Again,
    /// A server of this build takes the place of the one that runs; then as [`Again`](Self::Again).
    Succeed,
    /// The call tells more of this program's build, and is sent again as another one.
    Identify,
    /// It is sent again as another one, since the server does not run this one.
    Anew,
    /// The same, of a call that may have run.
    RunAgain,
    /// The call ends as the attempt has.
    End,
    /// The call ends as one that may have run.
    EndAsLost,
}

impl Attempts {
    pub(super) fn new(is_idempotent: bool, is_numbered: bool) -> Self {
        Self {
            is_idempotent,
            is_numbered,
            made: 0,
            runs: 1,
            others: 0,
            may_have_run: false,
        }
    }

    /// Begins the next attempt, and returns its number, counted from 1; `None` if there were enough.
    pub(super) fn begin(&mut self) -> Option<u32> {
        self.has_more().then(|| {
            self.made += 1;
            self.made
        })
    }

    fn has_more(&self) -> bool {
        self.made < MOST
    }

    /// The rule.
    pub(super) fn after(&mut self, outcome: Outcome) -> Next {
        match outcome {
            // A refusal of the retry does not prove that the first attempt did not run.
            Outcome::Refused if self.may_have_run => Next::EndAsLost,
            Outcome::Replied | Outcome::Refused => Next::End,
            Outcome::NotRun => Next::Again,
            Outcome::Outdated => Next::Succeed,
            Outcome::Asked => Next::Identify,
            Outcome::Absent { may_return }
                if self.has_more() && (may_return || self.may_have_run) =>
            {
                Next::Again
            }
            Outcome::Absent { .. } | Outcome::Failed => self.end(),
            Outcome::Lost { after } if self.is_numbered && self.has_more() => {
                if after > LONG {
                    // It was waited for, and cut off; the server knows whether it still runs.
                    self.made = 1;
                }
                self.may_have_run = true;
                Next::Again
            }
            Outcome::Lost { .. } => self.run_again(Next::End),
            // It was sent to this server alone, which does not run it: its number is too old.
            Outcome::Forgotten { .. } if !self.may_have_run => Next::Anew,
            // Behind a load balancer, the next attempt may reach the server that ran the call.
            Outcome::Forgotten { by_another: true } if self.others < OTHERS => {
                self.others += 1;
                Next::Again
            }
            Outcome::Forgotten { .. } => self.run_again(Next::EndAsLost),
        }
    }

    fn run_again(&mut self, otherwise: Next) -> Next {
        if !self.is_idempotent || self.runs == RUNS {
            return otherwise;
        }
        self.runs += 1;
        self.may_have_run = true;
        Next::RunAgain
    }

    fn end(&self) -> Next {
        match self.may_have_run {
            true => Next::EndAsLost,
            false => Next::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OUTCOMES: [Outcome; 12] = [
        Outcome::Replied,
        Outcome::Refused,
        Outcome::NotRun,
        Outcome::Outdated,
        Outcome::Asked,
        Outcome::Absent { may_return: true },
        Outcome::Absent { may_return: false },
        Outcome::Lost {
            after: Duration::ZERO,
        },
        Outcome::Lost {
            after: Duration::from_secs(31),
        },
        Outcome::Forgotten { by_another: false },
        Outcome::Forgotten { by_another: true },
        Outcome::Failed,
    ];

    /// What is true of a call, kept apart from the rules.
    #[derive(Debug, Clone)]
    struct Model {
        attempts: Attempts,
        /// Some server may have run what goes by the present number.
        may_have_run: bool,
        has_ever: bool,
        reruns: u32,
    }

    impl Model {
        fn new(is_idempotent: bool, is_numbered: bool) -> Self {
            Self {
                attempts: Attempts::new(is_idempotent, is_numbered),
                may_have_run: false,
                has_ever: false,
                reruns: 0,
            }
        }

        /// Makes an attempt that ends so; returns `true` if the call goes on.
        fn attempt(&mut self, outcome: Outcome) -> bool {
            if self.attempts.begin().is_none() {
                return false;
            }
            match outcome {
                Outcome::Lost { .. } => (self.may_have_run, self.has_ever) = (true, true),
                // A server that asks has looked for the number first, and has not run it.
                Outcome::Asked => self.may_have_run = false,
                _ => {}
            }
            let next = self.attempts.after(outcome);
            let Attempts {
                is_idempotent,
                is_numbered,
                ..
            } = self.attempts;
            match next {
                Next::Again | Next::Succeed => {
                    let is_safe = is_numbered || !self.may_have_run || is_idempotent;
                    assert!(is_safe, "{self:?}: it is sent again, and may run twice");
                }
                Next::Identify | Next::Anew => {
                    assert!(!self.may_have_run, "{self:?}: it is another call");
                }
                Next::RunAgain => {
                    assert!(is_idempotent && self.has_ever, "{self:?}");
                    self.reruns += 1;
                    self.may_have_run = false;
                }
                Next::End => {
                    let is_told = matches!(outcome, Outcome::Replied | Outcome::Lost { .. });
                    assert!(is_told || !self.has_ever, "{self:?}: it is called unrun");
                }
                Next::EndAsLost => assert!(self.has_ever, "{self:?}: it is called lost"),
            }
            assert!(self.reruns < RUNS);
            let has_not_run = matches!(
                outcome,
                Outcome::NotRun
                    | Outcome::Outdated
                    | Outcome::Asked
                    | Outcome::Absent { may_return: true }
            );
            let goes_on = !matches!(next, Next::End | Next::EndAsLost);
            if has_not_run && self.attempts.made < MOST {
                assert!(goes_on, "{self:?}: it has not run, and is given up");
            }
            goes_on
        }
    }

    fn all_after(model: &Model, left: u32) {
        if left == 0 {
            return;
        }
        for outcome in OUTCOMES {
            let mut model = model.clone();
            if model.attempt(outcome) {
                all_after(&model, left - 1);
            }
        }
    }

    #[test]
    fn no_sequence_of_six_outcomes_runs_a_call_twice_or_gives_it_up_unrun() {
        for is_idempotent in [false, true] {
            for is_numbered in [false, true] {
                all_after(&Model::new(is_idempotent, is_numbered), 6);
            }
        }
    }

    proptest! {
        #[test]
        fn neither_does_a_long_one(
            is_idempotent: bool,
            is_numbered: bool,
            outcomes in proptest::collection::vec(0..OUTCOMES.len(), 0..60),
        ) {
            let mut model = Model::new(is_idempotent, is_numbered);
            for at in outcomes {
                if !model.attempt(OUTCOMES[at]) {
                    break;
                }
            }
        }
    }

    #[test]
    fn what_never_runs_is_tried_so_often() {
        let mut attempts = Attempts::new(false, false);
        for n in 1..=MOST {
            assert_eq!(attempts.begin(), Some(n));
            assert_eq!(attempts.after(Outcome::NotRun), Next::Again);
        }
        assert_eq!(attempts.begin(), None);
    }

    #[test]
    fn a_server_that_was_never_met_is_not_waited_for() {
        let mut attempts = Attempts::new(false, true);
        attempts.begin();
        let absent = Outcome::Absent { may_return: false };
        assert_eq!(attempts.clone().after(absent), Next::End);
        let lost = Outcome::Lost {
            after: Duration::ZERO,
        };
        assert_eq!(attempts.after(lost), Next::Again);
        assert_eq!(attempts.after(absent), Next::Again);
    }

    #[test]
    fn a_call_that_waited_long_has_all_attempts_again() {
        let mut attempts = Attempts::new(false, true);
        let lost = Outcome::Lost {
            after: LONG + Duration::from_secs(1),
        };
        for _ in 0..3 * MOST {
            assert!(attempts.begin().is_some());
            assert_eq!(attempts.after(lost), Next::Again);
        }
    }
}
