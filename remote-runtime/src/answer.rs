//! How a function's answer and its error travel back.
//!
//! The tiers of `(&&&&&Tag::<R>::new()).ask(…)`, `.answer(…)`, `.shape_answer(…)` and
//! `.check_answer()`, where `R` is the return type:
//!
//! 1. an error that serde knows travels as the very value;
//! 2. any other error travels as its message and those of its sources, if it is `Send + Sync`,
//! 3. or if it is not;
//! 4. everything else, so that the only error is that of [`check_answer`](CheckReturn::check_answer).

use std::error::Error as StdError;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{Away, Received, Send};
use crate::error::{Error, Failure};
use crate::function::Reply;
use crate::shape::Shape;
use crate::tag::Tag;
use crate::wire::fault::Fault;

type BoxedSync = Box<dyn StdError + std::marker::Send + Sync>;
type Boxed = Box<dyn StdError>;

fn ask<T: DeserializeOwned, E: From<Error>>(
    away: Away,
    send: Send<'_>,
    raised: impl FnOnce(Received<'static>) -> Result<E, Error>,
) -> Option<Result<T, E>> {
    let ended = away.exchange(send)?.and_then(|received| {
        if received.is_raised() {
            raised(received).map(Err)
        } else {
            received.decode().map(Ok)
        }
    });
    Some(ended.unwrap_or_else(|e| Err(e.into())))
}

fn answer<T: Serialize, E>(
    result: Result<T, E>,
    reply: &mut Reply<'_>,
    fail: impl FnOnce(E, &mut Reply<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match result {
        Ok(value) => reply.answer(&value),
        Err(e) => fail(e, reply),
    }
}

macro_rules! tiers {
    ($($(#[$doc:meta])* $tier:ident for $ty:ty, where E: $($bound:path),*;
        raised: $raised:expr;
        failed: $failed:expr;
        shape: $shape:expr;)*) => {$(
        $(#[$doc])*
        pub trait $tier<T, E> {
            #[doc(hidden)]
            fn ask(&self, away: Away, send: Send<'_>) -> Option<Result<T, E>>;
            #[doc(hidden)]
            fn answer(&self, result: Result<T, E>, reply: &mut Reply<'_>) -> Result<(), Fault>;
            #[doc(hidden)]
            fn shape_answer(&self, shape: &mut Shape);
            #[doc(hidden)]
            fn check_answer(&self) {}
        }

        impl<T, E> $tier<T, E> for $ty
        where
            T: Serialize + DeserializeOwned,
            E: From<Error> $(+ $bound)*,
        {
            fn ask(&self, away: Away, send: Send<'_>) -> Option<Result<T, E>> {
                ask(away, send, $raised)
            }
            fn shape_answer(&self, shape: &mut Shape) {
                shape.add::<T>();
                let shape_error: fn(&mut Shape) = $shape;
                shape_error(shape);
            }
            fn answer(&self, result: Result<T, E>, reply: &mut Reply<'_>) -> Result<(), Fault> {
                answer(result, reply, $failed)
            }
        }
    )*};
}

tiers! {
    /// Tier 1.
    AnswerTyped for &&&&Tag<Result<T, E>>, where E: Serialize, DeserializeOwned;
        raised: Received::decode;
        failed: |e: E, reply| reply.raise(&e);
        shape: Shape::add::<E>;
    /// Tier 2.
    AnswerBoxedSync for &&&Tag<Result<T, E>>, where E: Into<BoxedSync>;
        raised: |received| Err(received.unexpected());
        failed: |e: E, _| Err(Fault::Failed(Failure::of(e.into().as_ref())));
        shape: |shape| shape.word("failure");
    /// Tier 3.
    AnswerBoxed for &&Tag<Result<T, E>>, where E: Into<Boxed>;
        raised: |received| Err(received.unexpected());
        failed: |e: E, _| Err(Fault::Failed(Failure::of(e.into().as_ref())));
        shape: |shape| shape.word("failure");
}

/// Tier 4.
pub trait AnswerNothing<R> {
    #[doc(hidden)]
    fn ask(&self, away: Away, send: Send<'_>) -> Option<R>;
    #[doc(hidden)]
    fn answer(&self, result: R, reply: &mut Reply<'_>) -> Result<(), Fault>;
    #[doc(hidden)]
    fn shape_answer(&self, _: &mut Shape) {}
}

impl<R> AnswerNothing<R> for Tag<R> {
    fn ask(&self, _: Away, _: Send<'_>) -> Option<R> {
        unreachable!("`check_answer` has refused it at compile time")
    }
    fn answer(&self, _: R, _: &mut Reply<'_>) -> Result<(), Fault> {
        Err(Fault::Mismatch("its answer cannot travel".into()))
    }
}

// The check: the tiers above need nothing; the two last have the bounds that say what is missing.

/// An error type that can be sent; nothing implements it but by the tiers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel back from a remote function as its error",
    label = "implement `std::error::Error` for it, or derive `serde::Serialize` and `serde::Deserialize`"
)]
pub trait Travels {}

/// The check's last but one tier, for all that lacks only a way to send its error. The bound is the
/// method's: one of the `impl` would make the lookup go on to the next tier.
pub trait CheckError<E> {
    #[doc(hidden)]
    fn check_answer(&self)
    where
        E: Travels,
    {
    }
}

impl<T: Value, E: CallError> CheckError<E> for &Tag<Result<T, E>> {}

/// What a remote function may return.
#[diagnostic::on_unimplemented(
    message = "a remote function must return a `Result`, because a call can fail on its way",
    label = "write `remotex::Result<{Self}>`"
)]
pub trait Return {}
impl<T: Value, E: CallError> Return for Result<T, E> {}

/// What a remote function may return as its `Ok` value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel back from a remote function",
    label = "derive `serde::Serialize` and `serde::Deserialize` for it, without borrows"
)]
pub trait Value {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Value for T {}

/// What a remote function may return as its `Err` value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot tell that a call failed on its way",
    label = "implement `From<remotex::Error>` for it, or return `remotex::Result`"
)]
pub trait CallError {}
#[diagnostic::do_not_recommend]
impl<E: From<Error>> CallError for E {}

/// The check's last tier.
pub trait CheckReturn<R> {
    #[doc(hidden)]
    fn check_answer(&self)
    where
        R: Return,
    {
    }
}

impl<R> CheckReturn<R> for Tag<R> {}
