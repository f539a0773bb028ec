//! How a function's answer and its error travel back.
//!
//! The tiers of `(&&&&&&Tag::<R>::new()).__remotex_ask(…)`, `.__remotex_answer(…)`,
//! `.__remotex_visit_answer(…)` and `.__remotex_check_answer()`, where `R` is the return type. The
//! methods have names that no trait of a user has, since one for all types would be in the way:
//!
//! 1. `remotex::Error` travels as its message and those of its sources, although serde knows it, so that it
//!    has details at the client, and hooks see it;
//! 2. an error that serde knows travels as the very value;
//! 3. any other error travels as its message and those of its sources, if it is `Send + Sync`,
//! 4. or if it is not;
//! 5. everything else, so that the only error is that of [`__remotex_check_answer`](CheckReturn::__remotex_check_answer).
//!
//! How the `Ok` value travels is another choice: as a whole, if it is bytes or numbers, or by serde.

use std::error::Error as StdError;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::argument::Owned;
use crate::call::{Away, Received, Send};
use crate::codec::{Decoder, Number};
use crate::error::Error;
use crate::function::{Reply, TypeVisitor};
use crate::tag::Tag;
use crate::wire::fault::Fault;

type BoxedSync = Box<dyn StdError + std::marker::Send + Sync>;
type Boxed = Box<dyn StdError>;

