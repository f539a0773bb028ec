//! The numbers of one session that were taken, of those that are not too old.

use std::collections::VecDeque;

/// How many numbers a word has.
const BITS: u64 = 64;

/// How many words there are at most: those of the last 4,096 numbers, and the one that is begun.
const WORDS: usize = 65;

/// A sliding window over numbers, as receivers of IPsec have it against replays (RFC 4303, section
/// 3.4.3), kept in blocks (RFC 6479). It grows with the numbers that it has to tell apart.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The highest number that was taken, as the index of its word.
    top: u64,
    /// A bit for each number that was taken; the word of the highest numbers comes first.
    words: VecDeque<u64>,
}

impl Window {
    /// Takes a number; `false` if it was taken before, or is too old to tell.
    pub(super) fn take(&mut self, number: u64) -> bool {
        let index = number / BITS;
        if self.words.is_empty() {
            self.top = index;
        }
        if index > self.top || self.words.is_empty() {
            let newer = usize::try_from(index - self.top).unwrap_or(WORDS);
            self.top = index;
            for _ in 0..newer.clamp(1, WORDS) {
                self.words.push_front(0);
            }
            self.words.truncate(WORDS);
        }
        let Some(age) = usize::try_from(self.top - index)
            .ok()
            .filter(|&age| age < WORDS)
        else {
            return false;
        };
        if age >= self.words.len() {
            self.words.resize(age + 1, 0);
        }
        let bit = 1 << (number % BITS);
        let is_new = self.words[age] & bit == 0;
        self.words[age] |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn a_number_is_taken_once_and_none_that_is_too_old() {
        let mut window = Window::default();
        for number in [10_000, 10_001, 9_999, 10_000 - 4_096, 20_000, u64::MAX] {
            assert!(window.take(number), "{number}");
            assert!(!window.take(number), "{number}");
        }
        for old in [0, 9_998, 20_001] {
            assert!(!window.take(old), "{old}");
        }
        assert!(window.take(u64::MAX - 4_096));
    }

    #[test]
    fn a_few_numbers_take_little_memory() {
        let mut window = Window::default();
        assert!(window.take(1 << 40) && window.take((1 << 40) + 1));
        assert_eq!(window.words.len(), 1);
        for number in 0..100_000 {
            window.take(number << 6);
            assert!(window.words.len() <= WORDS);
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_all_numbers(
            steps in proptest::collection::vec((any::<bool>(), 0_u64..5_000), 1..200),
        ) {
            let (mut window, mut taken, mut highest) = (Window::default(), HashSet::new(), 50_000);
            for (is_newer, by) in steps {
                let number = if is_newer { highest + by } else { highest - by };
                let is_new = taken.insert(number);
                let took = window.take(number);
                prop_assert!(!took || is_new, "{} runs twice", number);
                if highest.saturating_sub(number) <= 4_096 {
                    prop_assert_eq!(took, is_new, "{} is no older than the window", number);
                }
                highest = highest.max(number);
            }
        }
    }
}
