//! What one client holds of a server, on both sides of the connections between them.
//!
//! A client process is one session of a server, however many connections it has: it draws a token,
//! and says it in each hello. The server keeps for each session the objects that it has sent
//! references to ([`Session`]), until the client says that it has let go of them, or has gone. The
//! client notes which of its references were dropped ([`Holdings`]), and says so before its next call.
//!
//! References are made and found while values are encoded and decoded, deep inside serde, which has
//! no room for anything of ours: so each thread knows for whom it does that ([`scope`]).

mod far;
mod held;
pub(crate) mod scope;
mod table;

use std::sync::OnceLock;
use std::{io, process};

use parking_lot::Mutex;

pub(crate) use far::Far;
pub(crate) use far::{Holdings, put_dropped};
pub(crate) use held::{LONGEST_TEXT, Session};
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

/// The session of this process with any server. A child of fork(2) has one of its own, since what its
/// parent holds may be let go of at any time.
pub(crate) fn token() -> Option<Token> {
    static DRAWN: OnceLock<Option<Token>> = OnceLock::new();
    let mut token = (*DRAWN.get_or_init(|| random().ok()))?;
    for (byte, own) in token.iter_mut().zip(process::id().to_le_bytes()) {
        *byte ^= own;
    }
    Some(token)
}

/// Which call of this process' session the next one is. A child of fork(2) begins elsewhere: another one may
/// have had its process number, and so its session, not long ago.
pub(crate) fn number() -> u64 {
    static NEXT: Mutex<(u32, u64)> = Mutex::new((0, 0));
    let (us, mut next) = (process::id(), NEXT.lock());
    if next.0 != us {
        // Without luck it goes on where its parent was.
        let begin = random().map_or(next.1, u64::from_le_bytes);
        *next = (us, begin);
    }
    next.1 = next.1.wrapping_add(1);
    next.1
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
