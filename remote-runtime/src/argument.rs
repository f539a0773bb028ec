//! How each kind of argument travels: what the caller sends of it, and what the server holds so
//! that it can lend it to the function.
//!
//! The tiers of `(&&&&Tag::<T>::new()).__remotex_carry(…)`, `.__remotex_hold(…)`,
//! `.__remotex_visit(…)` and `.__remotex_check()`:
//!
//! 1. paths, whose bytes need not be UTF-8, and bytes, which travel as one block; numbers in a row;
//! 2. whatever can be read straight from the message, borrowing from it or not;
//! 3. references to what must be held for them: `&T`, `&[T]`, `Option<&T>`, `Option<&[T]>`;
//! 4. everything else, so that the only error is that of [`__remotex_check`](CheckNothing::__remotex_check).

mod bulk;

use std::convert::Infallible;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::{Decoder, Number, Undecoded};
use crate::function::TypeVisitor;
use crate::session::scope::{self, Scope};
use crate::tag::Tag;
use crate::wire::fault::Fault;

pub use bulk::{Block, Bytes, Numbers, Outbound, Owned};

fn take<'m, T: Deserialize<'m>>(name: &str, from: &mut Decoder<'m>) -> Result<T, Fault> {
    from.mark();
    from.take().map_err(|e| wrong(name, &e))
}

#[cold]
fn wrong(name: &str, e: &Undecoded) -> Fault {
    if let Some(why) = scope::take_gone() {
        return Fault::Gone(why);
    }
    match e {
        Undecoded::Wrong(_) => unreadable(format_args!("its argument `{name}`"), e),
        Undecoded::NotSelfDescribing => {
            let (argument, why) = (Some(name.to_owned()), e.to_string());
            Fault::Unsendable { argument, why }
        }
    }
}

/// Ends the arguments of a call that has come.
///
/// # Errors
/// If there is something left.
pub fn finish(from: &Decoder<'_>) -> Result<(), Fault> {
    // What the function encodes and decodes itself is none of the client's.
    scope::set(Scope::Outside);
    from.finish()
        .map_err(|e| unreadable(format_args!("the end of its arguments"), &e))
}

fn unreadable(what: std::fmt::Arguments<'_>, e: &Undecoded) -> Fault {
    Fault::Mismatch(format!(
        "{what} cannot be read: {e}; does its type write what it reads?"
    ))
}

// What the server holds.

/// Held as what the function takes.
pub struct Held<T>(T);

impl<T> Held<T> {
    /// The argument.
    pub fn __remotex_lend(self) -> T {
        self.0
    }
}

/// Held for a function that takes a reference.
pub struct Kept<T>(T);

impl<T> Kept<T> {
    /// The argument.
    pub fn __remotex_lend(&self) -> &T {
        &self.0
    }
}

/// Held for a function that takes a slice.
pub struct KeptSlice<T>(Vec<T>);

impl<T> KeptSlice<T> {
    /// The argument.
    #[must_use]
    pub fn __remotex_lend(&self) -> &[T] {
        &self.0
    }
}

/// Held for a function that may take a reference.
pub struct KeptOption<T>(Option<T>);

impl<T> KeptOption<T> {
    /// The argument.
    pub fn __remotex_lend(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

/// Held for a function that may take a slice.
pub struct KeptSliceOption<T>(Option<Vec<T>>);

impl<T> KeptSliceOption<T> {
    /// The argument.
    #[must_use]
    pub fn __remotex_lend(&self) -> Option<&[T]> {
        self.0.as_deref()
    }
}

/// What is held of an argument that cannot travel: there is none.
pub struct Nothing<T>(Infallible, PhantomData<T>);

impl<T> Nothing<T> {
    /// The argument.
    pub fn __remotex_lend(self) -> T {
        match self.0 {}
    }
}

// Tier 1: what travels as a whole.

/// Tier 1 of sending.
pub trait CarryBytes<'m, T> {
    #[doc(hidden)]
    fn __remotex_carry<'v>(&self, value: &'v T) -> Block<'v>;
}

impl<'m, T: Bytes<'m>> CarryBytes<'m, T> for &&&Tag<T> {
    fn __remotex_carry<'v>(&self, value: &'v T) -> Block<'v> {
        value.block()
    }
}

/// Tier 1 of sending, what may be missing.
pub trait CarryBytesOption<'m, T> {
    #[doc(hidden)]
    fn __remotex_carry<'v>(&self, value: &'v Option<T>) -> Option<Block<'v>>;
}

