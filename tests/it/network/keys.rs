//! By what the two ends of a connection know each other: a token, or what `remotex keys init` makes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Home, await_that, json_of};

use super::{Place, assert_refused, key_of};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives a client in another home what the server's has under that name.
fn give(place: &Place, client: &Home, name: &str) {
    let path = key_of(client, place.server, name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(place.key(name), path).unwrap();
}

/// A start that would wait for the other end of a fifo would wait for ever.
#[test]
fn a_token_that_is_no_file_is_refused_at_once() {
    let place = Place::new("tcp", "zoo");
    let token = place.key("token");
    let name = token.to_str().unwrap();
    fs::create_dir_all(token.parent().unwrap()).unwrap();
    set_mode(token.parent().unwrap(), 0o700);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &token,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let refused = |said: String| {
        assert!(
            said.contains(&format!("`{name}` is no ordinary file; remove it")),
            "{said}"
        );
    };
    refused(place.run(&["start", "zoo"]));
    refused(place.run(&["pid"]));
    fs::remove_file(&token).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&token).unwrap();
    refused(place.run(&["pid"]));
}

#[test]
fn only_who_knows_the_token_is_let_in() {
    let (place, client) = (Place::new("tcp", "zoo"), Home::new());
    assert_eq!(place.run(&["start", "zoo"]), "()");
    assert_eq!(mode(&place.key("token")), 0o600);
    assert_eq!(mode(place.key("token").parent().unwrap()), 0o700);
    let token = key_of(&client, "zoo", "token");
    let name = token.to_str().unwrap();
    let pid = || place.run_from(&client, &["pid"]);
    assert_refused(&pid(), "Denied", &[name, "there is none", "copy the one"]);
    give(&place, &client, "token");
    assert_eq!(pid(), place.run(&["pid"]));
    set_mode(&token, 0o644);
    assert_refused(
        &pid(),
        "Denied",
        &[name, "can be read by others; run `chmod 600` on it"],
    );
    set_mode(&token, 0o600);
    fs::write(&token, "0".repeat(64)).unwrap();
    assert_refused(
        &pid(),
        "Denied",
        &["does not let us in", name, "copy that of the server anew"],
    );
    for garbage in [&b""[..], b"\n", b"short", b"\xff\0\xfe"] {
        fs::write(&token, garbage).unwrap();
        assert_refused(&pid(), "Denied", &[name, "is no token; remove it"]);
    }
    let log = fs::read_to_string(place.home.path("state/remotex/zoo.log")).unwrap();
    assert!(
        log.contains("is not let in: it does not know the token"),
        "{log}"
    );
    let secret = fs::read_to_string(place.key("token")).unwrap();
    assert!(!log.contains(secret.trim()), "it is in the log");
    assert!(client.servers().is_empty(), "whoever is there is not ours");
}

#[test]
fn a_server_does_not_start_with_a_token_that_others_can_read() {
    let place = Place::new("tcp", "zoo");
    place.home.run_remotex(&["keys", "init", "zoo"]);
    set_mode(&place.key("token"), 0o640);
    let said = place.run(&["start", "zoo"]);
    assert!(
        said.contains("can be read by others; run `chmod 600` on it"),
        "{said}"
    );
    await_that(|| place.home.servers().is_empty());
}

#[test]
fn keys_are_made_once_and_for_their_user_only() {
    let home = Home::new();
    let made = json_of(&home, &["keys", "init", "zoo", "--json"]);
    let path = |name: &str| made[name].as_str().unwrap().to_owned();
    let files = ["server", "client", "token"].map(path);
    for file in &files {
        assert!(Path::new(file).starts_with(home.path("home/.config/remotex/zoo")));
        assert_eq!(mode(file.as_ref()), 0o600, "{file}");
    }
    assert_eq!(mode(&home.path("home/.config/remotex/zoo")), 0o700);
    assert_eq!(mode(&home.path("home/.config/remotex")), 0o700);
    let read = || files.each_ref().map(|file| fs::read(file).unwrap());
    let before = read();
    let (code, words) = home.refusal(&["keys", "init", "zoo"]);
    assert_eq!(code, 2, "{words}");
    assert!(
        words.contains(&files[0]) && words.contains("is there already; with `--renew`"),
        "{words}"
    );
    assert_eq!(read(), before);
    let told = home.run_remotex(&["keys", "init", "zoo", "--renew"]);
    assert!(told.contains("until it is restarted"), "{told}");
    let after = read();
    assert!(before[0] != after[0] && before[1] != after[1]);
    assert_eq!(before[2], after[2], "the token stays");
    assert_eq!(mode(files[0].as_ref()), 0o600);
    for bad in ["../zoo", "a/b", "", ".."] {
        let (_, words) = home.refusal(&["keys", "init", bad]);
        assert!(
            words.contains("there is no such server: a name is"),
            "{words}"
        );
    }
    let folders = fs::read_dir(home.path("home/.config/remotex")).unwrap();
    assert_eq!(folders.count(), 1, "nothing was made for those");
}

