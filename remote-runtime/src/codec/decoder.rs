//! Bytes into values.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeSeed;

use super::guard::{Guard, GuardedSeed};
use super::{Form, Number, TOO_SHORT, Undecoded, cbor, compiled};

/// Of how many arguments a decoder knows the sizes.
const MARKS: usize = 8;

/// Takes values off a message, lending what it can.
#[derive(Debug)]
pub struct Decoder<'m> {
    form: Form,
    rest: &'m [u8],
    guard: Guard,
    /// How much was left before each argument, as far as there is room for that.
    before: [u32; MARKS],
    marks: usize,
}

impl<'m> Decoder<'m> {
    /// The values in `message`.
    #[must_use]
    pub fn new(message: &'m [u8]) -> Self {
        Self {
            form: Form::Compiled,
            rest: message,
            guard: Guard::new(message.len()),
            before: [0; MARKS],
            marks: 0,
        }
    }

    /// The same, in another form.
    #[must_use]
    #[inline]
    pub fn in_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// The next argument begins here.
    pub(crate) fn mark(&mut self) {
        if let Some(before) = self.before.get_mut(self.marks) {
            // No message has 4 GiB.
            *before = self.rest.len() as u32;
        }
        self.marks += 1;
    }

    /// How many bytes each argument has taken.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        let before = &self.before[..self.marks.min(MARKS)];
        let left = self.rest.len() as u32;
        // Where the last one ends that was marked is not known if there are more.
        let end = (self.marks <= MARKS).then_some(&left);
        let after = before.iter().skip(1).chain(end);
        let sizes = before
            .iter()
            .zip(after)
            .map(|(before, after)| before - after);
        sizes.map(u64::from).collect()
    }

    /// Takes the next value.
    ///
    /// # Errors
    /// If the bytes are not one.
    pub fn take<T: Deserialize<'m>>(&mut self) -> Result<T, Undecoded> {
        self.take_with(PhantomData::<T>)
    }

    /// Takes the next value as `seed` reads it.
    ///
    /// # Errors
    /// If the bytes are not one.
    pub(crate) fn take_with<S: DeserializeSeed<'m>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Undecoded> {
        if self.form == Form::Plain {
            let (value, rest) = cbor::read_with(seed, self.rest)?;
            self.rest = rest;
            return Ok(value);
        }
        let seed = GuardedSeed::new(seed, &self.guard);
        match compiled::read(seed, self.rest) {
            Ok((value, taken)) => {
                self.rest = &self.rest[taken..];
                Ok(value)
            }
            Err(_) if self.guard.saw_any() => Err(Undecoded::NotSelfDescribing),
            Err(why) => Err(Undecoded::Wrong(why)),
        }
    }

    /// Takes a block.
    ///
    /// # Errors
    /// If it is not all there.
    pub fn take_block(&mut self) -> Result<Vec<u8>, Undecoded> {
        self.take().map(<[u8]>::to_vec)
    }

    /// Takes numbers.
    ///
    /// # Errors
    /// If there are not as many as there should be.
    pub fn take_numbers<N: Number>(&mut self) -> Result<Vec<N>, Undecoded> {
        if self.form == Form::Plain {
            return self.take();
        }
        let count: usize = self.take()?;
        let taken = count
            .checked_mul(N::SIZE)
            .and_then(|size| self.rest.split_at_checked(size));
        let (bytes, rest) = taken.ok_or_else(|| Undecoded::Wrong(TOO_SHORT.into()))?;
        self.rest = rest;
        Ok(N::read(bytes))
    }

    /// Ends the message.
    ///
    /// # Errors
    /// If there is something left, which shows that the two sides mean different types.
    pub fn finish(&self) -> Result<(), Undecoded> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(left_over(n)),
        }
    }
}

/// Checks a block that came apart from its encoded length.
///
/// # Errors
/// If it is not as long as that says.
pub fn check_block(length: [u8; 8], block: &[u8]) -> Result<(), Undecoded> {
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    match block.len().checked_sub(length) {
        Some(0) => Ok(()),
        Some(more) => Err(left_over(more)),
        None => Err(Undecoded::Wrong(TOO_SHORT.into())),
    }
}

fn left_over(bytes: usize) -> Undecoded {
    Undecoded::Wrong(format!("{bytes} bytes are left over"))
}
