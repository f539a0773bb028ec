//! Where an object is, and how a reference to it travels.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::cell::{Cell, Reading, Who, Writing};
use super::{Object, Remote};
use crate::call::Whereabouts;
use crate::error::Error;
use crate::session::scope::{self, Scope};
use crate::session::{Far, Holdings};
use crate::wire::hello::for_key;
use crate::wire::reference::Reference;

/// Where an object is: what the code of the macro calls methods by.
pub struct Handle<T: Object + ?Sized>(Place<T>);

enum Place<T: Object + ?Sized> {
    Here(Arc<Cell<T::Kept>>),
    There(Arc<Far>),
    /// While only the shape of a type is looked at.
    Nowhere(Reference),
}

impl<T: Object + ?Sized> Handle<T> {
    pub(super) fn here(cell: Arc<Cell<T::Kept>>) -> Self {
        Self(Place::Here(cell))
    }

    /// The object, if it is here.
    pub(super) fn cell(&self) -> Option<&Arc<Cell<T::Kept>>> {
        match &self.0 {
            Place::Here(cell) => Some(cell),
            Place::There(_) | Place::Nowhere(_) => None,
        }
    }

    /// Locks the object for the method of that name, which does not change it.
    ///
    /// # Errors
    /// If it is not here, or this thread would wait for itself.
    pub fn read(&self, method: &'static str) -> Result<Reading<'_, T::Kept>, Error> {
        self.found(method)?.read(Who::of::<T>(method))
    }

    /// Locks the object for the method of that name, which may change it.
    ///
    /// # Errors
    /// If it is not here, or this thread would wait for itself.
    pub fn write(&self, method: &'static str) -> Result<Writing<'_, T::Kept>, Error> {
        self.found(method)?.write(Who::of::<T>(method))
    }

    fn found(&self, method: &str) -> Result<&Cell<T::Kept>, Error> {
        let elsewhere = || {
            let at = match &self.0 {
                Place::There(far) => format!("server `{}`", far.holdings().server),
                _ => "no server".into(),
            };
            Error::failed(format!(
                "`{method}` is for the process that has the `{}`, which is in {at}; call its remote methods",
                T::NAME
            ))
        };
        self.cell().map(|cell| &**cell).ok_or_else(elsewhere)
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Here(a), Place::Here(b)) => a.number() == b.number(),
            (Place::There(a), Place::There(b)) => a.object() == b.object(),
            (Place::Nowhere(a), Place::Nowhere(b)) => (a.home, a.object) == (b.home, b.object),
            _ => false,
        }
    }

    /// What two references to one object have in common.
    pub(super) fn object(&self) -> (u64, u64) {
        match &self.0 {
            Place::Here(cell) => (0, cell.number()),
            Place::There(far) => far.object(),
            Place::Nowhere(reference) => (reference.home, reference.object),
        }
    }

    /// The reference by which the other side knows it, or why it cannot.
    fn reference(&self) -> Result<Reference, String> {
        match (scope::current(), &self.0) {
            (Scope::Client { holdings, .. }, Place::There(far)) => {
                if std::ptr::eq(holdings, far.holdings()) {
                    let refers = true;
                    scope::set(Scope::Client { holdings, refers });
                    return Ok(*far.reference());
                }
                let Holdings { server, key, .. } = far.holdings();
                let which = for_key(key);
                Err(format!(
                    "stays in server `{server}`{which}, and cannot go to another one"
                ))
            }
            (Scope::Client { holdings, .. }, Place::Here(_)) => Err(format!(
                "was made in this process; make it in a remote function of server `{}`",
                holdings.server
            )),
            (Scope::Server, Place::Here(cell)) => {
                let server = T::server();
                if scope::server() != Some(server.name()) {
                    return Err(format!(
                        "is one to server `{}`, whose methods it has; return it from a function of that server",
                        server.name()
                    ));
                }
                scope::export(Box::new(cell.clone()), T::NAME, cell.number())
            }
            (Scope::Server, Place::There(far)) => Err(format!(
                "stays in server `{}`, and only that one can give it away",
                far.holdings().server
            )),
            (Scope::Tracing | Scope::Converting, Place::Nowhere(reference)) => Ok(*reference),
            _ => Err(
                "it can only be sent in the arguments or the answer of a remote function".into(),
            ),
        }
    }

    /// What a reference that has come is one to, or why it is to nothing.
    fn of(reference: Reference) -> Result<Self, String> {
        Ok(Self(match scope::current() {
            Scope::Client { holdings, .. } => Place::There(Arc::new(Far::new(reference, holdings))),
            Scope::Server => Place::Here(scope::find(&reference, T::NAME)?),
            Scope::Tracing | Scope::Converting => Place::Nowhere(reference),
            Scope::Outside => {
                return Err(
                    "a reference can only come in the arguments or the answer of a remote function"
                        .into(),
                );
            }
        }))
    }
}

impl<T: Object + ?Sized> Whereabouts for Handle<T> {
    fn far(&self) -> Option<&Far> {
        match &self.0 {
            Place::There(far) => Some(far),
            Place::Here(_) | Place::Nowhere(_) => None,
        }
    }
}

impl<T: Object + ?Sized> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Place::Here(cell) => Place::Here(cell.clone()),
            Place::There(far) => Place::There(far.clone()),
            Place::Nowhere(reference) => Place::Nowhere(*reference),
        })
    }
}

impl<T: Object + ?Sized> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = T::REFERENCE;
        match &self.0 {
            Place::Here(cell) => write!(f, "{reference}({}, here)", cell.number()),
            Place::There(far) => {
                let (_, number) = far.object();
                write!(
                    f,
                    "{reference}({number}, in server `{}`)",
                    far.holdings().server
                )
            }
            Place::Nowhere(_) => write!(f, "{reference}(nowhere)"),
        }
    }
}

impl<T: Object + ?Sized> Serialize for Handle<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = |why| ser::Error::custom(format_args!("this `{}` {why}", T::REFERENCE));
        let reference = self.reference().map_err(words)?;
        serializer.serialize_newtype_struct(T::REFERENCE, &reference)
    }
}

impl<'de, T: Object + ?Sized> Deserialize<'de> for Handle<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T: ?Sized>(PhantomData<fn() -> Box<T>>);
        impl<'de, T: Object + ?Sized> de::Visitor<'de> for Visitor<T> {
            type Value = Handle<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a `{}`", T::REFERENCE)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Handle<T>, D::Error> {
                Handle::of(Reference::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_newtype_struct(T::REFERENCE, Visitor(PhantomData))
    }
}

impl<T: Object + ?Sized> Serialize for Remote<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.handle().serialize(serializer)
    }
}

impl<'de, T: Object + ?Sized> Deserialize<'de> for Remote<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Handle::deserialize(deserializer).map(Self::with_handle)
    }
}
