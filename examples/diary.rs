//! A diary with a command line of its own, of which `start`, `stop`, `restart`, `status` and `logs` are one line.
//!
//! ```sh
//! cargo run --features clap --example diary -- note It rained
//! cargo run --features clap --example diary -- read
//! cargo run --features clap --example diary -- status
//! cargo run --features clap --example diary -- stop
//! ```

use clap::Parser;
use remotex::{Control, Mutex, Result, Server, remote};

static SERVER: Server = Server::new("diary").autostart();

#[remote(SERVER)]
static PAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes something, and returns how many notes there are.
#[remote(SERVER)]
fn note(text: &str) -> Result<usize> {
    let mut pages = PAGES.lock();
    pages.push(text.to_owned());
    eprintln!("note {}: {text}", pages.len());
    Ok(pages.len())
}

/// All that was noted.
#[remote(SERVER)]
fn pages() -> Result<Vec<String>> {
    Ok(PAGES.lock().clone())
}

/// A diary
#[derive(Parser)]
enum Cli {
    /// Note something
    Note { words: Vec<String> },
    /// Print all that was noted
    Read,
    #[command(flatten)]
    Server(Control),
}

fn main() -> Result<()> {
    remotex::init();
    match Cli::parse() {
        Cli::Note { words } => println!("{} so far", note(&words.join(" "))?),
        Cli::Read => pages()?.iter().for_each(|page| println!("{page}")),
        Cli::Server(control) => control.run(&SERVER)?,
    }
    Ok(())
}