#[test]
fn without_keys_there_is_no_tls() {
    let (place, client) = (Place::new("tls", "zoo"), Home::new());
    let remedy = "run `remotex keys init zoo` once";
    // At the server.
    let pem = fs::read(place.key("server.pem")).unwrap();
    fs::remove_file(place.key("server.pem")).unwrap();
    let said = place.run(&["pid"]);
    assert!(
        said.contains("server.pem` is not there") && said.contains(remedy),
        "{said}"
    );
    await_that(|| place.home.servers().is_empty());
    fs::write(place.key("server.pem"), "nonsense").unwrap();
    set_mode(&place.key("server.pem"), 0o600);
    let said = place.run(&["pid"]);
    assert!(
        said.contains("server.pem` is not what `remotex keys init` makes"),
        "{said}"
    );
    fs::write(place.key("server.pem"), pem).unwrap();
    assert_eq!(place.run(&["start", "zoo"]), "()");
    // At a client.
    let pid = || place.run_from(&client, &["pid"]);
    assert_refused(&pid(), "Denied", &["client.pem` is not there", remedy]);
    give(&place, &client, "client.pem");
    assert_eq!(pid(), place.run(&["pid"]));
    let ours = key_of(&client, "zoo", "client.pem");
    set_mode(&ours, 0o604);
    assert_refused(
        &pid(),
        "Denied",
        &["can be read by others; run `chmod 600`"],
    );
    set_mode(&ours, 0o600);
    fs::write(&ours, fs::read(place.key("server.pem")).unwrap()).unwrap();
    assert_refused(
        &pid(),
        "Denied",
        &["does not let us in", "copy `client.pem`"],
    );
}

#[test]
fn keys_of_somebody_else_let_nobody_in() {
    let (place, other) = (Place::new("tls", "zoo"), Home::new());
    assert_eq!(place.run(&["start", "zoo"]), "()");
    other.run_remotex(&["keys", "init", "zoo"]);
    // The server is not the one that these keys are for.
    assert_refused(
        &place.run_from(&other, &["pid"]),
        "Denied",
        &[
            "is not the server that the keys in",
            "copy `client.pem` anew",
        ],
    );
    // A client that takes the server for its own, and is not known to it.
    let [server, ours] =
        [place.key("client.pem"), key_of(&other, "zoo", "client.pem")].map(|path| parts(&path));
    write(&ours.1, [&ours.0[0], &server.0[1], &ours.0[2]]);
    assert_refused(
        &place.run_from(&other, &["pid"]),
        "Denied",
        &["does not let us in", "copy `client.pem` anew"],
    );
    assert!(other.servers().is_empty());
    // Keys that were renewed while the server runs are taken when it starts anew.
    place.home.run_remotex(&["keys", "init", "zoo", "--renew"]);
    let said = place.run(&["pid"]);
    assert_refused(&said, "Denied", &["restart the server"]);
    assert_eq!(place.run(&["restart", "zoo"]), "()");
    place.run(&["pid"]).parse::<u32>().unwrap();
}

/// Certificate, authority and key of a file, and where it lies.
fn parts(path: &Path) -> (Vec<String>, std::path::PathBuf) {
    let text = fs::read_to_string(path).unwrap();
    let begins = text.match_indices("-----BEGIN").map(|(at, _)| at);
    let begins: Vec<_> = begins.chain([text.len()]).collect();
    let parts = begins.windows(2).map(|at| text[at[0]..at[1]].to_owned());
    (parts.collect(), path.to_owned())
}

fn write(path: &Path, parts: [&String; 3]) {
    fs::write(path, parts.map(String::as_str).concat()).unwrap();
}

#[test]
fn what_has_expired_says_so_and_what_to_do() {
    let place = Place::new("tls", "zoo");
    let keys = ["server.pem", "client.pem"].map(|name| place.key(name));
    let good = keys.each_ref().map(|path| parts(path).0);
    place
        .home
        .run_remotex(&["keys", "init", "zoo", "--renew", "--days", "0"]);
    let expired = keys.each_ref().map(|path| parts(path).0);
    let mut said = String::new();
    await_that(|| {
        said = place.run(&["pid"]);
        // Both expire with the second; in between, the server may look at the client's a moment later.
        said.parse::<u32>().is_err() && !said.contains("does not let us in")
    });
    let remedy = "make new keys with `remotex keys init zoo --renew`";
    assert_refused(
        &said,
        "Denied",
        &["the certificate of the server", "has expired", remedy],
    );
    place.home.run_remotex(&["stop", "zoo"]);
    // Now the client's alone, which its server has signed all the same.
    let [server, client] = &keys;
    write(server, [&good[0][0], &expired[0][1], &good[0][2]]);
    write(client, [&expired[1][0], &good[1][1], &expired[1][2]]);
    assert_refused(
        &place.run(&["pid"]),
        "Denied",
        &[
            "does not let us in: the certificate in",
            "has expired",
            remedy,
        ],
    );
}
