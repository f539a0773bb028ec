//! Slices of numbers, as a whole instead of one by one: the bytes are the same.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A number that has the same bytes on the wire as in the memory of most machines.
pub trait Number: Copy + Serialize + DeserializeOwned {
    /// How many bytes one takes.
    const SIZE: usize;

    /// Appends them to `out`.
    fn append(numbers: &[Self], out: &mut Vec<u8>);

    /// Those in `bytes`; what is too little for one is left out.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! numbers {
    ($($ty:ty)*) => {$(
        impl Number for $ty {
            const SIZE: usize = size_of::<$ty>();

            fn append(numbers: &[Self], out: &mut Vec<u8>) {
                let at = out.len();
                out.resize(at + size_of_val(numbers), 0);
                let (chunks, _) = out[at..].as_chunks_mut();
                for (chunk, number) in chunks.iter_mut().zip(numbers) {
                    *chunk = number.to_le_bytes();
                }
            }

            fn read(bytes: &[u8]) -> Vec<Self> {
                let (chunks, _) = bytes.as_chunks();
                chunks.iter().map(|&chunk| <$ty>::from_le_bytes(chunk)).collect()
            }
        }
    )*};
}

numbers! { i8 u16 i16 u32 i32 u64 i64 u128 i128 f32 f64 }
