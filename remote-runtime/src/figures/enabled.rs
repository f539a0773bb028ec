//! What a server that is asked over HTTP can tell of its calls: how many, how long, what went wrong.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// How many failures are kept.
const FAILURES: usize = 20;

/// How much of the words of one, in bytes.
const LONGEST_WORDS: usize = 500;

/// How many classes of durations there are: each is twice as long as the one before, from a microsecond to
/// about two minutes; the last one has all that is longer.
const CLASSES: usize = 28;

/// The figures of a server.
#[derive(Debug)]
pub(crate) struct Figures {
    functions: Vec<(&'static str, Meter)>,
    failures: Mutex<VecDeque<Failed>>,
}

/// Those of one function.
#[derive(Debug, Default)]
struct Meter {
    running: AtomicU64,
    errors: AtomicU64,
    micros: AtomicU64,
    /// How many calls took how long.
    classes: [AtomicU64; CLASSES],
}

/// A call that has failed.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    pub(crate) function: &'static str,
    pub(crate) message: String,
    pub(crate) when: SystemTime,
}

/// The figures of a function at one moment.
#[derive(Debug, Default, Clone)]
pub(crate) struct Reading {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    pub(crate) running: u64,
    /// How long all together took.
    pub(crate) total: Duration,
    /// How many took no longer than each of the [`bounds`].
    pub(crate) within: [u64; CLASSES - 1],
}

/// How long the calls of each class but the last took at the most.
pub(crate) fn bounds() -> [Duration; CLASSES - 1] {
    std::array::from_fn(|class| Duration::from_micros(1 << class))
}

impl Figures {
    /// Of functions in the order of their names.
    pub(crate) fn of(functions: impl Iterator<Item = &'static str>) -> Self {
        Self {
            functions: functions.map(|name| (name, Meter::default())).collect(),
            failures: Mutex::default(),
        }
    }

    fn meter(&self, name: &str) -> Option<&(&'static str, Meter)> {
        let at = self.functions.binary_search_by_key(&name, |(name, _)| name);
        self.functions.get(at.ok()?)
    }

    /// A call begins.
    pub(crate) fn begin(&self, name: &str) -> Option<Measured<'_>> {
        let (function, meter) = self.meter(name)?;
        meter.running.fetch_add(1, Ordering::Relaxed);
        Some(Measured {
            figures: self,
            function,
            meter,
            began: Instant::now(),
        })
    }

    /// The figures of each function.
    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, Reading)> {
        self.functions
            .iter()
            .map(|(name, meter)| (*name, meter.read()))
    }

    /// The latest failures, the last one first.
    pub(crate) fn failures(&self) -> Vec<Failed> {
        self.failures.lock().iter().rev().cloned().collect()
    }
}

impl Meter {
    fn read(&self) -> Reading {
        let mut reading = Reading {
            errors: self.errors.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
            total: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
            ..Reading::default()
        };
        for (class, calls) in self.classes.iter().enumerate() {
            reading.calls += calls.load(Ordering::Relaxed);
            if let Some(within) = reading.within.get_mut(class) {
                *within = reading.calls;
            }
        }
        reading
    }
}

impl Reading {
    /// How long all but the slowest of the calls took, up to twice that; `None` if there were none, or
    /// they took longer than is told apart.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
        let rank = share * self.calls as f64;
        let found = self.within.iter().zip(bounds());
        #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
        let mut found = found.filter(|(within, _)| self.calls > 0 && **within as f64 >= rank);
        found.next().map(|(_, bound)| bound)
    }
}

/// A call that is measured until this is dropped, which is when it has ended.
#[derive(Debug)]
pub(crate) struct Measured<'f> {
    figures: &'f Figures,
    function: &'static str,
    meter: &'f Meter,
    began: Instant,
}

impl Measured<'_> {
    /// It has failed, with these words.
    pub(crate) fn fail(&self, words: &str) {
        self.meter.errors.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.figures.failures.lock();
        if failures.len() == FAILURES {
            failures.pop_front();
        }
        failures.push_back(Failed {
            function: self.function,
            message: words[..words.floor_char_boundary(LONGEST_WORDS)].to_owned(),
            when: SystemTime::now(),
        });
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = micros.max(1).next_power_of_two().trailing_zeros() as usize;
        self.meter.classes[class.min(CLASSES - 1)].fetch_add(1, Ordering::Relaxed);
        self.meter.micros.fetch_add(micros, Ordering::Relaxed);
        self.meter.running.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_told() {
        let figures = Figures::of(["a", "b"].into_iter());
        for n in 0..100 {
            let measured = figures.begin("b").unwrap();
            if n % 4 == 0 {
                measured.fail(&format!("no {n}"));
            }
        }
        assert!(figures.begin("c").is_none());
        let running = figures.begin("a").unwrap();
        let read: Vec<_> = figures.read().collect();
        let [("a", a), ("b", b)] = &*read else {
            panic!()
        };
        assert_eq!((a.calls, a.running, a.quantile(0.5)), (0, 1, None));
        assert_eq!((b.calls, b.errors, b.running), (100, 25, 0));
        assert_eq!(b.within[CLASSES - 2], 100);
        assert!(b.quantile(0.5) <= b.quantile(0.99) && b.quantile(0.99).is_some());
        let failures = figures.failures();
        assert_eq!((failures.len(), &*failures[0].message), (FAILURES, "no 96"));
        drop(running);
    }
}
