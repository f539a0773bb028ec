//! A proxy that cuts clients off, and delivers later what they have sent.

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::Place;
use crate::support::{free_port, stderr, stdout};

/// How late the proxy delivers at most, in milliseconds.
const LATE: u64 = 700;

/// How often the proxy cuts: once in so many chunks.
const CUTS: u64 = 40;

/// How many calls each of the eight threads makes. `REMOTEX_TEST_CALLS` says another number, for a
/// trial that lasts for minutes.
fn calls() -> usize {
    let calls = std::env::var("REMOTEX_TEST_CALLS");
    calls.map_or(150, |calls| calls.parse().unwrap())
}

/// Numbers that look random, and are the same in each run.
#[derive(Default)]
struct Dice(AtomicU64);

impl Dice {
    /// The next number below `most` (splitmix64, by S. Vigna).
    fn roll(&self, most: u64) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// Starts a proxy that leads to a port, and returns its own port and the number of its cuts. It
/// cuts no connection before the client has sent `spared` bytes, which is when both ends know each
/// other.
fn proxy(to: u16, spared: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (dice, cuts) = (Arc::new(Dice::default()), Arc::new(AtomicUsize::new(0)));
    let counted = cuts.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (
                client.unwrap(),
                TcpStream::connect(("127.0.0.1", to)).unwrap(),
            );
            let [to_client, from_server] = [&client, &server].map(|end| end.try_clone().unwrap());
            thread::spawn(move || pass(from_server, to_client));
            let (dice, cuts) = (dice.clone(), counted.clone());
            thread::spawn(move || pass_or_cut(client, server, spared, &dice, &cuts));
        }
    });
    (port, cuts)
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(n) = from.read(&mut buffer)
        && n > 0
        && to.write_all(&buffer[..n]).is_ok()
    {}
    let _ = to.shutdown(Shutdown::Write);
}

fn pass_or_cut(
    mut client: TcpStream,
    mut server: TcpStream,
    spared: usize,
    dice: &Dice,
    cuts: &AtomicUsize,
) {
    let (mut buffer, mut passed) = ([0; 16 * 1024], 0);
    while let Ok(n) = client.read(&mut buffer)
        && n > 0
    {
        if passed >= spared && dice.roll(CUTS) == 0 {
            cuts.fetch_add(1, Ordering::Relaxed);
            // The client sees a reset, and the server nothing.
            set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
            let _ = client.shutdown(Shutdown::Both);
            drop(client);
            thread::sleep(Duration::from_millis(dice.roll(LATE)));
            let _ = server.write_all(&buffer[..n]);
            // It goes on to look like a connection whose client is there.
            thread::sleep(Duration::from_millis(LATE));
            break;
        }
        passed += n;
        if server.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

#[test]
fn calls_that_are_cut_off_and_delivered_late_run_once_and_are_answered() {
    // Before the first call, both ends send 64 bytes of proofs, or the messages of TLS.
    for (scheme, spared) in [("tcp", 64), ("tls", 3000)] {
        let place = Place::new(scheme, "zoo");
        assert_eq!(place.run(&["start", "zoo"]), "()");
        let (port, cuts) = proxy(place.port(), spared);
        let file = place.home.path("runs");
        let calls = calls();
        let mut busy = place.home.zoo(&["busy", "8", &calls.to_string()]);
        busy.arg(&file)
            .env("REMOTEX_ZOO", format!("{scheme}://127.0.0.1:{port}"));
        let output = busy.output().unwrap();
        let ended = (stdout(&output), cuts.load(Ordering::Relaxed));
        eprintln!("{scheme}: {} calls, {} cuts", 8 * calls, ended.1);
        assert_eq!(
            ended.0,
            format!("({}, 0)", 8 * calls),
            "{}",
            stderr(&output)
        );
        assert!(ended.1 > calls / 10, "{} cuts", ended.1);
        // The proxy has delivered by then all that it held back.
        thread::sleep(Duration::from_millis(LATE));
        assert_eq!(place.run(&["stop", "zoo"]), "()");
        let runs = fs::read_to_string(file).unwrap();
        let once: HashSet<_> = runs.lines().collect();
        assert_eq!(
            runs.lines().count(),
            once.len(),
            "{scheme}: something ran twice"
        );
        assert_eq!(once.len(), 8 * calls, "{scheme}: something is lost");
    }
}
