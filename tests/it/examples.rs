use std::process::Stdio;

use crate::support::{Home, stderr, stdout};

fn run(home: &Home, program: &str, words: &[&str]) -> String {
    let output = home.command(program).args(words).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {words:?}: {}",
        stderr(&output)
    );
    stdout(&output)
}

#[test]
fn the_board_is_read_by_another_process() {
    let home = Home::new();
    assert_eq!(run(&home, "bboard", &[]), "");
    run(&home, "bboard", &["Rust 2.0 is not released,", "again"]);
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    assert_eq!(
        run(&home, "bboard", &[]),
        format!("From {host}, just now: Rust 2.0 is not released, again")
    );
    run(&home, "bboard", &["--stop"]);
    assert_eq!(run(&home, "bboard", &[]), "");
}

#[test]
fn the_board_says_how_it_is_used() {
    let home = Home::new();
    for option in ["--help", "-h"] {
        let said = run(&home, "bboard", &[option]);
        assert!(said.contains("bboard --stop"), "{said}");
    }
    assert!(home.servers().is_empty());
}

#[test]
fn the_board_of_two_programs_starts_in_either_order() {
    let home = Home::new();
    let mut client = home
        .command("bboard-client")
        .arg("first")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(client.stderr.take().unwrap()),
        &mut told,
    )
    .unwrap();
    assert!(told.contains("nobody listens at"), "{told}");
    let mut server = home.command("bboard-server").spawn().unwrap();
    assert!(client.wait().unwrap().success());
    run(&home, "bboard-client", &["second"]);
    assert_eq!(
        run(&home, "bboard-client", &[]),
        "From the kitchen: first\nFrom the kitchen: second"
    );
    crate::support::kill(
        server.id().try_into().unwrap(),
        rustix::process::Signal::INT,
    );
    assert!(server.wait().unwrap().success());
}

#[test]
fn the_track_is_loaded_once() {
    let home = Home::new();
    let walk = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/more/track/walk.gpx"
    );
    // The path is meant from where the caller is, which the server is not.
    std::fs::copy(walk, home.path("walk.gpx")).unwrap();
    assert_eq!(run(&home, "track", &["load", "walk.gpx"]), "4 points");
    let nearest = "46.051000 14.502000, 330.0 m, 2020-05-01T10:06:00Z, 11 m away";
    assert_eq!(
        run(&home, "track", &["nearest", "46.0511", "14.5020"]),
        nearest
    );
    let between = "46.051000 14.501000, 320.0 m, 2020-05-01T10:04:00Z";
    assert_eq!(
        run(&home, "track", &["at", "2020-05-01T10:04:00Z"]),
        between
    );
    let output = home
        .command("track")
        .args(["at", "1999-01-01T00:00:00Z"])
        .output()
        .unwrap();
    assert_eq!(
        stderr(&output),
        "Error: the track was not recorded at that time\n"
    );
    let output = home
        .command("track")
        .args(["load", "nothing.gpx"])
        .output()
        .unwrap();
    let file = home.path("nothing.gpx");
    let expected = format!(
        "Error: cannot open {}\n\nCaused by:\n    No such file or directory (os error 2)\n",
        file.display()
    );
    assert_eq!(stderr(&output), expected);
    assert_eq!(
        run(&home, "track", &["nearest", "46.06", "14.51"]),
        "46.060000 14.510000, 0 m away"
    );
    // It is one track, whoever asks for it.
    assert_eq!(
        run(&home, "track", &["append", "46.07", "14.52"]),
        "5 points"
    );
    assert_eq!(run(&home, "track", &["load", "walk.gpx"]), "5 points");
    run(&home, "track", &["stop"]);
    assert_eq!(run(&home, "track", &["load", "walk.gpx"]), "4 points");
}

#[test]
fn a_database_is_shared_by_many_processes() {
    let home = Home::new();
    let store = |words: &[&str]| run(&home, "store", &[&["notes.redb"], words].concat());
    assert_eq!(store(&["keys"]), "");
    store(&["set", "milk", "2"]);
    store(&["set", "bread", "a large one"]);
    assert_eq!(store(&["get", "milk"]), "2");
    store(&["set", "milk", "3"]);
    assert_eq!(store(&["get", "milk"]), "3");
    assert_eq!(store(&["keys"]), "bread\nmilk");
    // It was closed as it should be, and goes on.
    run(&home, "store", &["stop"]);
    assert_eq!(store(&["get", "bread"]), "a large one");
    let missing = home
        .command("store")
        .args(["notes.redb", "get", "x"])
        .output();
    assert!(stderr(&missing.unwrap()).contains("nothing is kept by `x`"));
}

#[test]
fn who_calls_too_often_is_refused_and_all_is_logged() {
    let home = Home::new();
    assert_eq!(run(&home, "watched", &["5"]).lines().count(), 5);
    let output = home.command("watched").arg("6").output().unwrap();
    assert!(!output.status.success());
    let words = "Error: 5 calls in a minute are enough; wait a little\n";
    assert_eq!(stderr(&output), words);
    let log = run(&home, "watched", &["log"]);
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 11, "{log}");
    let ends = |of: &str| lines.iter().filter(|line| line.ends_with(of)).count();
    assert_eq!(ends(" calls roll: 0 B in, 16 B out: ok"), 10);
    assert_eq!(ends(": 5 calls in a minute are enough; wait a little"), 1);
}
