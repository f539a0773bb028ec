//! Pauses between attempts, each twice as long as the one before.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// The pause before an attempt, counted from 1. The second comes at once; what has just ended may take a
/// moment to come back.
pub(crate) fn pause_before(attempt: u32) -> Duration {
    match attempt.checked_sub(3) {
        Some(doublings) => FIRST.saturating_mul(1 << doublings.min(16)).min(LONGEST),
        None => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        let pauses: Vec<_> = (1..=12).map(|n| pause_before(n).as_millis()).collect();
        assert_eq!(
            pauses,
            [0, 0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]
        );
        assert_eq!(pause_before(u32::MAX), LONGEST);
    }
}