impl<'m, T: Bytes<'m>> CarryBytesOption<'m, T> for &&&Tag<Option<T>> {
    fn __remotex_carry<'v>(&self, value: &'v Option<T>) -> Option<Block<'v>> {
        value.as_ref().map(T::block)
    }
}

/// Tier 1 of sending, a reference to what owns its bytes.
pub trait CarryBytesRef<T> {
    #[doc(hidden)]
    fn __remotex_carry<'v>(&self, value: &'v T) -> Block<'v>;
}

impl<'a> CarryBytesRef<&'a PathBuf> for &&&Tag<&'a PathBuf> {
    fn __remotex_carry<'v>(&self, value: &'v &'a PathBuf) -> Block<'v> {
        (*value).block()
    }
}

/// Tier 1 of sending, numbers.
pub trait CarryNumbers<N> {
    #[doc(hidden)]
    fn __remotex_carry<'v, T: AsRef<[N]>>(&self, value: &'v T) -> Numbers<'v, N>;
}

macro_rules! carry_numbers {
    ($($ty:ty)*) => {$(
        impl<N: Number> CarryNumbers<N> for &&&Tag<$ty> {
            fn __remotex_carry<'v, T: AsRef<[N]>>(&self, value: &'v T) -> Numbers<'v, N> {
                Numbers(value.as_ref())
            }
        }
    )*};
}

carry_numbers! { Vec<N> &Vec<N> &[N] }

/// Tier 1 of holding.
pub trait HoldBytes<'m, T> {
    #[doc(hidden)]
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>);
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Held<T>, Fault>;
}

impl<'m, T: Bytes<'m>> HoldBytes<'m, T> for &&&Tag<T> {
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>) {
        visitor.block(T::IS_TEXT);
    }
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Held<T>, Fault> {
        take::<Block<'m>>(name, from).map(|block| Held(T::of(block.bytes())))
    }
}

/// Tier 1 of holding, what may be missing.
pub trait HoldBytesOption<'m, T> {
    #[doc(hidden)]
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>);
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Held<Option<T>>, Fault>;
}

impl<'m, T: Bytes<'m>> HoldBytesOption<'m, T> for &&&Tag<Option<T>> {
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>) {
        visitor.optional_block(T::IS_TEXT);
    }
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Held<Option<T>>, Fault> {
        take::<Option<Block<'m>>>(name, from)
            .map(|block| Held(block.map(|block| T::of(block.bytes()))))
    }
}

/// Tier 1 of holding, a reference to what owns its bytes.
pub trait HoldBytesRef<T> {
    #[doc(hidden)]
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>);
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'_>) -> Result<Kept<T>, Fault>;
}

impl HoldBytesRef<PathBuf> for &&&Tag<&PathBuf> {
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>) {
        visitor.block(<PathBuf as Bytes<'_>>::IS_TEXT);
    }
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'_>) -> Result<Kept<PathBuf>, Fault> {
        take::<Block<'_>>(name, from).map(|block| Kept(PathBuf::of(block.bytes())))
    }
}

/// Tier 1 of holding, numbers.
pub trait HoldNumbers {
    #[doc(hidden)]
    type Held;
    #[doc(hidden)]
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>);
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'_>) -> Result<Self::Held, Fault>;
}

macro_rules! hold_numbers {
    ($($ty:ty => $held:ident<$of:ty>;)*) => {$(
        impl<N: Number + DeserializeOwned> HoldNumbers for &&&Tag<$ty> {
            type Held = $held<$of>;
            fn __remotex_visit(&self, visitor: &mut TypeVisitor<'_>) {
                visitor.numbers::<N>();
            }
            fn __remotex_hold(&self, name: &str, from: &mut Decoder<'_>) -> Result<$held<$of>, Fault> {
                from.mark();
                from.take_numbers().map($held).map_err(|e| wrong(name, &e))
            }
        }
    )*};
}

hold_numbers! {
    Vec<N> => Held<Vec<N>>;
    &Vec<N> => Kept<Vec<N>>;
    &[N] => KeptSlice<N>;
}

// Tier 2: whatever serde can read from the message.

/// Tier 2 of sending.
pub trait CarryValue<T> {
    #[doc(hidden)]
    fn __remotex_carry<'v>(&self, value: &'v T) -> &'v T;
}

impl<T: Serialize> CarryValue<T> for &&Tag<T> {
    fn __remotex_carry<'v>(&self, value: &'v T) -> &'v T {
        value
    }
}

