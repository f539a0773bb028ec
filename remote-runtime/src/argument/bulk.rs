//! What travels as a whole, instead of element by element: bytes as one block, and numbers in a row.
//!
//! Bytes that the system gave us may be in the form of text or of a sequence of bytes, which is the
//! same on the wire.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Encoder, NOT_TEXT, Number, Unencoded};
use crate::function::TypeVisitor;

/// What a value is made into so that it can be sent.
pub trait Outbound<'v> {
    #[doc(hidden)]
    fn put(self, encoder: &mut Encoder<'_, 'v>) -> Result<(), Unencoded>;
}

impl<'v, T: Serialize + ?Sized> Outbound<'v> for &'v T {
    fn put(self, encoder: &mut Encoder<'_, 'v>) -> Result<(), Unencoded> {
        encoder.put(self)
    }
}

/// Bytes that travel as one block.
#[derive(Clone, Copy)]
pub struct Block<'v>(&'v [u8]);

impl<'v> Block<'v> {
    pub(crate) fn bytes(self) -> &'v [u8] {
        self.0
    }
}

impl<'v> Outbound<'v> for Block<'v> {
    fn put(self, encoder: &mut Encoder<'_, 'v>) -> Result<(), Unencoded> {
        encoder.put_block(self.0)
    }
}

impl<'v> Outbound<'v> for Option<Block<'v>> {
    fn put(self, encoder: &mut Encoder<'_, 'v>) -> Result<(), Unencoded> {
        encoder.put(&self)
    }
}

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'v, 'v> Deserialize<'de> for Block<'v> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Block)
    }
}

/// Types that are made of such bytes.
pub trait Bytes<'m>: Sized {
    /// Says whether the bytes are shown as a text, in JSON and the like.
    #[doc(hidden)]
    const IS_TEXT: bool;
    #[doc(hidden)]
    fn block(&self) -> Block<'_>;
    #[doc(hidden)]
    fn of(bytes: &'m [u8]) -> Self;
}

macro_rules! bytes {
    ($($ty:ty: $is_text:literal, |$value:ident| $block:expr, |$bytes:ident| $of:expr;)*) => {$(
        impl<'m> Bytes<'m> for $ty {
            const IS_TEXT: bool = $is_text;
            fn block(&self) -> Block<'_> {
                let $value = self;
                Block($block)
            }
            fn of($bytes: &'m [u8]) -> Self {
                $of
            }
        }
    )*};
}

bytes! {
    &'m [u8]: false, |v| v, |b| b;
    Vec<u8>: false, |v| v, |b| b.to_vec();
    &'m Path: true, |v| v.as_os_str().as_bytes(), |b| Path::new(OsStr::from_bytes(b));
    PathBuf: true, |v| v.as_os_str().as_bytes(), |b| OsString::from_vec(b.to_vec()).into();
    &'m OsStr: true, |v| v.as_bytes(), |b| OsStr::from_bytes(b);
    OsString: true, |v| v.as_bytes(), |b| OsString::from_vec(b.to_vec());
}

/// Types that are nothing but bytes of their own, and become and come of them without a copy.
pub trait Owned: Sized {
    #[doc(hidden)]
    const IS_TEXT: bool;
    #[doc(hidden)]
    fn into_bytes(self) -> Vec<u8>;
    #[doc(hidden)]
    fn of_bytes(bytes: Vec<u8>) -> Result<Self, &'static str>;
    #[doc(hidden)]
    fn visit(visitor: &mut TypeVisitor<'_>) {
        visitor.block(Self::IS_TEXT);
    }
}

macro_rules! owned {
    ($($ty:ty: $is_text:literal, $into:expr, $of:expr;)*) => {$(
        impl Owned for $ty {
            const IS_TEXT: bool = $is_text;
            fn into_bytes(self) -> Vec<u8> {
                $into(self)
            }
            fn of_bytes(bytes: Vec<u8>) -> Result<Self, &'static str> {
                Ok($of(bytes))
            }
        }
    )*};
}

owned! {
    Vec<u8>: false, |v| v, |b| b;
    PathBuf: true, |v: PathBuf| v.into_os_string().into_vec(), |b| OsString::from_vec(b).into();
    OsString: true, OsString::into_vec, OsString::from_vec;
}

impl Owned for String {
    const IS_TEXT: bool = true;

    fn into_bytes(self) -> Vec<u8> {
        Self::into_bytes(self)
    }
    fn of_bytes(bytes: Vec<u8>) -> Result<Self, &'static str> {
        Self::from_utf8(bytes).map_err(|_| NOT_TEXT)
    }
    fn visit(visitor: &mut TypeVisitor<'_>) {
        visitor.value::<Self>();
    }
}

/// Numbers that travel in a row.
pub struct Numbers<'v, N>(pub(crate) &'v [N]);

impl<'v, N: Number> Outbound<'v> for Numbers<'v, N> {
    fn put(self, encoder: &mut Encoder<'_, 'v>) -> Result<(), Unencoded> {
        encoder.put_numbers(self.0)
    }
}
