//! The `main` of every peer's program: its server, or a client that prints what it measured.

use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::work::{BY, ITEM, Peer};

/// Everything that the driver asks for, by the words of the command line.
pub fn main<P: Peer>() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        // What any process costs.
        ["nothing", _] => Ok(()),
        ["serve", address] => P::serve(address),
        ["post", address] => P::connect(address)?.post(ITEM, BY),
        ["latencies", address, calls] => latencies::<P>(address, calls.parse()?),
        ["calls", address, function, calls] => repeat::<P>(address, function, calls.parse()?),
        ["rate", address, threads, bytes, millis] => {
            let span = Duration::from_millis(millis.parse()?);
            rate::<P>(address, threads.parse()?, bytes.parse()?, span)
        }
        _ => Err("these words are none that the driver says".into()),
    }
}

/// Prints the medians of an `echo` of 16 bytes, of a `post`, and of a `read` of 100 items, in
/// nanoseconds.
fn latencies<P: Peer>(address: &str, calls: usize) -> Result<()> {
    let mut peer = P::connect(address)?;
    let mut data = vec![7; 16];
    let echo = median(calls, || {
        data = peer.echo(std::mem::take(&mut data))?;
        Ok(())
    })?;
    let post = median(calls, || peer.post(ITEM, BY))?;
    let read = median(calls / 8, || match peer.read(100)?.len() {
        100 => Ok(()),
        n => Err(format!("{n} items instead of 100").into()),
    })?;
    println!("{echo} {post} {read}");
    Ok(())
}

/// Nothing but calls of one function.
fn repeat<P: Peer>(address: &str, function: &str, calls: usize) -> Result<()> {
    let mut peer = P::connect(address)?;
    let mut data = vec![7; 16];
    for _ in 0..calls {
        match function {
            "echo" => data = peer.echo(data)?,
            _ => peer.post(ITEM, BY)?,
        }
    }
    Ok(())
}

/// The median time of a call, in nanoseconds. A twentieth more calls go before those that count.
pub fn median(calls: usize, mut call: impl FnMut() -> Result<()>) -> Result<u128> {
    for _ in 0..calls / 20 {
        call()?;
    }
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let begun = Instant::now();
        call()?;
        times.push(begun.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(times[calls / 2])
}

/// Prints how many `echo` per second come back to all threads together, each with its own connection.
fn rate<P: Peer>(address: &str, threads: usize, bytes: usize, span: Duration) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..threads {
        let mut peer = P::connect(address)?;
        let data = peer.echo(vec![7; bytes])?;
        if data.len() != bytes {
            return Err("what came back is not what was sent".into());
        }
        connections.push((peer, data));
    }
    let begun = Instant::now();
    let calls = thread::scope(|scope| {
        let call = |(mut peer, mut data): (P, Vec<u8>)| -> Result<u32> {
            let mut calls = 0;
            while begun.elapsed() < span {
                data = peer.echo(data)?;
                calls += 1;
            }
            Ok(calls)
        };
        let callers = connections.into_iter();
        let callers: Vec<_> = callers.map(|one| scope.spawn(move || call(one))).collect();
        let calls = callers.into_iter();
        calls
            .map(|caller| caller.join().map_err(|_| "a caller panicked")?)
            .sum::<Result<u32>>()
    })?;
    println!("{}", f64::from(calls) / begun.elapsed().as_secs_f64());
    Ok(())
}
