//! Which of two versions of a package is the greater one.

use std::cmp::Ordering;

/// Returns `true` if a version is greater than another one, by the rules of Semantic Versioning 2.0.0
/// (section 11). A text that is no version is greater than nothing.
pub(crate) fn is_greater(version: &str, than: &str) -> bool {
    let (Some(version), Some(than)) = (Version::read(version), Version::read(than)) else {
        return false;
    };
    version.compare(&than).is_gt()
}

/// A version without its build metadata, which do not count.
#[derive(Debug)]
struct Version<'v> {
    numbers: [u64; 3],
    /// The part that puts it before the version of these numbers.
    pre_release: Option<&'v str>,
}

impl<'v> Version<'v> {
    fn read(text: &'v str) -> Option<Self> {
        let text = text.split('+').next()?;
        let (numbers, pre_release) = match text.split_once('-') {
            Some((numbers, pre_release)) => (numbers, Some(pre_release)),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(|part| part.parse().ok());
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self {
            numbers,
            pre_release,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| match (self.pre_release, other.pre_release) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(ours), Some(theirs)) => {
                    let [ours, theirs] = [ours, theirs].map(|of| of.split('.').map(identifier));
                    ours.cmp(theirs)
                }
            })
    }
}

/// An identifier of a pre-release: numbers come before words.
fn identifier(text: &str) -> (bool, u64, &str) {
    match text.parse() {
        Ok(number) => (false, number, ""),
        Err(_) => (true, 0, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of the specification, in their order.
    const SORTED: [&str; 12] = [
        "0.9.0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
        "2.1.0",
        "2.1.1",
    ];

    #[test]
    fn versions_have_the_order_of_the_specification() {
        for (at, version) in SORTED.iter().enumerate() {
            for (other, than) in SORTED.iter().enumerate() {
                assert_eq!(is_greater(version, than), at > other, "{version} {than}");
            }
        }
        assert!(!is_greater("1.0.0+b", "1.0.0+a"));
    }

    proptest! {
        #[test]
        fn no_text_is_greater_than_a_greater_one(a in ".{0,12}", b in "[0-9.+a-z-]{0,12}") {
            prop_assert!(!(is_greater(&a, &b) && is_greater(&b, &a)));
            prop_assert!(!is_greater(&a, &a));
        }
    }
}
