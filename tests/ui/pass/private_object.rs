//! An object that nobody else knows, of a type in a function, with a private type in a signature, in a
//! program that hears no warnings.
#![deny(warnings, private_interfaces)]

use remotex::{Remote, Server, remote};

static SERVER: Server = Server::new("ui").at("local:");

#[derive(serde::Serialize, serde::Deserialize)]
struct Point(f64);

struct Track(Vec<f64>);

#[remote(SERVER)]
impl Track {
    pub fn load() -> remotex::Result<Remote<Self>> {
        Ok(Remote::new(Track(vec![1.0])))
    }

    /// Its arguments have the names that the macro might use.
    pub fn first(&self, object: u8, e: u8, out: u8, away: u8) -> remotex::Result<Point> {
        let _ = (object, e, out, away);
        Ok(Point(self.0[0]))
    }

    /// Arguments of its own, and what is said to the compiler.
    #[allow(non_snake_case, clippy::too_many_arguments)]
    #[cfg_attr(all(), must_use)]
    pub fn mutable(self: &Self, mut Count: u8, mut list: Vec<u8>) -> remotex::Result<u8> {
        Count += 1;
        list.push(Count);
        Ok(list.iter().sum())
    }

    #[deprecated]
    pub fn old(self: &mut Self) -> remotex::Result<()> {
        Ok(())
    }

    #[cfg_attr(all(), cfg(any()))]
    pub fn absent(&self) -> remotex::Result<()> {
        Ok(())
    }

    /// Nobody calls it here.
    pub fn unused(&mut self, (_, _b): (Self_, u8), _: &Remote<Self>) -> remotex::Result<()> {
        self.0.clear();
        Ok(())
    }
}

type Self_ = u8;

fn main() -> remotex::Result<()> {
    struct Inner(u32);

    #[remote(SERVER)]
    impl Inner {
        pub fn get(&self) -> remotex::Result<u32> {
            Ok(self.0)
        }
    }

    #[remote(SERVER)]
    trait Counter {
        fn count(&self) -> remotex::Result<u32>;
    }

    impl Counter for u32 {
        fn count(&self) -> remotex::Result<u32> {
            Ok(*self)
        }
    }

    #[remote(SERVER)]
    static COUNT: remotex::Variable<u32> = remotex::Variable::new(|| ACCESS);

    const ACCESS: u32 = 7;

    let inner: Remote<Inner> = Remote::new(Inner(COUNT.get()?));
    assert_eq!(inner.get()?, 7);
    let counter: Remote<dyn Counter> = Remote::new(8_u32);
    assert_eq!(counter.count()?, 8);
    assert_eq!(Track::load()?.mutable(1, vec![2])?, 4);
    assert!(Track::load()?.first(1, 2, 3, 4)?.0 == 1.0);
    Ok(())
}
