//! The command `remotex`, and the subcommands that other programs have of it.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Home, board, command_path, json_of, stdout};

#[test]
fn a_server_is_found_read_called_and_stopped() {
    let home = Home::new();
    assert_eq!(home.run_remotex(&["ls"]), "");
    board(&home);
    let listed = home.run_remotex(&["ls"]);
    let columns: Vec<_> = listed.split('\t').collect();
    assert_eq!(columns[..3], ["bboard", "-", "running"], "{listed}");
    assert!(columns[6].ends_with("/bboard"), "{listed}");
    let shown = home.run_remotex(&["show", "bboard"]);
    let expected = "post(item: &str, by: &str) -> remotex::Result<()>\n    Pins an item to the board.\n\n\
                    read() -> remotex::Result<Vec<NewsItem>>\n    All that is on the board, oldest first.";
    assert_eq!(shown, expected);
    assert_eq!(
        home.run_remotex(&["call", "bboard", "post", "item=from a = b", "by=5"]),
        "null"
    );
    let read = json_of(&home, &["call", "bboard", "read"]);
    assert_eq!(
        (&read[1]["item"], &read[1]["by"]),
        (&json!("from a = b"), &json!("5"))
    );
    let status = home.run_remotex(&["status", "bboard"]);
    assert!(status.starts_with("server `bboard` runs, for "), "{status}");
    assert_eq!(
        home.run_remotex(&["stop", "bboard"]),
        "server `bboard` is stopped"
    );
    assert!(
        home.run_remotex(&["ls"])
            .starts_with("bboard\t-\tstopped\t-\t-\t-\t/")
    );
    assert!(home.servers().is_empty());
}

