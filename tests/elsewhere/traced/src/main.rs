//! A client and its server that both print their spans: `traced` calls, and prints its own; the server
//! writes its into the file that it is given.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use remotex::{Server, remote};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static SERVER: Server = Server::new("traced");

#[remote(SERVER)]
fn add(a: u32, b: u32) -> remotex::Result<u32> {
    tracing::info!("it adds");
    Ok(a + b)
}

#[remote(SERVER)]
fn fail() -> remotex::Result<()> {
    Err("it fails".into())
}

/// Writes each span when it ends, with all its fields, and each event.
struct Lines {
    file: PathBuf,
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, (u32, String)>>,
    entered: Mutex<Vec<u64>>,
}

struct Text<'t>(&'t mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        *self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Lines {
    fn write(&self, line: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.file)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "remotex" || metadata.target() == "traced"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = span.metadata().name().to_owned();
        span.record(&mut Text(&mut text));
        self.open.lock().unwrap().insert(id, (1, text));
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        if let Some((_, text)) = self.open.lock().unwrap().get_mut(&span.into_u64()) {
            values.record(&mut Text(text));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        let inside = self.entered.lock().unwrap().len();
        self.write(&format!("event in {inside}{text}"));
    }

    fn enter(&self, span: &Id) {
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().pop();
    }

    fn clone_span(&self, span: &Id) -> Id {
        if let Some((count, _)) = self.open.lock().unwrap().get_mut(&span.into_u64()) {
            *count += 1;
        }
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let mut open = self.open.lock().unwrap();
        let Some((count, _)) = open.get_mut(&span.into_u64()) else {
            return false;
        };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        if let Some((_, text)) = open.remove(&span.into_u64()) {
            self.write(&text);
        }
        true
    }
}

fn main() -> remotex::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, file] = &words[..] else {
        panic!("traced serve|call FILE");
    };
    let lines = Lines {
        file: file.into(),
        next: AtomicU64::new(1),
        open: Mutex::default(),
        entered: Mutex::default(),
    };
    tracing::subscriber::set_global_default(lines).unwrap();
    if what == "serve" {
        return SERVER.listen();
    }
    assert_eq!(add(1, 2)?, 3);
    fail().unwrap_err();
    Ok(())
}
