//! The servers that wait for a call: those whose functions have made it, one inside the other.
//!
//! A call that is made inside a remote function says so, because it must not wait for a thread that
//! waits for it. The outermost server comes first; names are separated by spaces.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::env;
use std::sync::OnceLock;

/// How long a chain may be, in bytes; a longer one loses its beginning.
pub(crate) const LONGEST: usize = 256;

/// The variable that tells a process that a server has started it.
pub(crate) const VARIABLE: &str = "_REMOTEX_CHAIN";

/// The server that this process serves, if it serves one.
static SERVED: OnceLock<&'static str> = OnceLock::new();

thread_local! {
    /// The servers that wait for the call that this thread runs.
    static INCOMING: RefCell<String> = const { RefCell::new(String::new()) };
    /// `true` if there are any, which is asked before each call.
    static HAS_INCOMING: Cell<bool> = const { Cell::new(false) };
}

/// Notes that this process serves the server of that name.
pub(crate) fn serve(name: &'static str) {
    SERVED.get_or_init(|| name);
}

/// Notes which servers wait for the call that this thread runs next.
#[inline]
pub(crate) fn enter(chain: Option<&str>) {
    if chain.is_some() || HAS_INCOMING.get() {
        enter_anew(chain.unwrap_or_default());
    }
}

#[cold]
fn enter_anew(chain: &str) {
    HAS_INCOMING.set(!chain.is_empty());
    INCOMING.with_borrow_mut(|incoming| {
        incoming.clear();
        incoming.push_str(chain);
    });
}

/// The servers that wait for a call that this thread makes; `None` if it is made by a client that
/// no server has started.
pub(crate) fn outgoing() -> Option<Cow<'static, str>> {
    match SERVED.get() {
        Some(served) => Some(INCOMING.with_borrow(|incoming| joined(incoming, served))),
        None => inherited().map(Cow::Borrowed),
    }
}

/// The chain that a server has handed to this process, perhaps through others.
fn inherited() -> Option<&'static str> {
    static INHERITED: OnceLock<Option<String>> = OnceLock::new();
    let inherited = INHERITED.get_or_init(|| {
        let chain = env::var(VARIABLE).ok();
        chain.filter(|chain| !chain.is_empty() && chain.len() <= LONGEST)
    });
    inherited.as_deref()
}

fn joined(incoming: &str, served: &'static str) -> Cow<'static, str> {
    if incoming.is_empty() {
        return Cow::Borrowed(served);
    }
    let mut chain = format!("{incoming} {served}");
    while chain.len() > LONGEST {
        let first = chain.find(' ').map_or(chain.len(), |space| space + 1);
        chain.drain(..first);
    }
    Cow::Owned(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_grows_at_its_end_and_loses_its_beginning() {
        assert_eq!(joined("", "a"), "a");
        assert_eq!(joined("a b", "a"), "a b a");
        let name: &'static str = "x".repeat(64).leak();
        let mut chain = String::from("first");
        for _ in 0..8 {
            chain = joined(&chain, name).into_owned();
            assert!(chain.len() <= LONGEST && chain.ends_with(name));
        }
        assert!(!chain.contains("first"));
    }
}
