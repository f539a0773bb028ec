//! Remote functions where traits of the user's give every type methods with common names.

use std::path::{Path, PathBuf};

use remotex::{Remote, Result, Variable, remote};

use super::objects::HOLDING;

macro_rules! methods {
    ($($name:ident)*) => {
        /// Methods that borrow.
        #[expect(dead_code, reason = "they stand in the way of others")]
        pub trait Borrows {
            $(fn $name(&self) -> &Self {
                self
            })*
        }
        impl<T: ?Sized> Borrows for T {}
    };
}

methods! {
    answer ask away away_to call carry check check_answer finish handle hold lend ok put read refuse
    server shape shape_answer tell way write
}

/// Methods that take.
#[expect(dead_code, reason = "they stand in the way of others")]
pub trait Takes: Sized {
    /// Nobody wants this one.
    fn lend(self) -> Option<Self> {
        None
    }
    /// Nor this one.
    fn hold(self) -> Option<Self> {
        None
    }
    /// Nor this one.
    fn carry(self) -> Option<Self> {
        None
    }
    /// Nor this one.
    fn away(self) -> Option<Self> {
        None
    }
    /// Nor this one.
    fn read(self) -> Option<Self> {
        None
    }
}
impl<T> Takes for T {}

#[remote(HOLDING)]
static LEVEL: Variable<u32> = Variable::new(|| 1);

#[remote(HOLDING)]
fn every(
    text: &str,
    number: Option<u32>,
    bytes: &[u8],
    path: &Path,
    list: Vec<String>,
) -> Result<(String, u64, PathBuf)> {
    let sum = bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    let text = list.iter().fold(text.to_owned(), |text, more| text + more);
    Ok((text, sum + u64::from(number.unwrap_or(0)), path.to_owned()))
}

/// Something in the server.
pub struct Meter(u32);

#[remote(HOLDING)]
impl Meter {
    /// A new one.
    pub fn new() -> Result<Remote<Self>> {
        Ok(Remote::new(Self(0)))
    }

    /// Counts.
    pub fn add(&mut self, n: u32) -> Result<u32> {
        self.0 += n;
        Ok(self.0)
    }

    /// What it has counted.
    pub fn count(&self) -> Result<u32> {
        Ok(self.0)
    }
}

pub(crate) fn check() {
    let list = ["b", "c"].map(str::to_owned).to_vec();
    let said = every("a", Some(3), &[1, 2], Path::new("p"), list).unwrap();
    assert_eq!(said, ("abc".into(), 6, "p".into()));
    let meter = Meter::new().unwrap();
    assert_eq!(meter.add(2).unwrap(), 2);
    assert_eq!(meter.count().unwrap(), 2);
    LEVEL.set(7).unwrap();
    assert_eq!(LEVEL.get().unwrap(), 7);
}
