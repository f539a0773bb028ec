//! Three servers: with ten functions, with a thousand, and with ten thousand.
//!
//! Only one of each is called. The others are entries as the attribute makes them, without its code
//! for each, which would take minutes to compile and which nothing here runs.

use peers::measure::median;
use remotex::__private::{
    Decoder, ENTRIES, Entry, Fault, Function, Known, Reply, Shape, declared, linkme,
};
use remotex::{Server, remote};

/// Entries for a server: one for each way to put a digit in the place of each `any`, but for the very
/// first one.
macro_rules! entries {
    ($server:ident:) => {};
    ($server:ident: any $($any:ident)*) => {
        entries!($server: $($any)*);
        entries!($server, "1", $($any)*);
        entries!($server, "2", $($any)*);
        entries!($server, "3", $($any)*);
        entries!($server, "4", $($any)*);
        entries!($server, "5", $($any)*);
        entries!($server, "6", $($any)*);
        entries!($server, "7", $($any)*);
        entries!($server, "8", $($any)*);
        entries!($server, "9", $($any)*);
    };
    ($server:ident, $digits:expr, any $($any:ident)*) => {
        entries!($server, concat!($digits, "0"), $($any)*);
        entries!($server, concat!($digits, "1"), $($any)*);
        entries!($server, concat!($digits, "2"), $($any)*);
        entries!($server, concat!($digits, "3"), $($any)*);
        entries!($server, concat!($digits, "4"), $($any)*);
        entries!($server, concat!($digits, "5"), $($any)*);
        entries!($server, concat!($digits, "6"), $($any)*);
        entries!($server, concat!($digits, "7"), $($any)*);
        entries!($server, concat!($digits, "8"), $($any)*);
        entries!($server, concat!($digits, "9"), $($any)*);
    };
    ($server:ident, $digits:expr,) => {
        const _: () = {
            #[linkme::distributed_slice(ENTRIES)]
            #[linkme(crate = linkme)]
            static ENTRY: Entry = Entry {
                server: declared(&$server),
                function: Function {
                    name: concat!("function ", $digits),
                    docs: "",
                    place: (file!(), line!()),
                    program: env!("CARGO_PKG_NAME"),
                    version: env!("CARGO_PKG_VERSION"),
                    arguments: &[],
                    output: "Result<()>",
                    idempotent: false,
                    or_local: false,
                    types: None,
                    shape: no_shape,
                    known: Known::new(),
                    handler: nothing,
                },
            };
        };
    };
}

fn no_shape(_: &mut Shape) {}

fn nothing(_: &mut Decoder<'_>, _: &mut Reply<'_>) -> Result<(), Fault> {
    Ok(())
}

// The variable that says where a server is has the server's name in capitals, so that these have one.
static TEN: Server = Server::new("peers");
static THOUSAND: Server = Server::new("Peers");
static TEN_THOUSAND: Server = Server::new("PEERS");

entries!(TEN: any);
entries!(THOUSAND: any any any);
entries!(TEN_THOUSAND: any any any any);

#[remote(TEN)]
fn of_ten(n: u32) -> remotex::Result<u32> {
    Ok(n)
}

#[remote(THOUSAND)]
fn of_a_thousand(n: u32) -> remotex::Result<u32> {
    Ok(n)
}

#[remote(TEN_THOUSAND)]
fn of_ten_thousand(n: u32) -> remotex::Result<u32> {
    Ok(n)
}

fn main() -> peers::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [functions, ref words @ ..] = words[..] else {
        return Err("of how many functions?".into());
    };
    let (server, function): (&'static Server, fn(u32) -> remotex::Result<u32>) = match functions {
        "10" => (&TEN, of_ten),
        "1000" => (&THOUSAND, of_a_thousand),
        _ => (&TEN_THOUSAND, of_ten_thousand),
    };
    match words {
        ["serve", _] => server.listen()?,
        ["call", _, calls] => {
            let time = median(calls.parse()?, || Ok(function(7).map(drop)?))?;
            println!("{time}");
        }
        _ => return Err("these words are none that the driver says".into()),
    }
    Ok(())
}