/// Tier 2 of holding.
pub trait HoldValue<'m, T> {
    #[doc(hidden)]
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'m>);
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Held<T>, Fault>;
}

impl<'m, T: Serialize + Deserialize<'m>> HoldValue<'m, T> for &&Tag<T> {
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'m>) {
        visitor.value::<T>();
    }
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Held<T>, Fault> {
        take(name, from).map(Held)
    }
}

// Tier 3: references to what must be held.

/// Tier 3 of holding.
pub trait HoldRef<'m> {
    #[doc(hidden)]
    type Held;
    #[doc(hidden)]
    fn __remotex_visit(&self, visitor: &mut TypeVisitor<'m>);
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<Self::Held, Fault>;
}

macro_rules! refs {
    ($($ty:ty => $kept:ident, $owned:ty;)*) => {$(
        impl<'m, T: Serialize + Deserialize<'m>> HoldRef<'m> for &Tag<$ty> {
            type Held = $kept<T>;
            fn __remotex_visit(&self, visitor: &mut TypeVisitor<'m>) {
                visitor.value::<$owned>();
            }
            fn __remotex_hold(&self, name: &str, from: &mut Decoder<'m>) -> Result<$kept<T>, Fault> {
                take(name, from).map($kept)
            }
        }
    )*};
}

refs! {
    &T => Kept, T;
    &[T] => KeptSlice, Vec<T>;
    Option<&T> => KeptOption, Option<T>;
    Option<&[T]> => KeptSliceOption, Option<Vec<T>>;
}

// Tier 4: what cannot travel.

/// Tier 4 of sending.
pub trait CarryNothing<T> {
    #[doc(hidden)]
    fn __remotex_carry(&self, _: &T) -> &'static ();
}

impl<T> CarryNothing<T> for Tag<T> {
    fn __remotex_carry(&self, _: &T) -> &'static () {
        &()
    }
}

/// Tier 4 of holding.
pub trait HoldNothing<T> {
    #[doc(hidden)]
    fn __remotex_visit(&self, _: &mut TypeVisitor<'_>) {}
    #[doc(hidden)]
    fn __remotex_hold(&self, name: &str, from: &mut Decoder<'_>) -> Result<Nothing<T>, Fault>;
}

impl<T> HoldNothing<T> for Tag<T> {
    fn __remotex_hold(&self, name: &str, _: &mut Decoder<'_>) -> Result<Nothing<T>, Fault> {
        Err(Fault::Mismatch(format!(
            "its argument `{name}` cannot travel"
        )))
    }
}

// The check, whose last tier has the bound that the others left out.

/// What can be an argument; nothing implements it but by the tiers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a remote function",
    label = "derive `serde::Serialize` and `serde::Deserialize` for it, or take something that has them",
    note = "if the type is of another crate, take its parts; if the value stays in the server, take a `remotex::Remote<T>`"
)]
pub trait Argument {}

macro_rules! checks {
    ($($(#[$doc:meta])* $tier:ident for $ty:ty, [$($generics:tt)*];)*) => {$(
        $(#[$doc])*
        pub trait $tier<'m> {
            #[doc(hidden)]
            fn __remotex_check(&self) {}
        }
        impl<'m, $($generics)*> $tier<'m> for $ty {}
    )*};
}

checks! {
    /// Tier 1 of the check.
    CheckBytes for &&&Tag<T>, [T: Bytes<'m>];
    /// Tier 1 of the check, what may be missing.
    CheckBytesOption for &&&Tag<Option<T>>, [T: Bytes<'m>];
    /// Tier 2 of the check.
    CheckValue for &&Tag<T>, [T: Serialize + Deserialize<'m>];
    /// Tier 3 of the check.
    CheckRef for &Tag<&T>, [T: Serialize + Deserialize<'m>];
    /// Tier 3 of the check, for slices.
    CheckSlice for &Tag<&[T]>, [T: Serialize + Deserialize<'m>];
    /// Tier 3 of the check, for what may be missing.
    CheckOption for &Tag<Option<&T>>, [T: Serialize + Deserialize<'m>];
    /// Tier 3 of the check, for slices that may be missing.
    CheckSliceOption for &Tag<Option<&[T]>>, [T: Serialize + Deserialize<'m>];
}

/// The last tier of the check. The bound is the method's, so that the lookup ends here and the
/// error is about the bound, in our words.
pub trait CheckNothing<T> {
    #[doc(hidden)]
    fn __remotex_check(&self)
    where
        T: Argument,
    {
    }
}

impl<T> CheckNothing<T> for Tag<T> {}