/// How the `Ok` value of an answer travels.
pub trait Carry<T> {
    /// Whether its encoding is a block and nothing else.
    #[doc(hidden)]
    const IS_BLOCK: bool = false;
    #[doc(hidden)]
    fn put(value: T, reply: &mut Reply<'_>) -> Result<(), Fault>;
    #[doc(hidden)]
    fn take(received: Received) -> Result<T, Error>;
    #[doc(hidden)]
    fn visit(visitor: &mut TypeVisitor<'_>);
}

/// As serde sees it.
pub struct AsValue;

impl<T: Serialize + DeserializeOwned> Carry<T> for AsValue {
    fn put(value: T, reply: &mut Reply<'_>) -> Result<(), Fault> {
        reply.answer(&value)
    }
    fn take(received: Received) -> Result<T, Error> {
        received.decode()
    }
    fn visit(visitor: &mut TypeVisitor<'_>) {
        visitor.value::<T>();
    }
}

/// As one block of bytes.
pub struct AsBlock;

impl<T: Owned> Carry<T> for AsBlock {
    const IS_BLOCK: bool = true;
    fn put(value: T, reply: &mut Reply<'_>) -> Result<(), Fault> {
        reply.answer_block(value.into_bytes(), T::IS_TEXT)
    }
    fn take(received: Received) -> Result<T, Error> {
        received.decode_block(T::of_bytes)
    }
    fn visit(visitor: &mut TypeVisitor<'_>) {
        T::visit(visitor);
    }
}

/// As numbers in a row.
pub struct AsNumbers;

impl<N: Number + DeserializeOwned> Carry<Vec<N>> for AsNumbers {
    fn put(value: Vec<N>, reply: &mut Reply<'_>) -> Result<(), Fault> {
        reply.answer_numbers(&value)
    }
    fn take(received: Received) -> Result<Vec<N>, Error> {
        received.decode_with(Decoder::take_numbers)
    }
    fn visit(visitor: &mut TypeVisitor<'_>) {
        visitor.numbers::<N>();
    }
}

/// Tier 1 of the choice between them, `(&&Tag::<T>::new()).way()`.
pub trait WayBlock<T> {
    #[doc(hidden)]
    fn __remotex_way(&self) -> AsBlock {
        AsBlock
    }
}

impl<T: Owned> WayBlock<T> for &Tag<T> {}

/// Tier 1 of the choice, numbers.
pub trait WayNumbers<N> {
    #[doc(hidden)]
    fn __remotex_way(&self) -> AsNumbers {
        AsNumbers
    }
}

impl<N: Number> WayNumbers<N> for &Tag<Vec<N>> {}

/// Tier 2.
pub trait WayValue<T> {
    #[doc(hidden)]
    fn __remotex_way(&self) -> AsValue {
        AsValue
    }
}

impl<T> WayValue<T> for Tag<T> {}

/// The text of an error for callers that do not have its type: `(&&Tag::<R>::new()).__remotex_tell(…)`.
pub trait TellText<T, E> {
    #[doc(hidden)]
    fn __remotex_tell(&self, result: &Result<T, E>, reply: &mut Reply<'_>);
}

impl<T, E: fmt::Display> TellText<T, E> for &Tag<Result<T, E>> {
    fn __remotex_tell(&self, result: &Result<T, E>, reply: &mut Reply<'_>) {
        if let Err(e) = result {
            reply.tell(e);
        }
    }
}

/// An error without a text, of which callers get nothing more.
pub trait TellNothing<R> {
    #[doc(hidden)]
    fn __remotex_tell(&self, _: &R, _: &mut Reply<'_>) {}
}

impl<R> TellNothing<R> for Tag<R> {}

/// The tag of a return type's `Ok` value: `(&&Tag::<R>::new()).__remotex_ok()`.
pub trait OkOfResult<T> {
    #[doc(hidden)]
    fn __remotex_ok(&self) -> Tag<T> {
        Tag::new()
    }
}

impl<T, E> OkOfResult<T> for &Tag<Result<T, E>> {}

/// The same of what is no `Result`, which [`__remotex_check_answer`](CheckReturn::__remotex_check_answer) refuses.
pub trait OkOfNothing {
    #[doc(hidden)]
    fn __remotex_ok(&self) -> Tag<()> {
        Tag::new()
    }
}

impl<R> OkOfNothing for Tag<R> {}

// The error may note where it was made: for the user, that is where the function was called.
#[track_caller]
fn ask<T, E: From<Error>, C: Carry<T>>(
    away: Away<'_>,
    send: Send<'_, '_>,
    _: C,
    raised: impl FnOnce(Received) -> Result<E, Error>,
) -> Option<Result<T, E>> {
    let ended = away.exchange(send, C::IS_BLOCK)?.and_then(|received| {
        if received.is_raised() {
            raised(received).map(Err)
        } else {
            C::take(received).map(Ok)
        }
    });
    Some(match ended {
        Ok(ended) => ended,
        Err(e) => Err(E::from(e)),
    })
}

fn answer<T, E, C: Carry<T>>(
    result: Result<T, E>,
    reply: &mut Reply<'_>,
    _: C,
    fail: impl FnOnce(E, &mut Reply<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match result {
        Ok(value) => C::put(value, reply),
        Err(e) => fail(e, reply),
    }
}

macro_rules! tiers {
    ($($(#[$doc:meta])* $tier:ident for $ty:ty, where E: $($bound:path),*;
        raised: $raised:expr;
        failed: $failed:expr;
        visit: $visit:expr;)*) => {$(
        $(#[$doc])*
        pub trait $tier<T, E> {
            #[doc(hidden)]
            #[track_caller]
            fn __remotex_ask<C: Carry<T>>(&self, away: Away<'_>, send: Send<'_, '_>, way: C) -> Option<Result<T, E>>;
            #[doc(hidden)]
            fn __remotex_answer<C: Carry<T>>(
                &self,
                result: Result<T, E>,
                reply: &mut Reply<'_>,
                way: C,
            ) -> Result<(), Fault>;
            #[doc(hidden)]
            fn __remotex_visit_answer<C: Carry<T>>(&self, visitor: &mut TypeVisitor<'_>, way: C);
            #[doc(hidden)]
            #[track_caller]
            fn __remotex_refuse(&self, e: Error) -> Result<T, E>;
            #[doc(hidden)]
            fn __remotex_check_answer(&self) {}
        }

        impl<T, E> $tier<T, E> for $ty
        where
            T: Serialize + DeserializeOwned,
            E: From<Error> $(+ $bound)*,
        {
            #[track_caller]
            fn __remotex_ask<C: Carry<T>>(&self, away: Away<'_>, send: Send<'_, '_>, way: C) -> Option<Result<T, E>> {
                ask(away, send, way, $raised)
            }
            #[track_caller]
            fn __remotex_refuse(&self, e: Error) -> Result<T, E> {
                Err(E::from(e))
            }
            fn __remotex_visit_answer<C: Carry<T>>(&self, visitor: &mut TypeVisitor<'_>, _: C) {
                C::visit(visitor);
                let visit_error: fn(&mut TypeVisitor<'_>) = $visit;
                visit_error(visitor);
            }
            fn __remotex_answer<C: Carry<T>>(
                &self,
                result: Result<T, E>,
                reply: &mut Reply<'_>,
                way: C,
            ) -> Result<(), Fault> {
                answer(result, reply, way, $failed)
            }
        }
    )*};
}

/// `remotex::Error` alone.
pub trait Ours {}
impl Ours for Error {}

tiers! {
    /// Tier 1.
    AnswerOurs for &&&&&Tag<Result<T, E>>, where E: Ours, Into<BoxedSync>;
        raised: |received| Err(received.unexpected());
        failed: |e: E, reply: &mut Reply<'_>| Err(reply.fail(e.into().as_ref()));
        visit: |visitor| visitor.word("failure");
    /// Tier 2.
    AnswerTyped for &&&&Tag<Result<T, E>>, where E: Serialize, DeserializeOwned;
        raised: Received::decode;
        failed: |e: E, reply| reply.raise(&e);
        visit: |visitor| visitor.value::<E>();
    /// Tier 3.
    AnswerBoxedSync for &&&Tag<Result<T, E>>, where E: Into<BoxedSync>;
        raised: |received| Err(received.unexpected());
        failed: |e: E, reply: &mut Reply<'_>| Err(reply.fail(e.into().as_ref()));
        visit: |visitor| visitor.word("failure");
    /// Tier 4.
    AnswerBoxed for &&Tag<Result<T, E>>, where E: Into<Boxed>;
        raised: |received| Err(received.unexpected());
        failed: |e: E, reply: &mut Reply<'_>| Err(reply.fail(e.into().as_ref()));
        visit: |visitor| visitor.word("failure");
}

/// Tier 5.
pub trait AnswerNothing<R> {
    #[doc(hidden)]
    fn __remotex_ask<C>(&self, away: Away<'_>, send: Send<'_, '_>, way: C) -> Option<R>;
    #[doc(hidden)]
    fn __remotex_answer<C>(&self, result: R, reply: &mut Reply<'_>, way: C) -> Result<(), Fault>;
    #[doc(hidden)]
    fn __remotex_visit_answer<C>(&self, _: &mut TypeVisitor<'_>, _: C) {}
    #[doc(hidden)]
    fn __remotex_refuse(&self, _: Error) -> R {
        unreachable!("`check_answer` has refused it at compile time")
    }
}

impl<R> AnswerNothing<R> for Tag<R> {
    fn __remotex_ask<C>(&self, _: Away<'_>, _: Send<'_, '_>, _: C) -> Option<R> {
        unreachable!("`check_answer` has refused it at compile time")
    }
    fn __remotex_answer<C>(&self, _: R, _: &mut Reply<'_>, _: C) -> Result<(), Fault> {
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
    fn __remotex_check_answer(&self)
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
    label = "derive `serde::Serialize` and `serde::Deserialize` for it, without borrows",
    note = "if the type is of another crate, return its parts; if the value is to stay in the server, return a `remotex::Remote<T>`"
)]
pub trait Value {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Value for T {}

/// What a remote function may return as its `Err` value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot tell that a call failed on its way",
    label = "return `remotex::Result`, or an error type of yours with `From<remotex::Error>`",
    note = "in a function that returns `remotex::Result`, a text is an error: `Err(text.into())`"
)]
pub trait CallError {}
#[diagnostic::do_not_recommend]
impl<E: From<Error>> CallError for E {}

/// The check's last tier.
pub trait CheckReturn<R> {
    #[doc(hidden)]
    fn __remotex_check_answer(&self)
    where
        R: Return,
    {
    }
}

impl<R> CheckReturn<R> for Tag<R> {}
