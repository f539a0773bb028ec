//! How code that is written for any type does the right thing for each.
//!
//! A macro sees a type only as it is written, so that the choice is left to where types are known:
//! to method lookup. A [`Tag`] of the type stands behind some references, and takes its method from
//! the first tier whose bounds hold: a tier for `&&&Tag<T>` comes before one for `&&Tag<T>`, and so
//! on (autoref-based specialization, which is due to David Tolnay).
//!
//! The tiers of what is sent are in [`argument`](crate::argument), of what comes back in
//! [`answer`](crate::answer).

use std::marker::PhantomData;

/// A type to choose a tier by.
pub struct Tag<T>(PhantomData<fn() -> T>);

impl<T> Tag<T> {
    /// The tag of `T`, which must be named: an inferred one would always take the first tier.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a default would be inferred")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}
