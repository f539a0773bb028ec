//! `Variable<T>`: a static of the server that clients can get and set.

use std::sync::OnceLock;
use std::{fmt, mem};

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Call, Error, Result};
use crate::server::Server;

/// A value in the server that clients get and set as if it were theirs.
///
/// It is a `static` with the attribute, whose type is spelled `Variable`. With
/// `#[remote(SERVER, read_only)]` clients only get it, and the server changes it by
/// [`write`](Self::write). `T` is `Clone`, `Serialize` and
/// `Deserialize`, and, unless it is read-only, `PartialEq`. On the wire its functions are `MOTD::get`,
/// `MOTD::set` and `MOTD::replace`. Like all that statics hold, its value ends with the server.
pub struct Variable<T: 'static> {
    init: fn() -> T,
    value: OnceLock<RwLock<T>>,
    /// What the attribute adds.
    access: Option<&'static Access<T>>,
}

const NO_SERVER: &str =
    "a `Variable` belongs to a server: write `#[remote(SERVER)]` on its `static`";

/// Sets a variable, and sets it if it is what it was.
type Changes<T> = (fn(&T) -> Result<()>, fn(&T, &T) -> Result<bool>);

/// How a variable is got and set: by remote functions, which know where it is.
#[derive(Debug)]
pub struct Access<T> {
    /// Whose variable it is.
    pub server: &'static Server,
    /// Its name on the wire.
    pub name: &'static str,
    /// Gets it.
    pub get: fn() -> Result<T>,
    /// Changes it; `None` if clients may not.
    pub changes: Option<Changes<T>>,
}

impl<T> Variable<T> {
    /// A variable that has the value of `init` until it is set.
    #[must_use]
    pub const fn new(init: fn() -> T) -> Self {
        Self {
            init,
            value: OnceLock::new(),
            access: None,
        }
    }

    /// In the server: the value, which others may read too.
    ///
    /// # Panics
    /// Anywhere else, where there is no such value.
    #[track_caller]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.here().read()
    }

    /// In the server: the value, which nobody else reads or changes meanwhile.
    ///
    /// # Panics
    /// Anywhere else, where there is no such value.
    #[track_caller]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.here().write()
    }

    /// Its value.
    ///
    /// # Errors
    /// As of any call.
    pub fn get(&self) -> Result<T>
    where
        T: Clone,
    {
        (self.access()?.get)()
    }

    /// Sets it.
    ///
    /// # Errors
    /// As of any call; [`Error::Denied`] if it is read-only.
    pub fn set(&self, value: T) -> Result<()> {
        let (set, _) = self.access()?.changes()?;
        if self.away().is_some() {
            return set(&value);
        }
        self.store(value);
        Ok(())
    }

    /// Sets it to `new` if it is `old`, and says whether it was: nobody else's value is lost.
    ///
    /// # Errors
    /// As of [`set`](Self::set).
    pub fn replace(&self, old: &T, new: T) -> Result<bool>
    where
        T: PartialEq,
    {
        let (_, replace) = self.access()?.changes()?;
        if self.away().is_some() {
            return replace(old, &new);
        }
        Ok(self.exchange(old, new))
    }

    fn access(&self) -> Result<&'static Access<T>> {
        self.access.ok_or_else(|| Error::failed(NO_SERVER))
    }

    /// Sets it here. The end of the value before may be the user's code, which is under no lock.
    #[track_caller]
    fn store(&self, value: T) {
        let before = mem::replace(&mut *self.write(), value);
        drop(before);
    }

    #[track_caller]
    fn exchange(&self, old: &T, new: T) -> bool
    where
        T: PartialEq,
    {
        let mut value = self.write();
        let is_old = *value == *old;
        let other = if is_old {
            mem::replace(&mut *value, new)
        } else {
            new
        };
        drop(value);
        drop(other);
        is_old
    }

    /// How it is reached from here, if it is in another process.
    fn away(&self) -> Option<&'static Access<T>> {
        self.access.filter(|access| !access.server.runs_here())
    }

    #[track_caller]
    fn here(&self) -> &RwLock<T> {
        if let Some(Access { server, name, .. }) = self.away() {
            panic!(
                "`{name}` is a variable of server `{}`, which this process does not serve; use `get`, `set` or `replace` here",
                server.name()
            );
        }
        assert!(self.access.is_some(), "{NO_SERVER}");
        self.value.get_or_init(|| RwLock::new((self.init)()))
    }
}

impl<T> Access<T> {
    fn changes(&self) -> Result<Changes<T>> {
        let Self {
            server,
            name,
            changes,
            ..
        } = self;
        let denied = || {
            let call = Call::of(server.name(), name);
            Error::Denied(call.trouble(
                "it is read-only, and can be changed by remote functions only, with `write()`",
            ))
        };
        changes.ok_or_else(denied)
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.access.map(|access| access.name);
        f.debug_struct("Variable")
            .field("name", &name)
            .finish_non_exhaustive()
    }
}

// What the macro puts into the remote functions of a variable.

/// The variable, as the attribute knows it.
#[must_use]
pub const fn variable<T>(mut variable: Variable<T>, access: &'static Access<T>) -> Variable<T> {
    variable.access = Some(access);
    variable
}

/// The body of `get`.
///
/// # Errors
/// Never.
pub fn get<T: Clone>(variable: &Variable<T>) -> Result<T> {
    Ok(variable.read().clone())
}

/// The body of `set`.
///
/// # Errors
/// Never.
pub fn set<T: Clone>(variable: &Variable<T>, value: &T) -> Result<()> {
    variable.store(value.clone());
    Ok(())
}

/// The body of `replace`.
///
/// # Errors
/// Never.
pub fn replace<T: Clone + PartialEq>(variable: &Variable<T>, old: &T, new: &T) -> Result<bool> {
    Ok(variable.exchange(old, new.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    static SERVER: Server = Server::new("here").at("local:");

    static ACCESS: Access<Noisy> = Access {
        server: &SERVER,
        name: "LAST",
        get: || Err(Error::failed("it is no value to be copied")),
        changes: Some((|_| Ok(()), |_, _| Ok(false))),
    };

    static LAST: Variable<Noisy> = variable(Variable::new(|| Noisy(0)), &ACCESS);

    /// What looks at the variable when it ends.
    #[derive(PartialEq)]
    struct Noisy(u32);

    impl Drop for Noisy {
        fn drop(&mut self) {
            assert_ne!(LAST.read().0, self.0);
        }
    }

    #[test]
    fn the_value_before_ends_under_no_lock() {
        LAST.set(Noisy(1)).unwrap();
        assert!(!LAST.replace(&Noisy(7), Noisy(2)).unwrap());
        assert!(LAST.replace(&Noisy(1), Noisy(3)).unwrap());
        assert_eq!(LAST.read().0, 3);
    }

    #[test]
    fn one_without_a_server_says_what_is_missing() {
        static LONELY: Variable<u32> = Variable::new(|| 0);
        assert_eq!(LONELY.get().unwrap_err().to_string(), NO_SERVER);
        assert_eq!(LONELY.set(1).unwrap_err().to_string(), NO_SERVER);
    }
}
