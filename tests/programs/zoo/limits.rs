//! Functions with limits of their own, and what keeps a server awake.

use std::thread;
use std::time::{Duration, Instant};

use remotex::{Error, Result, Server, remote};

pub(crate) static LIMITED: Server = Server::new("limited")
    .autostart()
    .idle_timeout(Duration::from_secs(1))
    .timeout(Duration::from_secs(60));

/// Gives up before the server's own limit.
#[remote(LIMITED, timeout = "300ms")]
pub(crate) fn hurried(millis: u64) -> Result<Option<Duration>> {
    thread::sleep(Duration::from_millis(millis));
    let deadline = remotex::caller().deadline();
    Ok(deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())))
}

#[remote(LIMITED)]
pub(crate) fn unhurried() -> Result<Option<Duration>> {
    let deadline = remotex::caller().deadline();
    Ok(deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())))
}

/// Whether it runs, which a server that is started for the question does not tell.
#[remote(LIMITED, no_start)]
pub(crate) fn runs() -> Result<u32> {
    Ok(std::process::id())
}

/// Keeps the server awake for that long.
#[remote(LIMITED)]
pub(crate) fn work(millis: u64) -> Result<()> {
    let awake = LIMITED.keep_awake();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(millis));
        drop(awake);
    });
    Ok(())
}

pub(crate) fn check(words: &[&str]) {
    match *words {
        ["timeouts"] => {
            // The server's start may take longer than the next call waits.
            unhurried().unwrap();
            let e = hurried(60_000).unwrap_err();
            assert!(matches!(e, Error::TimedOut(_)) && e.may_have_run(), "{e:?}");
            assert!(e.to_string().contains("within 300ms"), "{e}");
            assert!(unhurried().unwrap().unwrap() > Duration::from_secs(30));
        }
        ["starts"] => {
            let e = runs().unwrap_err();
            assert!(
                matches!(e, Error::Unreachable(_)) && !e.may_have_run(),
                "{e:?}"
            );
            assert!(
                e.to_string()
                    .contains("a call of this function starts no server"),
                "{e}"
            );
            assert!(LIMITED.status().is_err(), "it has started none");
            LIMITED.start().unwrap();
            assert_eq!(runs().unwrap(), LIMITED.status().unwrap().pid);
        }
        ["awake"] => {
            work(4000).unwrap();
            let pid = LIMITED.status().unwrap().pid;
            let began = Instant::now();
            // Nothing is asked meanwhile, which would keep it awake, too.
            thread::sleep(Duration::from_millis(3000));
            assert_eq!(runs().unwrap(), pid);
            while LIMITED.status().is_ok() {
                assert!(began.elapsed() < Duration::from_secs(60), "it stays awake");
                thread::sleep(Duration::from_millis(1500));
            }
            assert!(began.elapsed() > Duration::from_millis(4000));
        }
        _ => panic!("no such check: {words:?}"),
    }
}
