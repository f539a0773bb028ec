//! What a user's crate may forbid: remote functions must compile in it without a word.
#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    unused,
    unreachable_pub,
    unused_qualifications,
    rust_2018_idioms
)]
#![deny(clippy::all, clippy::pedantic, clippy::missing_docs_in_private_items)]

use std::borrow::Cow;
use std::path::Path;

use remotex::{Result, Server, remote};

/// A server.
pub static SERVER: Server = Server::new("lints").autostart();

/// A function without arguments.
///
/// # Errors
/// If the call fails on its way.
#[remote(SERVER)]
pub fn nothing() -> Result<()> {
    Ok(())
}

/// A function with every kind of pattern.
///
/// # Errors
/// If the call fails on its way.
#[remote(SERVER)]
pub fn patterns(
    item: &str,
    mut n: u32,
    (a, b): (u32, u32),
    _: u8,
    _unused: &[u8],
    path: Option<&Path>,
) -> Result<u32> {
    /// An item that comes first, as the lints want it.
    const ONE: u32 = 1;
    n += ONE;
    Ok(n + a
        + b
        + u32::try_from(item.len() + path.map_or(0, |path| path.as_os_str().len())).unwrap_or(0))
}

/// A function with named lifetimes.
///
/// # Errors
/// If the call fails on its way.
#[remote(SERVER)]
pub fn lifetimes<'a>(a: &'a str, b: Option<&'a Cow<'a, str>>) -> Result<String> {
    Ok(a.to_owned() + b.map_or("", Cow::as_ref))
}

/// An old function.
///
/// # Errors
/// If the call fails on its way.
#[deprecated(note = "there is a newer one")]
#[remote(SERVER, name = "old-name")]
pub fn old() -> Result<()> {
    Ok(())
}

/// A function that is not there.
///
/// # Errors
/// If the call fails on its way.
#[remote(SERVER)]
#[cfg(any())]
pub fn absent(of: NoSuchType) -> Result<()> {
    Ok(())
}

/// A private function, in a module, with its server elsewhere.
mod inner {
    use remotex::remote;

    /// Functions in a block.
    #[derive(Debug)]
    pub struct Block;

    #[remote(super::SERVER)]
    impl Block {
        /// A function.
        ///
        /// # Errors
        /// If the call fails on its way.
        pub fn function(of: &[String]) -> std::io::Result<usize> {
            Ok(of.len())
        }

        /// Left alone.
        #[remote(skip)]
        #[must_use]
        pub fn left(&self) -> u32 {
            1
        }
    }
}

pub use inner::Block;

/// An object, in a module of its own.
mod objects {
    use remotex::{Mutex, Remote, Result, Variable, remote};

    /// A type of its signatures.
    #[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
    pub struct Point(f64);

    /// An object.
    #[derive(Debug)]
    pub struct Track(Vec<f64>);

    #[remote(super::SERVER)]
    impl Track {
        /// Makes one.
        ///
        /// # Errors
        /// If the call fails on its way.
        pub fn make() -> Result<Remote<Self>> {
            Ok(Remote::new(Self(Vec::new())))
        }

        /// What is said of it stays said.
        ///
        /// # Errors
        /// If the call fails on its way.
        #[allow(clippy::missing_inline_in_public_items)]
        pub fn nearest(&self, (a, _): (f64, f64), _b: Option<&str>) -> Result<Point> {
            Ok(Point(self.0.first().copied().unwrap_or(a)))
        }

        /// One that is not there.
        ///
        /// # Errors
        /// If the call fails on its way.
        #[cfg(any())]
        pub fn absent(&self, of: NoSuchType) -> Result<()> {
            Ok(())
        }

        /// One that changes it.
        ///
        /// # Errors
        /// If the call fails on its way.
        pub fn append(&mut self, point: Point) -> Result<usize> {
            self.0.push(point.0);
            Ok(self.0.len())
        }
    }

    /// A trait.
    #[remote(super::SERVER)]
    pub trait Store {
        /// How many there are.
        ///
        /// # Errors
        /// If the call fails on its way.
        fn count(&self) -> Result<usize>;

        /// One more.
        ///
        /// # Errors
        /// If the call fails on its way.
        fn add(&mut self, word: &str) -> Result<usize>;

        /// Not for callers.
        #[remote(skip)]
        fn name() -> &'static str
        where
            Self: Sized;
    }

    #[remote(super::SERVER)]
    static GUARDED: Mutex<u32> = Mutex::new(0);

    /// What clients see.
    #[remote(super::SERVER)]
    pub static MOTD: Variable<String> = Variable::new(|| "hello".into());

    /// Uses them.
    ///
    /// # Errors
    /// If a call fails.
    pub fn use_them(store: &Remote<dyn Store>) -> Result<usize> {
        let track = Track::make()?;
        let point = track.nearest((1.0, 2.0), None)?;
        *GUARDED.lock() += 1;
        MOTD.set(MOTD.get()? + "!")?;
        store.add("word")?;
        Ok(track.append(point)? + store.count()?)
    }
}

pub use objects::{MOTD, Point, Store, Track, use_them};
