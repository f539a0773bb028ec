//! What stays in the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use remotex::{Error, Mutex, Remote, Result, Server, Variable, WeakRemote, remote};
use serde::{Deserialize, Serialize};

use super::servers::FOLDERS;
use super::strange::Bomb;

/// A server whose clients are waited for only for a moment, and may hold 1000 references.
pub static HOLDING: Server = Server::new("holding")
    .autostart()
    .grace(std::time::Duration::from_millis(1500))
    .max_references(1000);

/// How many boxes there are.
static BOXES: AtomicUsize = AtomicUsize::new(0);

/// Whatever the server holds itself.
#[remote(HOLDING)]
static SHELF: Mutex<Vec<Remote<Box>>> = Mutex::new(Vec::new());

/// A thing with something inside.
pub struct Box {
    inside: Vec<String>,
    others: Vec<Remote<Box>>,
    parent: Option<WeakRemote<Box>>,
}

impl Drop for Box {
    fn drop(&mut self) {
        BOXES.fetch_sub(1, Ordering::Relaxed);
        if let Some(file) = self
            .inside
            .first()
            .and_then(|thing| thing.strip_prefix("slow "))
        {
            std::fs::write(Path::new(file).with_extension("begun"), "").unwrap();
            while !Path::new(file).exists() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            std::fs::write(Path::new(file).with_extension("ended"), "").unwrap();
        }
        if self.inside.first().is_some_and(|thing| thing == "dynamite") {
            std::panic::panic_any(Bomb);
        }
    }
}

#[remote(HOLDING)]
impl Box {
    /// Makes one.
    pub fn with(thing: &str) -> Result<Remote<Self>> {
        BOXES.fetch_add(1, Ordering::Relaxed);
        Ok(Remote::new(Self {
            inside: vec![thing.into()],
            others: Vec::new(),
            parent: None,
        }))
    }

    /// What is inside.
    pub fn inside(&self) -> Result<Vec<String>> {
        Ok(self.inside.clone())
    }

    /// Puts something in, and says how much there is.
    pub fn put(&mut self, (thing, times): (&str, usize)) -> Result<usize> {
        for _ in 0..times {
            self.inside.push(thing.into());
        }
        Ok(self.inside.len())
    }

    /// Takes the other one's things.
    pub fn empty(&mut self, other: &Remote<Self>) -> Result<usize> {
        let taken = std::mem::take(&mut Remote::write(other)?.inside);
        self.inside.extend(taken);
        Ok(self.inside.len())
    }

    /// Puts a box into this one.
    pub fn hold(&mut self, other: Remote<Self>) -> Result<()> {
        self.others.push(other);
        Ok(())
    }

    /// The boxes in it.
    pub fn held(&self) -> Result<Vec<Remote<Self>>> {
        Ok(self.others.clone())
    }

    /// Takes them out.
    pub fn let_go(&mut self) -> Result<usize> {
        Ok(std::mem::take(&mut self.others).len())
    }

    /// Says where it is, without holding that.
    pub fn is_in(&mut self, parent: &Remote<Self>) -> Result<()> {
        self.parent = Remote::downgrade(parent);
        Ok(())
    }

    /// Where it is.
    pub fn parent(&self) -> Result<Option<Remote<Self>>> {
        Ok(self.parent.as_ref().and_then(WeakRemote::upgrade))
    }

    /// Calls itself through a reference to itself.
    pub fn recurse(&mut self, this: &Remote<Self>) -> Result<usize> {
        this.put(("again", 1))
    }

    /// The same, and only looks then.
    pub fn add_look(&mut self, this: &Remote<Self>) -> Result<usize> {
        Ok(this.inside()?.len())
    }

    /// The same, of methods that only look.
    pub fn look_twice(&self, this: &Remote<Self>) -> Result<Vec<String>> {
        this.inside()
    }

    /// Looks, and then would change.
    pub fn look_and_put(&self, this: &Remote<Self>) -> Result<usize> {
        this.put(("again", 1))
    }

