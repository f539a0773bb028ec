//! What one client holds of a server, on both sides of the connections between them.
//!
//! A client process is one session of a server, however many connections it has: it draws a token,
//! and says it in each hello. The server keeps for each session the objects that it has sent
//! references to ([`Session`]), until the client says that it has let go of them, or has gone. The
//! client notes which of its references were dropped ([`Holdings`]), and says so before its next call.
//!
//! References are made and found while values are encoded and decoded, deep inside serde, which has
//! no room for anything of ours: so each thread knows for whom it does that ([`scope`]).

mod failures;
mod far;
mod held;
pub(crate) mod scope;
mod table;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{io, process};

pub(crate) use failures::LONGEST_TEXT;
pub(crate) use far::Far;
pub(crate) use far::{Holdings, put_dropped};
pub(crate) use held::Session;
pub(crate) use table::{Joined, Sessions};

/// What a session is known by: who has it is in the session, so it is never shown.
pub(crate) type Token = [u8; 16];

/// Bytes that nobody can guess: a few, which the system gives whole.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    #[cfg(target_os = "linux")]
    rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty())?;
    #[cfg(not(target_os = "linux"))]
    getrandom::fill(&mut bytes).map_err(|e| io::Error::other(e.to_string()))?;
    Ok(bytes)
}

/// The session of this process with any server. A child of fork(2) has one of its own, since the
/// server may release what its parent holds at any time.
pub(crate) fn token() -> Option<Token> {
    static DRAWN: OnceLock<Option<Token>> = OnceLock::new();
    let mut token = (*DRAWN.get_or_init(|| random().ok()))?;
    for (byte, own) in token.iter_mut().zip(own()?.to_le_bytes()) {
        *byte ^= own;
    }
    Some(token)
}

/// Tells this process from its parent, and from children of the same process number before it:
/// its number, and below that, in a child of fork(2), something random.
fn own() -> Option<u64> {
    static OWN: AtomicU64 = AtomicU64::new(0);
    let us = u64::from(process::id()) << 32;
    let known = OWN.load(Ordering::Relaxed);
    if known & !0xffff_ffff == us {
        return Some(known);
    }
    let drawn = match known {
        0 => us,
        _ => us | u64::from(u32::from_le_bytes(random().ok()?)),
    };
    // Another thread of this process may have been faster.
    let set = OWN.compare_exchange(known, drawn, Ordering::Relaxed, Ordering::Relaxed);
    Some(set.err().unwrap_or(drawn))
}

/// The number of the next call in this process' session.
pub(crate) fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What this process is called in references to its objects.
fn home() -> io::Result<u64> {
    static DRAWN: OnceLock<u64> = OnceLock::new();
    if let Some(home) = DRAWN.get() {
        return Ok(*home);
    }
    let drawn = u64::from_le_bytes(random()?);
    Ok(*DRAWN.get_or_init(|| drawn))
}
