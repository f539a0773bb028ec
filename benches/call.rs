//! What a warm call costs beside the same bytes on a bare socket, both ends on one processor.
//!
//! ```sh
//! cargo bench --bench call
//! ```
//!
//! Times are meaningless on their own, since machines differ and are shared: read the ratio. The two
//! are measured in turns, and the ratio is the median of those of the turns.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use remotex::{Result, Server, remote};

const TURNS: usize = 15;
const CALLS: usize = 4000;

static SERVER: Server = Server::new("bench");

#[remote(SERVER)]
fn echo(bytes: &[u8]) -> Result<Vec<u8>> {
    Ok(bytes.to_vec())
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some("serve") => return SERVER.listen(),
        Some("bare") => return bare_server(&words[2]),
        _ => {}
    }
    let folder = remotex::testing::Home::new()?;
    if std::env::var_os("XDG_RUNTIME_DIR")
        .is_none_or(|there| !there.to_string_lossy().contains("remotex-bench"))
    {
        // The server's address comes from the environment, so that the measuring is left to a child.
        let home = folder.path().join("remotex-bench");
        std::fs::create_dir(&home)?;
        let status = Command::new(std::env::current_exe()?)
            .env("XDG_RUNTIME_DIR", home)
            .status()?;
        std::process::exit(status.code().unwrap_or(1));
    }
    pin();
    let socket = folder.path().join("bare.sock");
    let _server = Ended(child(&["serve"])?);
    let _bare = Ended(child(&["bare", socket.to_str().unwrap_or_default()])?);
    while SERVER.status().is_err() || !socket.exists() {
        std::thread::yield_now();
    }
    let mut bare = UnixStream::connect(&socket)?;
    let payload = [7; 16];
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let there = median(|| bare_echo(&mut bare))?;
        let ours = median(|| echo(&payload).map(drop))?;
        ratios.push((ours / there, ours, there));
    }
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, ours, there) = ratios[TURNS / 2];
    println!(
        "echo of 16 bytes, median: remotex {ours:.2} µs, bare socket {there:.2} µs, ratio {ratio:.2}"
    );
    Ok(())
}

/// The median of one call, in microseconds.
fn median(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begun = Instant::now();
        call()?;
        times.push(begun.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(times[CALLS / 2] as f64 / 1000.0)
}

/// A frame as large as that of a call, and one as large as that of its answer.
fn bare_echo(stream: &mut UnixStream) -> Result<()> {
    let mut frame = [0; 38];
    stream.write_all(&frame)?;
    Ok(stream.read_exact(&mut frame[..32])?)
}

fn bare_server(path: &str) -> Result<()> {
    let (mut stream, _) = UnixListener::bind(path)?.accept()?;
    let mut frame = [0; 38];
    while stream.read_exact(&mut frame).is_ok() {
        stream.write_all(&frame[..32])?;
    }
    Ok(())
}

fn child(words: &[&str]) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args(words)
        .stdin(Stdio::null())
        .spawn()?)
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It is of no use any more, and may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waking another processor that sleeps takes longer than the call, and would be all that is seen.
fn pin() {
    #[cfg(target_os = "linux")]
    {
        let mut one = rustix::thread::CpuSet::new();
        one.set(0);
        if rustix::thread::sched_setaffinity(None, &one).is_err() {
            eprintln!("not pinned to one processor: the ratio says little");
        }
    }
}