    /// Waits inside, until so many do.
    pub fn together(&self, file: &Path) -> Result<()> {
        while !file.exists() {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Fails in its own way.
    pub fn fail(&self) -> std::io::Result<()> {
        Err(std::io::Error::other("empty"))
    }

    /// One with nothing inside, made where this is called.
    #[remote(skip)]
    pub fn empty_one() -> Self {
        BOXES.fetch_add(1, Ordering::Relaxed);
        Self {
            inside: Vec::new(),
            others: Vec::new(),
            parent: None,
        }
    }

    /// Not remote, and there for the server's own functions.
    #[remote(skip)]
    pub fn len(&self) -> usize {
        self.inside.len()
    }
}

/// How many boxes there are.
#[remote(HOLDING)]
pub fn boxes() -> Result<usize> {
    Ok(BOXES.load(Ordering::Relaxed))
}

/// A thing that holds references, as a value.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shelf {
    pub name: String,
    pub boxes: BTreeMap<u32, Option<Remote<Box>>>,
}

/// A shelf of so many.
#[remote(HOLDING)]
pub fn shelf(n: u32) -> Result<Shelf> {
    let boxes = (0..n).map(|i| Ok((i, Some(Box::with(&i.to_string())?))));
    Ok(Shelf {
        name: "shelf".into(),
        boxes: boxes.collect::<Result<_>>()?,
    })
}

/// How much is in all of them together.
#[remote(HOLDING)]
pub fn weigh(shelf: Shelf) -> Result<usize> {
    let boxes = shelf.boxes.values().flatten();
    boxes.map(|it| Ok(Remote::read(it)?.len())).sum()
}

/// Keeps it in the server.
#[remote(HOLDING)]
pub fn keep(it: Remote<Box>) -> Result<usize> {
    let mut shelf = SHELF.lock();
    shelf.push(it);
    Ok(shelf.len())
}

/// What is kept.
#[remote(HOLDING)]
pub fn kept_boxes() -> Result<Vec<Remote<Box>>> {
    Ok(SHELF.lock().clone())
}

/// Lets all that is kept go.
#[remote(HOLDING)]
pub fn clear() -> Result<()> {
    let kept = std::mem::take(&mut *SHELF.lock());
    drop(kept);
    Ok(())
}

/// What is outside of the server.
pub fn look_at_shelf() -> usize {
    SHELF.lock().len()
}

/// Answers with a reference, and too much besides.
#[remote(HOLDING)]
pub fn too_much() -> Result<(Remote<Box>, Vec<u8>)> {
    Ok((Box::with("too much")?, vec![0; 100 << 20]))
}

/// One that counts.
#[remote(HOLDING)]
pub trait Counter {
    /// How many there are.
    fn count(&self) -> Result<usize>;

    /// One more.
    fn add(&mut self, word: &str) -> Result<usize>;

    /// The same, twice.
    fn add_twice(&mut self, word: &str) -> Result<usize> {
        self.add(word)?;
        self.add(word)
    }
}

/// A type of another crate.
impl Counter for Vec<String> {
    fn count(&self) -> Result<usize> {
        Ok(self.len())
    }
    fn add(&mut self, word: &str) -> Result<usize> {
        self.push(word.into());
        Ok(self.len())
    }
}

/// Another one, which only counts letters.
impl Counter for usize {
    fn count(&self) -> Result<usize> {
        Ok(*self)
    }
    fn add(&mut self, word: &str) -> Result<usize> {
        *self += word.len();
        Ok(*self)
    }
}

/// A counter of words, or of letters.
#[remote(HOLDING)]
pub fn counter(of: &str) -> Result<Remote<dyn Counter>> {
    Ok(match of {
        "words" => Remote::new(Vec::<String>::new()),
        "letters" => Remote::new(0_usize),
        _ => return Err(Error::failed("nobody counts that")),
    })
}

/// What a client says it is.
#[remote(HOLDING)]
pub static MOTTO: Variable<String> = Variable::new(|| "hold on".into());

/// What only the server sets.
#[remote(HOLDING, read_only)]
pub static VISITS: Variable<u64> = Variable::new(|| 0);

/// Sets it.
#[remote(HOLDING)]
pub fn visit() -> Result<u64> {
    *VISITS.write() += 1;
    Ok(*VISITS.read())
}

/// Whose client says so many words.
#[remote(HOLDING)]
pub static SUM: Variable<u64> = Variable::new(|| 0);

/// A server that ends soon when nobody holds anything of it.
pub static LINGERING: Server = Server::new("lingering")
    .autostart()
    .idle_timeout(std::time::Duration::from_millis(200));

/// A thing of another server, which this one cannot give away.
#[remote(LINGERING)]
pub fn foreign() -> Result<Remote<Box>> {
    Ok(Remote::new(Box::empty_one()))
}

/// A thing that writes a file when it ends.
pub struct Letter(PathBuf);

impl Drop for Letter {
    fn drop(&mut self) {
        while self.0.ends_with("never") {
            std::thread::park();
        }
        std::fs::write(&self.0, "").unwrap();
    }
}

#[remote(LINGERING)]
impl Letter {
    /// Makes one for that file.
    pub fn of(file: &Path) -> Result<Remote<Self>> {
        Ok(Remote::new(Self(file.into())))
    }

    /// Its file.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(self.0.clone())
    }
}

/// Something in the server of a folder.
pub struct Marker;

#[remote(FOLDERS)]
impl Marker {
    /// Makes one.
    pub fn make() -> Result<Remote<Self>> {
        Ok(Remote::new(Self))
    }

    /// In which server it is.
    pub fn folder(&self) -> Result<String> {
        Ok(FOLDERS.key())
    }

    /// Whether both are one.
    pub fn is(&self, other: &Remote<Self>) -> Result<bool> {
        Ok(std::ptr::eq(self, &raw const *Remote::read(other)?))
    }
}

/// A server that takes one connection, and waits for no call.
pub static CROWDED: Server = Server::new("crowded")
    .autostart()
    .max_connections(1)
    .timeout(std::time::Duration::from_secs(2))
    .grace(std::time::Duration::from_millis(1500));

/// The one seat.
pub struct Seat;

#[remote(CROWDED)]
impl Seat {
    /// Takes it.
    pub fn take() -> Result<Remote<Self>> {
        Ok(Remote::new(Self))
    }

    /// Waits until `file` is there.
    pub fn wait(&self, file: &Path) -> Result<()> {
        while !file.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Ok(())
    }

    /// Whether it is there.
    pub fn is_there(&self) -> Result<bool> {
        Ok(true)
    }
}
