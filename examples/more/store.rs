//! Somebody else's type in the server: a redb database, which one process may open, and which this makes
//! any number of processes share.
//!
//! ```sh
//! cargo run -p remotex-examples --example store -- notes.redb set milk 2
//! cargo run -p remotex-examples --example store -- notes.redb get milk
//! cargo run -p remotex-examples --example store -- notes.redb keys
//! cargo run -p remotex-examples --example store -- stop
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use remotex::{Error, Mutex, Remote, Result, Server, remote};

static SERVER: Server = Server::new("store")
    .autostart()
    .idle_timeout(Duration::from_secs(600));

/// The stores that are open, by their files.
#[remote(SERVER)]
static OPEN: Mutex<Option<HashMap<PathBuf, Remote<dyn Store>>>> = Mutex::new(None);

/// What keeps texts by their keys.
#[remote(SERVER)]
trait Store {
    /// What is kept by that key.
    fn get(&self, key: &str) -> Result<Option<String>>;

    /// Keeps a text, in place of the one before.
    fn set(&self, key: &str, text: &str) -> Result<()>;

    /// All keys, in their order.
    fn keys(&self) -> Result<Vec<String>>;
}

const TEXTS: TableDefinition<'_, &str, &str> = TableDefinition::new("texts");

impl Store for Database {
    fn get(&self, key: &str) -> Result<Option<String>> {
        let reading = self.begin_read().map_err(Error::failed)?;
        let texts = match reading.open_table(TEXTS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            opened => opened.map_err(Error::failed)?,
        };
        let text = texts.get(key).map_err(Error::failed)?;
        Ok(text.map(|text| text.value().to_owned()))
    }

    fn set(&self, key: &str, text: &str) -> Result<()> {
        let writing = self.begin_write().map_err(Error::failed)?;
        let mut texts = writing.open_table(TEXTS).map_err(Error::failed)?;
        texts.insert(key, text).map_err(Error::failed)?;
        drop(texts);
        writing.commit().map_err(Error::failed)
    }

    fn keys(&self) -> Result<Vec<String>> {
        let reading = self.begin_read().map_err(Error::failed)?;
        let texts = match reading.open_table(TEXTS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            opened => opened.map_err(Error::failed)?,
        };
        let entries = texts.iter().map_err(Error::failed)?;
        let keys = entries.map(|entry| Ok(entry.map_err(Error::failed)?.0.value().to_owned()));
        keys.collect()
    }
}

/// The store in a file, which is made if it is not there.
#[remote(SERVER)]
fn open(file: &Path) -> Result<Remote<dyn Store>> {
    let file = remotex::caller().path(file);
    let mut open = OPEN.lock();
    let open = open.get_or_insert_default();
    if let Some(store) = open.get(&file) {
        return Ok(store.clone());
    }
    let store: Remote<dyn Store> = Remote::new(Database::create(&file).map_err(Error::failed)?);
    open.insert(file, store.clone());
    Ok(store)
}

fn main() -> Result<()> {
    remotex::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [file, "get", key] => match open(Path::new(file))?.get(key)? {
            Some(text) => println!("{text}"),
            None => return Err(format!("nothing is kept by `{key}`").into()),
        },
        [file, "set", key, text] => open(Path::new(file))?.set(key, text)?,
        [file, "keys"] => {
            for key in open(Path::new(file))?.keys()? {
                println!("{key}");
            }
        }
        ["stop"] => SERVER.stop()?,
        _ => return Err("usage: store FILE get KEY | set KEY TEXT | keys, or: store stop".into()),
    }
    Ok(())
}