#[test]
fn an_answer_goes_through_jq() {
    let home = Home::new();
    board(&home);
    let mut jq = match Command::new("jq")
        .args(["-r", ".[].item"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(jq) => jq,
        Err(e) => return eprintln!("left out, for want of `jq`: {e}"),
    };
    let answer = home.run_remotex(&["call", "bboard", "read"]);
    jq.stdin
        .take()
        .unwrap()
        .write_all(answer.as_bytes())
        .unwrap();
    assert_eq!(stdout(&jq.wait_with_output().unwrap()), "hello world");
}

#[test]
fn json_is_what_it_is_to_the_types_of_a_function() {
    let home = Home::new();
    home.run_zoo(&["start", "offering"]);
    let form = r#"form={"color":"gray","at":["::1"],"id":"0a-ff"}"#;
    let answer = json_of(&home, &["call", "offering", "reform", form, "more=01-02"]);
    let form = json!({ "colour": "Grey", "count": 13, "at": ["::1"], "id": "0a-ff" });
    assert_eq!(answer, json!([form, "01-02"]));
}

#[test]
fn one_function_is_shown_with_all_about_it() {
    let home = Home::new();
    home.run_zoo(&["start", "offering"]);
    let shown = home.run_remotex(&["show", "offering", "climb"]);
    for words in [
        "climb(tree: Tree, number 2: (bool, char), path: &Path",
        "\n    Climbs a tree.\n\n        indented, and so it stays\n",
        "\n    maybe     null | \"text\"\n    names     {\"key\": null | 0.5, …}\n",
        "\n    error     {\"code\": 0}\n",
        "\n    tree      \"Leaf\" | {\"Node\": [a `Tree`, a `Tree`]} | {\"Named\": {\"name\": \"text\", \"of\": [a `Tree`, …]}} | {\"Other\": 0}\n",
        "; may run again",
    ] {
        assert!(shown.contains(words), "{words:?} in {shown}");
    }
    let shown = json_of(&home, &["show", "offering", "climb", "--json"]);
    assert_eq!(
        shown["arguments"][2],
        json!({ "name": "path", "type": "&Path", "expects": { "words": "a text", "json": "\"text\"" } })
    );
    assert_eq!(shown["idempotent"], true);
    assert_eq!(shown["fingerprint"].as_str().map(str::len), Some(32));
}

#[test]
fn arguments_are_words_or_json() {
    let home = Home::new();
    home.run_zoo(&["start", "offering"]);
    let all = json!({
        "tree": { "Named": { "name": "oak", "of": ["Leaf"] } }, "pair": [true, "x"], "names": { "-3": 0.5 },
        "places": [[[1, 2], null]], "large": "340282366920938463463374607431768211455", "small": -1, "path": "/a",
    });
    let words: Vec<String> = all
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            value => format!("{name}={value}"),
        })
        .collect();
    let words: Vec<&str> = ["call", "offering", "mirror"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let by_words = home.run_remotex(&words);
    let text = all.to_string();
    assert_eq!(
        home.run_remotex(&["call", "offering", "mirror", "--json", &text]),
        by_words
    );
    let mut piped = home
        .remotex(&["call", "offering", "mirror", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    piped
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert_eq!(stdout(&piped.wait_with_output().unwrap()), by_words);
    let answer: Value = serde_json::from_str(&by_words).unwrap();
    assert_eq!(
        (&answer[0], &answer[6], &answer[7]),
        (&all["tree"], &json!("/a"), &Value::Null)
    );
}

#[test]
fn wrong_use_is_told_in_a_sentence_and_by_a_code() {
    let home = Home::new();
    board(&home);
    home.run_zoo(&["start", "offering"]);
    let folder = home.path("run/remotex");
    for (words, code, sentence) in [
        (
            &["bboard", "pots"][..],
            2,
            "`pots` on server `bboard`: the server offers no such function; is `post` meant?",
        ),
        (
            &["bboard", "xyzzy"],
            2,
            "`xyzzy` on server `bboard`: the server offers no such function; there is `post`, `read`",
        ),
        (
            &["bboard", "post", "itme=x", "by=y"],
            2,
            "the argument `itme` of `post` on server `bboard` cannot be sent: there is none of that name; is `item` meant?",
        ),
        (
            &["bboard", "post", "item=x"],
            2,
            "the argument `by` of `post` on server `bboard` cannot be sent: it is missing; it is a `&str`",
        ),
        (
            &["bboard", "post", "item=x", "item=y"],
            2,
            "the argument `item` of `post` is there twice",
        ),
        (
            &["bboard", "post", "hello"],
            2,
            "`hello` is no argument of `post`: write NAME=VALUE with `item`, `by`",
        ),
        (
            &["bboard", "read", "all"],
            2,
            "`all` is no argument of `read`: write NAME=VALUE; it has none",
        ),
        (
            &["offering", "Branch::grow", "self=x", "by=many"],
            2,
            "the argument `self` of `Branch::grow` on server `offering` cannot be sent: a `Remote<Branch>` cannot be given as JSON; call it from a program (it is a `&mut Self`)",
        ),
        (
            &["offering", "fail", "how=Never"],
            2,
            "the argument `how` of `fail` on server `offering` cannot be sent: it has no variant `Never`; there is `Wrong`, `Panic`, `Not` (it is a `How`)",
        ),
        (
            &["offering", "internal"],
            2,
            "`internal` on server `offering`: the server offers no such function; there is `Branch::grow`, `HEIGHT::get`, `climb`, `fail`, `mirror`, `reform`, `undocumented`",
        ),
        (
            &["offering", "undocumented", "value=x"],
            2,
            "the argument `value` of `undocumented` on server `offering` cannot be sent: its type can only be read from a format that describes itself (as with `untagged`, `tag`, `flatten` or `serde_json::Value`); write `#[remote(SERVER, json)]`",
        ),
        (
            &["offering", "fail", "how={\"Wrong\":{\"code\":7}}"],
            1,
            "the code is 7",
        ),
        (
            &["none", "read"],
            3,
            &format!(
                "server `none`: there is none of that name in `{}`, where there is `bboard`, `offering`",
                folder.display()
            ),
        ),
        (
            &["no/name", "read"],
            3,
            "server `no/name`: there is no such server: a name is 1 to 64 letters, digits, `.`, `_` or `-`",
        ),
    ] {
        let words: Vec<&str> = ["call"].into_iter().chain(words.iter().copied()).collect();
        let (refused, told) = home.refusal(&words);
        let (told, usage) = told.split_once('\n').unwrap_or((&told, ""));
        assert_eq!((refused, told), (code, sentence), "{words:?}");
        if words[2] == "post" {
            let wanted = "  post(item: &str, by: &str) -> remotex::Result<()>\n    Pins an item to the board.";
            assert_eq!(usage, wanted, "{words:?}");
        }
    }
    for (text, why) in [
        ("[1]", "this is [1]"),
        (
            "{",
            "this is no JSON: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        let (code, words) = home.refusal(&["call", "bboard", "post", "--json", text]);
        let error: Value = serde_json::from_str(&words).unwrap();
        let message =
            format!("the arguments of `post` are to be a JSON object with `item`, `by`; {why}");
        assert_eq!((code, &error["error"]["message"]), (2, &json!(message)));
    }
    let (code, words) = home.refusal(&["call", "offering", "fail", "how=Panic"]);
    assert_eq!(code, 1);
    assert!(
        words.starts_with("`fail` on server `offering` panicked at ")
            && words.ends_with(": as it was told"),
        "{words}"
    );
    assert_eq!(home.refusal(&["frobnicate"]).0, 2);
    home.run_remotex(&["stop", "bboard"]);
    let stopped = "server `bboard`: it does not run; start it with `remotex start bboard`";
    assert_eq!(
        home.refusal(&["call", "bboard", "read"]),
        (3, stopped.to_owned())
    );
    assert_eq!(home.refusal(&["status", "bboard"]), (3, stopped.to_owned()));
}

#[test]
fn who_is_not_let_in_is_told_by_a_code_of_its_own() {
    let home = Home::new();
    home.run_zoo(&["start", "hooked"]);
    let (code, words) = home.refusal(&["call", "hooked", "forbidden"]);
    assert_eq!((code, &*words), (4, "nobody may do that"));
    let folder = home.path("run/remotex");
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    assert_eq!(home.refusal(&["ls"]).0, 4);
    assert_eq!(home.refusal(&["status", "hooked"]).0, 4);
}

#[test]
fn errors_are_json_where_json_is_wanted() {
    let home = Home::new();
    home.run_zoo(&["start", "offering"]);
    let error = |words: &[&str]| -> Value {
        let (code, words) = home.refusal(words);
        let error: Value = serde_json::from_str(&words).unwrap();
        assert_eq!(error["error"]["exit"], code);
        error["error"].clone()
    };
    let raised = error(&[
        "call",
        "offering",
        "fail",
        "--json",
        r#"{"how":{"Wrong":{"code":7}}}"#,
    ]);
    assert_eq!(
        (
            &raised["kind"],
            &raised["value"]["code"],
            &raised["message"]
        ),
        (&json!("Raised"), &json!(7), &json!("the code is 7"))
    );
    for words in [
        &["status", "--json"][..],
        &["status", "x", "--jsn", "--json"],
        &["--json"],
    ] {
        let wrong = error(words);
        assert_eq!(
            (&wrong["kind"], &wrong["causes"]),
            (&json!("Use"), &json!([]))
        );
        assert!(
            wrong["message"]
                .as_str()
                .unwrap()
                .contains("Usage: remotex"),
            "{wrong}"
        );
    }
    let panicked = error(&["call", "offering", "fail", "--json", r#"{"how":"Panic"}"#]);
    assert_eq!(
        (&panicked["kind"], &panicked["may_have_run"]),
        (&json!("Panicked"), &json!(true))
    );
    let unknown = error(&["show", "offering", "clim", "--json"]);
    assert_eq!(
        (&unknown["kind"], &unknown["may_have_run"]),
        (&json!("UnknownFunction"), &json!(false))
    );
    assert_eq!(error(&["status", "none", "--json"])["kind"], "Unreachable");
}

#[test]
fn everything_that_prints_prints_json() {
    let home = Home::new();
    home.command("diary")
        .args(["note", "it rained"])
        .status()
        .unwrap();
    let listed = json_of(&home, &["ls", "--json"]);
    assert_eq!(
        (&listed[0]["server"], &listed[0]["state"]),
        (&json!("diary"), &json!("running"))
    );
    let status = json_of(&home, &["status", "diary", "--json"]);
    assert_eq!(
        (&status["pid"], &status["calls"]),
        (&listed[0]["pid"], &json!(1))
    );
    assert_eq!(
        status["address"],
        format!("unix:{}", home.socket("diary").display())
    );
    let shown = json_of(&home, &["show", "diary", "--json"]);
    assert_eq!(
        shown["functions"][0]["docs"],
        "Notes something, and returns how many notes there are."
    );
    assert_eq!(
        json_of(&home, &["logs", "diary", "--json"]),
        "note 1: it rained"
    );
    assert_eq!(
        json_of(&home, &["doctor", "diary", "--json"])["fix"],
        Value::Null
    );
    let anew = json_of(&home, &["restart", "diary", "--json"]);
    assert_eq!(
        anew,
        json!({ "server": "diary", "key": "", "state": "running" })
    );
    assert_ne!(
        json_of(&home, &["status", "diary", "--json"])["pid"],
        status["pid"]
    );
    assert_eq!(
        json_of(&home, &["stop", "diary", "--json"])["state"],
        "stopped"
    );
    assert_eq!(
        json_of(&home, &["start", "diary", "--json"])["state"],
        "running"
    );
}

#[test]
fn people_see_colours_and_heads_and_programs_do_not() {
    let home = Home::new();
    board(&home);
    let on_a_terminal = |more: &[(&str, &str)]| {
        let words = format!("{} ls", command_path().display());
        let mut script = home.any("script");
        script
            .args(["-qec", &words, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        script
            .envs(more.iter().copied())
            .output()
            .map(|output| stdout(&output))
    };
    match on_a_terminal(&[]) {
        Ok(shown) => assert!(
            shown.contains("\u{1b}[") && shown.contains("SERVER  KEY  STATE"),
            "{shown}"
        ),
        Err(e) => return eprintln!("left out, for want of `script`: {e}"),
    }
    let plain = on_a_terminal(&[("NO_COLOR", "1")]).unwrap();
    assert!(
        !plain.contains('\u{1b}') && plain.contains("SERVER  KEY  STATE"),
        "{plain}"
    );
    assert!(!home.run_remotex(&["ls"]).contains("SERVER"));
}
