use std::fs;
use std::process::Command;

use super::{JSON, There, request};
use crate::support::stdout;

/// Starts the server of a folder whose name has what paths of requests write otherwise, and returns it
/// with the folder and with its key in paths.
fn there() -> (There, String, String) {
    let there = There::not_yet("folders");
    let folder = there.there.path("a b%/é");
    fs::create_dir_all(&folder).unwrap();
    let key = folder.to_str().unwrap().to_owned();
    let mut start = there.with(there.there.zoo(&["start", "folders"]));
    assert_eq!(stdout(&start.current_dir(&folder).output().unwrap()), "()");
    super::give_token(&there.here, "folders", &there.token());
    let encoded = key
        .replace('%', "%25")
        .replace('/', "%2F")
        .replace(' ', "%20")
        .replace('é', "%C3%A9");
    (there, key, encoded)
}

#[test]
fn the_path_of_a_request_says_the_key() {
    let (there, key, encoded) = there();
    let path = |rest: &str| format!("/key/{encoded}{rest}");
    let (status, answer) = {
        let response = there.ask("POST", &path("/call/folder_server"), &[JSON], b"{}");
        (response.status, response.json())
    };
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer[1], key);
    assert_eq!(there.get(&path("/status")).json()["key"], key);
    assert_eq!(there.get(&path("/")).status, 200);
    // What the page asks for is relative to it.
    let page = there.get(&path(""));
    assert_eq!(page.status, 308);
    assert_eq!(page.header("location"), Some(&*format!("./{encoded}/")));
    assert_eq!(there.get("/healthz").text(), "ok\n");
    for elsewhere in ["/call/folder_server", "/key/other/call/folder_server", "/"] {
        let refused = there.ask("POST", elsewhere, &[JSON], b"{}");
        let error = &refused.json()["error"];
        assert_eq!((refused.status, &error["kind"]), (404, &"Mismatch".into()));
        let words = error["message"].as_str().unwrap();
        assert!(
            words.contains(&format!("begin with `/key/{encoded}/`")),
            "{words}"
        );
    }
    // The key is told to nobody without the token.
    let stranger = request("GET", "/status", &[], b"");
    let mut stream = super::connect(there.port);
    std::io::Write::write_all(&mut stream, &stranger).unwrap();
    let refused = super::Response::read(&mut std::io::BufReader::new(stream), false).unwrap();
    assert_eq!(refused.status, 401);
    assert!(!refused.text().contains(&encoded));
}

#[test]
fn a_client_reaches_the_server_of_its_key_alone() {
    let (there, key, encoded) = there();
    let call =
        |mut command: Command, folder: &str| stdout(&command.current_dir(folder).output().unwrap());
    let pid = there.get(&format!("/key/{encoded}/status")).json()["pid"].to_string();
    let answer = format!("({pid}, {key:?})");
    // By the key that it means itself, and by that of the address.
    let own = there.with(there.here.zoo(&["folder"]));
    assert_eq!(call(own, &key), answer);
    let mut named = there.here.zoo(&["folder"]);
    let address = format!("{}/key/{encoded}", there.address());
    named.env("REMOTEX_FOLDERS", &address);
    assert_eq!(call(named, "/"), answer);
    let mut command = there.here.remotex(&["status", "folders", "--json"]);
    command.env("REMOTEX_FOLDERS", &address);
    let status: serde_json::Value = serde_json::from_str(&call(command, "/")).unwrap();
    assert_eq!(status["pid"].to_string(), pid);
    let other = call(there.with(there.here.zoo(&["folder"])), "/");
    let expected = format!("server `folders` for `{key}`");
    assert!(
        other.starts_with("Mismatch false ") && other.contains(&expected),
        "{other}"
    );
}

#[test]
fn a_server_that_is_found_is_at_the_address_of_its_key() {
    let (there, _, encoded) = there();
    let listed = there.there.run_remotex(&["ls", "--json"]);
    let expected = format!("{}/key/{encoded}", there.address());
    assert!(listed.contains(&expected), "{listed}");
}
