//! What was written down, as a fingerprint.

use super::record::{Definition, Identity, State, Tag, Token, range};
use super::tracer::Tracer;

impl Tracer {
    pub(super) fn fingerprint(&self) -> u128 {
        let digests = self.digests();
        let mut hash = Hash::new();
        for token in &self.record {
            hash.token(token, &digests);
        }
        // Two sets of definitions that look alike as far as the digests see are the same if both
        // have the same digests, and these tell all that they have apart.
        for digest in distinct(&digests) {
            hash.write(&digest.to_le_bytes());
        }
        hash.0
    }

    /// A digest of each definition. Each round sees one reference further than the one before,
    /// until that tells no more of them apart.
    pub(super) fn digests(&self) -> Vec<u128> {
        let mut digests = vec![0; self.definitions.len()];
        let mut apart = distinct(&digests).len();
        loop {
            let further = |d| self.digest(d, &digests);
            digests = self.definitions.iter().map(further).collect();
            let now = distinct(&digests).len();
            if now == apart {
                return digests;
            }
            apart = now;
        }
    }

    pub(super) fn digest(&self, definition: &Definition, digests: &[u128]) -> u128 {
        let Identity {
            tag,
            name,
            variants,
            ..
        } = definition.identity;
        let mut hash = Hash::new();
        hash.write(&[tag as u8]);
        hash.name(name);
        for (at, variant) in range(definition).zip(variants) {
            hash.name(variant);
            if self.alternatives[at].state == State::Absent {
                hash.write(&[Tag::Absent as u8]);
            }
            for token in self.content(at) {
                hash.token(token, digests);
            }
            hash.write(&[Tag::End as u8]);
        }
        hash.0
    }
}

/// Each digest once, in order; so few that sorting them well would only be more code.
fn distinct(digests: &[u128]) -> Vec<u128> {
    let mut once = Vec::new();
    for digest in digests {
        if let Err(at) = once.binary_search(digest) {
            once.insert(at, *digest);
        }
    }
    once
}

/// The hash FNV-1a of 128 bits (RFC 9923). It is no secret which shapes collide, and nobody gains
/// by it: who sends a fingerprint may as well send wrong bytes.
pub(super) struct Hash(pub(super) u128);

impl Hash {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    const OFFSET: u128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D;

    pub(super) fn new() -> Self {
        Self(Self::OFFSET)
    }

    pub(super) fn of(bytes: &[u8]) -> u128 {
        let mut hash = Self::new();
        hash.write(bytes);
        hash.0
    }

    #[inline(never)] // Multiplying 128 bits takes many instructions.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    /// Small numbers, which almost all are, in one byte.
    pub(super) fn count(&mut self, count: usize) {
        match u8::try_from(count) {
            Ok(small) if small < u8::MAX => self.write(&[small]),
            _ => {
                self.write(&[u8::MAX]);
                self.write(&(count as u64).to_le_bytes());
            }
        }
    }

    pub(super) fn name(&mut self, name: &str) {
        self.count(name.len());
        self.write(name.as_bytes());
    }

    pub(super) fn token(&mut self, token: &Token, digests: &[u128]) {
        match *token {
            Token::Is(tag) => self.write(&[tag as u8]),
            Token::Count(count) => self.count(count),
            Token::Name(name) => self.name(name),
            Token::Names(names) => {
                self.count(names.len());
                for name in names {
                    self.name(name);
                }
            }
            Token::Word(digest) => {
                self.write(&[Tag::Word as u8]);
                self.write(&digest);
            }
            Token::Definition(at) => {
                self.write(&[Tag::Definition as u8]);
                self.write(&digests[at].to_le_bytes());
            }
        }
    }
}
