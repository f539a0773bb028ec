//! Tagged fields, the form of every message that must stay readable for ever.

use super::Malformed;

/// Appends a field.
///
/// A value of 4 GiB or more cannot be written; callers cut texts long before that.
#[inline(never)] // A message has many fields, and there is no haste.
pub fn put(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    out.push(tag);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&value[..length as usize]);
}

/// The fields of a body, in their order.
pub fn read(body: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), Malformed>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = split(rest);
        rest = match field {
            Some((_, _, after)) => after,
            None => &[],
        };
        Some(
            field
                .map(|(tag, value, _)| (tag, value))
                .ok_or(Malformed("a field is cut off")),
        )
    })
}

fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, a, b, c, d], after) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    let (value, after) = after.split_at_checked(length)?;
    Some((tag, value, after))
}

/// A field that is a number of up to eight little-endian bytes.
#[inline(never)]
pub(crate) fn number(value: &[u8]) -> Result<u64, Malformed> {
    let mut bytes = [0; 8];
    bytes
        .get_mut(..value.len())
        .ok_or(Malformed("a number has more than eight bytes"))?
        .copy_from_slice(value);
    Ok(u64::from_le_bytes(bytes))
}

/// A field that is text for people: what is not UTF-8 in it is replaced.
#[inline(never)]
pub(crate) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
