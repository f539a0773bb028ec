//! What there is without the feature.

use std::fmt;

use crate::caller::Caller;

#[inline(always)] // as if it were not there
pub(crate) fn called<T, E>(
    _: &str,
    _: &str,
    call: impl FnOnce(Option<u64>) -> Result<T, E>,
) -> Result<T, E> {
    call(None)
}

#[inline(always)]
pub(crate) fn serve<T, E>(
    _: &str,
    _: &str,
    _: Option<u64>,
    _: &Caller,
    run: impl FnOnce() -> Result<T, E>,
    _: impl for<'e> Fn(&'e E) -> &'e dyn fmt::Display,
) -> Result<T, E> {
    run()
}
