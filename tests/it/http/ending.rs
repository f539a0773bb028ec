use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use serde_json::json;

use super::{JSON, Response, There, connect};
use crate::support::{await_that, begin, printed};

/// Begins a call by hand that ends when a file is there.
fn begin_slow(there: &There, file: &Path) -> TcpStream {
    let arguments = json!({ "file": file }).to_string();
    let mut stream = connect(there.port);
    let request = there.request("POST", "/call/slow", &[JSON], arguments.as_bytes());
    stream.write_all(&request).unwrap();
    await_that(|| file.with_extension("began").exists());
    stream
}

/// Calls in flight, by hand and by a client, while their server is told to end.
fn ends_under(word: &str) {
    let there = There::of("zoo");
    let files: [PathBuf; 2] = ["by-hand", "by-client"].map(|name| there.here.path(name));
    let by_hand = begin_slow(&there, &files[0]);
    let by_client = begin(&mut there.with(there.here.zoo(&["slow", files[1].to_str().unwrap()])));
    await_that(|| files[1].with_extension("began").exists());
    let pid = there.call("pid", "{}").1;
    let mut ending = there.with(there.there.zoo(&[word, "zoo"]));
    let ending = thread::spawn(move || printed(begin(&mut ending)));
    // Who balances knows by that that it is to take no more calls there.
    await_that(|| there.get("/healthz").status == 503);
    let (status, refused) = there.call("pid", "{}");
    assert_eq!((status, &refused["error"]["kind"]), (503, &json!("Busy")));
    assert_eq!(refused["error"]["may_have_run"], false);
    for file in files {
        fs::write(file, "").unwrap();
    }
    let answer = Response::read(&mut BufReader::new(by_hand), false).unwrap();
    assert_eq!((answer.status, answer.json()), (200, pid.clone()));
    assert_eq!(printed(by_client), pid.to_string());
    assert_eq!(ending.join().unwrap(), "()");
    let next = there.with(there.there.zoo(&["pid"])).output().unwrap();
    let next = crate::support::stdout(&next);
    assert_ne!(next.parse::<u32>().unwrap(), pid);
}

#[test]
fn what_runs_is_answered_before_its_server_stops() {
    ends_under("stop");
}

#[test]
fn what_runs_is_answered_before_its_server_restarts() {
    ends_under("restart");
}

#[test]
fn busy_clients_over_http_run_nothing_twice_when_their_server_restarts() {
    let there = There::of("zoo");
    let file = there.here.path("runs");
    let busy = begin(
        &mut there.with(
            there
                .there
                .zoo(&["busy", "8", "200", file.to_str().unwrap()]),
        ),
    );
    let count = || {
        fs::read_to_string(&file)
            .unwrap_or_default()
            .lines()
            .count()
    };
    for n in 1..=3 {
        await_that(|| count() > n * 200);
        let mut restart = there.with(there.there.zoo(&["restart", "zoo"]));
        assert_eq!(printed(begin(&mut restart)), "()");
    }
    let said = printed(busy);
    super::nginx::assert_once(&file, 8, 200, &said);
}
