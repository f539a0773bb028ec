//! `Remote<T>`: a reference to what stays in the server.

mod cell;
mod handle;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Weak};

use crate::error::Result;
use crate::server::Server;

pub use cell::{Cell, Reading, Writing};
pub use handle::Handle;

/// A type whose values can stay in a server: one with `#[remote(SERVER)] impl`, or the `dyn Trait` of a
/// `#[remote(SERVER)] trait`. Only that attribute implements it.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot stay in a server, since it has no remote methods",
    label = "write `#[remote(SERVER)] impl {Self}` with a `pub` method that takes `&self` or `&mut self`",
    note = "for a type of another crate, write a `#[remote(SERVER)] trait` that it implements, and `Remote<dyn Trait>`"
)]
pub trait Object: 'static {
    /// What is behind the lock: itself, or itself as a trait object that threads can share.
    #[doc(hidden)]
    type Kept: ?Sized + Send + Sync + 'static;
    /// What has its methods at a client.
    #[doc(hidden)]
    type Proxy: Proxy<Self>;
    /// Its name: `Track`.
    #[doc(hidden)]
    const NAME: &'static str;
    /// The name of a reference to it: `Remote<Track>`.
    #[doc(hidden)]
    const REFERENCE: &'static str;
    /// Whose methods they are.
    #[doc(hidden)]
    fn server() -> &'static Server;
}

/// What has the methods of an object, and calls them where it is.
pub trait Proxy<T: Object + ?Sized>: Sized {
    #[doc(hidden)]
    fn of(handle: Handle<T>) -> Self;
    #[doc(hidden)]
    fn handle(&self) -> &Handle<T>;
}

/// What can be kept as an object of type `Self`: a `T` as itself, and whatever implements `Trait` as a
/// `dyn Trait`.
#[diagnostic::on_unimplemented(
    message = "a `Remote<{Self}>` cannot be made of a `{V}`",
    label = "a `Remote<T>` is made of a `T`, and a `Remote<dyn Trait>` of what implements the trait"
)]
pub trait Keep<V>: Object {
    #[doc(hidden)]
    fn keep(value: V) -> Arc<Cell<Self::Kept>>;
}

#[diagnostic::do_not_recommend]
impl<T: Object<Kept = T>> Keep<T> for T {
    fn keep(value: T) -> Arc<Cell<T>> {
        Arc::new(Cell::new(value))
    }
}

/// A reference to a `T` that stays in its server.
///
/// `#[remote(SERVER)] impl Track` makes the `pub` methods of `Track` callable on a `&Remote<Track>`: in
/// the server, and in `local:`, directly, behind a lock that lets `&self` methods run side by side and
/// `&mut self` methods one at a time; at a client, as calls. It can be returned, taken as an argument
/// (the server's function gets one to the very object), be inside other values, and be kept in the
/// server's statics. Two are equal if they are to one object.
///
/// The object lives for as long as a client or a value of the server holds a reference to it. A client
/// lets go of what it drops with its next call, of the rest when its process ends. References that
/// objects of the server hold to each other in a circle keep each other alive, as with an `Arc`; hold
/// one of them as a [`WeakRemote`].
///
/// A thread that would wait for itself, since it is in a method of the same object, is told so. Two
/// threads that each hold one object and wait for the other's wait for ever, as with any locks: where a
/// method takes references to others, let all of them lock in one order.
///
/// An object that is gone, because its server has ended or has waited too long for a client that was
/// cut off, is [`Error::Gone`](crate::Error::Gone); a reference is never one to another object.
///
/// What a `&mut self` method has done before it panics stays done; the lock is not poisoned. A method has
/// no reference to its own object: who made that can keep one, in a static, or give it one.
///
/// It has no methods of its own, so that those of `T` can have any name.
pub struct Remote<T: Object + ?Sized>(T::Proxy);

impl<T: Object + ?Sized> Remote<T> {
    /// Keeps `value` in this process, which is to be the server's, and refers to it.
    ///
    /// Where nothing else says of what type the reference is, write it down, since a value can also be
    /// kept as a `dyn Trait`: `let track: Remote<Track> = Remote::new(track);`
    pub fn new<V>(value: V) -> Self
    where
        T: Keep<V>,
    {
        Self::with_handle(Handle::here(T::keep(value)))
    }

    /// Whether both refer to one object; `==` says the same.
    #[must_use]
    pub fn same(a: &Self, b: &Self) -> bool {
        a.handle().same(b.handle())
    }

    /// The object itself, in the process that has it: other readers are let in, writers wait.
    ///
    /// # Errors
    /// If it is in another process; or if this thread is in a `&mut self` method of it, for which it
    /// would wait for ever.
    pub fn read(this: &Self) -> Result<Reading<'_, T::Kept>> {
        this.handle().read("Remote::read")
    }

    /// The object itself, in the process that has it, for nobody else.
    ///
    /// # Errors
    /// If it is in another process; or if this thread is in a method of it, for which it would wait for
    /// ever.
    pub fn write(this: &Self) -> Result<Writing<'_, T::Kept>> {
        this.handle().write("Remote::write")
    }

    /// A reference that does not keep the object alive; `None` if it is in another process.
    #[must_use]
    pub fn downgrade(this: &Self) -> Option<WeakRemote<T>> {
        this.handle()
            .cell()
            .map(|cell| WeakRemote(Arc::downgrade(cell)))
    }

    fn with_handle(handle: Handle<T>) -> Self {
        Self(T::Proxy::of(handle))
    }

    fn handle(&self) -> &Handle<T> {
        self.0.handle()
    }
}

impl<T: Object + ?Sized> Deref for Remote<T> {
    type Target = T::Proxy;
    fn deref(&self) -> &T::Proxy {
        &self.0
    }
}

impl<T: Object + ?Sized> Clone for Remote<T> {
    fn clone(&self) -> Self {
        Self::with_handle(self.handle().clone())
    }
}

impl<T: Object + ?Sized> PartialEq for Remote<T> {
    fn eq(&self, other: &Self) -> bool {
        Self::same(self, other)
    }
}

impl<T: Object + ?Sized> Eq for Remote<T> {}

impl<T: Object + ?Sized> Hash for Remote<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.handle().object().hash(state);
    }
}

impl<T: Object + ?Sized> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle().fmt(f)
    }
}

/// A reference to an object of this process that does not keep it alive: see [`Remote::downgrade`].
pub struct WeakRemote<T: Object + ?Sized>(Weak<Cell<T::Kept>>);

impl<T: Object + ?Sized> WeakRemote<T> {
    /// The object, if something still holds it.
    #[must_use]
    pub fn upgrade(&self) -> Option<Remote<T>> {
        self.0
            .upgrade()
            .map(|cell| Remote::with_handle(Handle::here(cell)))
    }
}

impl<T: Object + ?Sized> Clone for WeakRemote<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Object + ?Sized> fmt::Debug for WeakRemote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weak{}", T::REFERENCE)
    }
}
