//! Numbers, in the forms in which they come.

use serde::de::Visitor;

use super::Read;

/// A number that was read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Unsigned(u128),
    Signed(i128),
    Single(f32),
    Float(f64),
}

impl Number {
    /// The integer in a text, or the float that JSON has no number for.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "NaN" => Some(Self::Float(f64::NAN)),
            "inf" => Some(Self::Float(f64::INFINITY)),
            "-inf" => Some(Self::Float(f64::NEG_INFINITY)),
            _ => text
                .parse()
                .map(Self::Unsigned)
                .or_else(|_| text.parse().map(Self::Signed))
                .ok(),
        }
    }

    /// The same, as an integer if it is one.
    pub(super) fn whole(self) -> Self {
        // Larger ones have lost digits on their way.
        const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        let float = match self {
            Self::Single(float) => float.into(),
            Self::Float(float) => float,
            whole => return whole,
        };
        if float.fract() == 0.0 && float.abs() <= EXACT {
            return Self::Signed(float as i128);
        }
        self
    }

    pub(super) fn signed(self) -> Option<i128> {
        match self {
            Self::Unsigned(number) => i128::try_from(number).ok(),
            Self::Signed(number) => Some(number),
            Self::Single(_) | Self::Float(_) => None,
        }
    }

    pub(super) fn unsigned(self) -> Option<u128> {
        match self {
            Self::Unsigned(number) => Some(number),
            Self::Signed(number) => u128::try_from(number).ok(),
            Self::Single(_) | Self::Float(_) => None,
        }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Self::Unsigned(number) => number as f64,
            Self::Signed(number) => number as f64,
            Self::Single(number) => number.into(),
            Self::Float(number) => number,
        }
    }

    pub(super) fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self {
            Self::Single(number) => visitor.visit_f32(number),
            Self::Float(number) => visitor.visit_f64(number),
            Self::Unsigned(number) => match u64::try_from(number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_u128(number),
            },
            Self::Signed(number) => match (u64::try_from(number), i64::try_from(number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_i128(number),
            },
        }
    }
}

/// A float of 16 bits.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 31, f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (fraction + 1024.0) * 2_f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 0 { size } else { -size }
}
