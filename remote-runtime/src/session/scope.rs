//! For whom this thread encodes and decodes: what a reference becomes depends on it.

use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;

use super::held::Object;
use super::{Holdings, Session};
use crate::thread;
use crate::wire::reference::{Id, Reference};

/// Where this thread is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// In no call: there is nobody to hold a reference.
    Outside,
    /// Only the shape of a type is looked at, and a reference is one to nothing.
    Tracing,
    /// Arguments of other callers are encoded as those of compiled ones are, and a reference stays what it is.
    Converting,
    /// In the server, in the arguments or the answer of a call that it serves.
    Server,
    /// At a client, in the arguments or the answer of a call to the server that these are of.
    Client {
        holdings: &'static Holdings,
        /// Set once a reference to one of that server's objects was encoded.
        refers: bool,
    },
}

/// The call that this thread serves.
#[derive(Debug)]
struct Serving {
    session: Arc<Session>,
    /// What was made for its answer, until the next call shows that this has arrived.
    made: Vec<Id>,
    /// Why a reference among its arguments was none.
    gone: Option<String>,
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Outside) };
    static SERVING: RefCell<Option<Serving>> = const { RefCell::new(None) };
    /// Whether something was made or found to be gone since the call began.
    static IS_NOTED: Cell<bool> = const { Cell::new(false) };
}

/// The scope before another one was entered, which is entered again when this is dropped.
#[derive(Debug)]
pub(crate) struct Entered(Scope);

impl Drop for Entered {
    fn drop(&mut self) {
        SCOPE.set(self.0);
    }
}

/// Enters a scope, for as long as what this returns lives.
pub(crate) fn enter(scope: Scope) -> Entered {
    Entered(SCOPE.replace(scope))
}

/// Enters a scope until another one is entered.
#[inline]
pub(crate) fn set(scope: Scope) {
    SCOPE.set(scope);
}

pub(crate) fn current() -> Scope {
    SCOPE.get()
}

/// Returns `true` if the arguments that this thread has encoded refer to objects of the server.
pub(crate) fn refers() -> bool {
    matches!(current(), Scope::Client { refers: true, .. })
}

/// This thread serves that session from here on, of which the last answer had the references `made`.
pub(crate) fn begin(session: Arc<Session>, made: Vec<Id>) {
    IS_NOTED.set(!made.is_empty());
    SERVING.set(Some(Serving {
        session,
        made,
        gone: None,
    }));
}

/// It does so no more. Returns the references in the last answer.
pub(crate) fn end() -> Vec<Id> {
    SERVING.take().map_or_else(Vec::new, |serving| serving.made)
}

const NOBODY: &str = "no client is served by this thread";

/// The server that is served.
pub(crate) fn server() -> Option<&'static str> {
    SERVING.with_borrow(|serving| serving.as_ref().map(|serving| serving.session.server))
}

/// Makes a reference to an object for the client that is served.
pub(crate) fn export(object: Object, what: &'static str, number: u64) -> Result<Reference, String> {
    SERVING.with_borrow_mut(|serving| {
        let serving = serving.as_mut().ok_or(NOBODY)?;
        let reference = serving.session.export(object, what, number)?;
        serving.made.push(reference.id);
        IS_NOTED.set(true);
        Ok(reference)
    })
}

/// The object that the client that is served holds by that reference.
pub(crate) fn find<T: Clone + 'static>(reference: &Reference, what: &str) -> Result<T, String> {
    SERVING.with_borrow_mut(|serving| {
        let serving = serving.as_mut().ok_or(NOBODY)?;
        let found = serving.session.find(reference, what);
        found.inspect_err(|why| {
            serving.gone = Some(why.clone());
            IS_NOTED.set(true);
        })
    })
}

/// Begins a call: its client has read the answer to the one before.
#[inline]
pub(crate) fn begin_call() {
    if IS_NOTED.replace(false) {
        forget_call();
    }
}

#[cold]
fn forget_call() {
    SERVING.with_borrow_mut(|serving| {
        if let Some(serving) = serving {
            serving.made.clear();
            serving.gone = None;
        }
    });
}

/// Whether the answer of this call has references.
pub(crate) fn has_made() -> bool {
    IS_NOTED.get()
        && SERVING.with_borrow(|serving| serving.as_ref().is_some_and(|it| !it.made.is_empty()))
}

/// Why a reference among the arguments of this call was none, if there was one.
pub(crate) fn take_gone() -> Option<String> {
    SERVING.with_borrow_mut(|serving| serving.as_mut()?.gone.take())
}

/// Lets go of what was made for an answer that nobody can read.
pub(crate) fn take_back() {
    if let Some((session, made)) = take_made() {
        session.release(made.into_iter());
    }
}

/// The same, on a thread that nobody waits for.
pub(crate) fn take_back_elsewhere() {
    if let Some((session, made)) = take_made() {
        // Without a thread they are held until the session ends.
        let release = move || session.release(made.into_iter());
        let _ = thread::start("remotex release", Box::new(release));
    }
}

fn take_made() -> Option<(Arc<Session>, Vec<Id>)> {
    SERVING.with_borrow_mut(|serving| {
        let serving = serving.as_mut()?;
        let made = mem::take(&mut serving.made);
        (!made.is_empty()).then(|| (serving.session.clone(), made))
    })
}
