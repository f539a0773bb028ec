use serde_json::{Value, json};

use super::{JSON, There};

/// A call must end with that status and that kind of error; returns the error.
fn fails(there: &There, name: &str, arguments: &str, status: u16, kind: &str) -> Value {
    let (its, mut value) = there.call(name, arguments);
    let error = value["error"].take();
    assert_eq!(
        (its, error["kind"].as_str()),
        (status, Some(kind)),
        "{name} {arguments}: {error}"
    );
    assert!(!error["message"].as_str().unwrap().is_empty());
    error
}

#[test]
fn calls_with_json_are_answered_with_json() {
    let there = There::of("zoo");
    assert_eq!(there.call("echo", r#"{"text":"ä\n"}"#), (200, json!("ä\n")));
    assert_eq!(there.call("factorial", r#"{"n":5}"#), (200, json!(120)));
    assert_eq!(there.call("Cage::bars", "{}"), (200, json!(12)));
    assert_eq!(there.call("Cage%3A%3Abars", " {}\n"), (200, json!(12)));
    assert_eq!(there.call("caught_panic", "{}"), (200, Value::Null));
    let animals = r#"{"animals":[{"Cat":{"lives":9}}]}"#;
    assert_eq!(there.call("Cage::count", animals), (200, json!(1)));
    // What the body is can be said with more words, and in any case.
    let kind = "Content-Type: Application/JSON; charset=utf-8";
    let response = there.ask("POST", "/call/pid?x=y", &[kind], b"{}");
    assert_eq!(response.status, 200);
}

#[test]
fn what_is_said_wrongly_in_json_is_named() {
    let there = There::of("zoo");
    for (name, arguments, what) in [
        ("echo", r#"{"txt":"x"}"#, "`txt`"),
        ("echo", r#"{"text":"x","more":1}"#, "`more`"),
        ("echo", r#"{"text":7}"#, "`text`"),
        ("echo", r#"{"text":null}"#, "`text`"),
        ("echo", "{}", "`text`"),
        ("factorial", r#"{"n":-1}"#, "`n`"),
        ("factorial", r#"{"n":1.5}"#, "`n`"),
        ("factorial", r#"{"n":18446744073709551616}"#, "`n`"),
        ("Cage::count", r#"{"animals":[{"Cat":{}}]}"#, "lives"),
        ("Cage::count", r#"{"animals":["Unicorn"]}"#, "Unicorn"),
        ("echo", "[]", "object"),
        ("echo", "\"text\"", "object"),
        ("echo", "null", "object"),
        ("echo", "", "object"),
        ("echo", r#"{"text":"x""#, "object"),
        ("echo", r#"{"text":"x"} more"#, "object"),
        ("echo", "\u{feff}{}", "object"),
        ("echo", "text=x", "object"),
    ] {
        let error = fails(&there, name, arguments, 400, "Unsendable");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(what), "{arguments}: {message}");
        assert_eq!(error["may_have_run"], false);
    }
    let (status, error) = there.call("echo", b"{\"text\":\"\xff\"}");
    assert_eq!(
        (status, &error["error"]["kind"]),
        (400, &json!("Unsendable"))
    );
    // So deep that who reads it by recursion runs out of stack.
    let deep = format!("{{\"text\":{}", "[".repeat(100_000));
    fails(&there, "echo", &deep, 400, "Unsendable");
    there.answers();
}

#[test]
fn errors_have_a_status_and_say_what_they_are() {
    let there = There::of("zoo");
    let error = fails(&there, "ehco", "{}", 404, "UnknownFunction");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("`echo`"),
        "it says what may be meant: {message}"
    );
    fails(&there, "", "{}", 404, "UnknownFunction");
    fails(&there, "%FF", "{}", 404, "UnknownFunction");
    let error = fails(&there, "anyhow_chain", "{}", 422, "Failed");
    assert!(
        error["message"].as_str().unwrap().ends_with("outer"),
        "{error}"
    );
    assert_eq!(error["causes"], json!(["middle", "inner"]));
    assert_eq!(error["may_have_run"], true);
    let error = fails(&there, "typed", r#"{"since":3}"#, 422, "Raised");
    assert_eq!(error["value"], json!({"Hungry": {"since": 3}}));
    // Its type has no text.
    let message = "`typed` on server `zoo` has failed with a value";
    assert_eq!(error["message"], message);
    let error = fails(&there, "panics", r#"{"text":"help"}"#, 500, "Panicked");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("help, said the zoo"),
        "{error}"
    );
    assert_eq!(error["may_have_run"], true);
    let error = fails(&there, "untagged", r#"{"value":1}"#, 400, "Unsendable");
    assert_eq!(error["may_have_run"], false);
    // JSON says what it is.
    assert_eq!(there.call("answers_untagged", "{}").0, 200);
    there.answers();
}

#[test]
fn what_a_hook_refuses_is_forbidden() {
    let there = There::of("hooked");
    let error = fails(&there, "forbidden", "{}", 403, "Denied");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("nobody may do that"),
        "{error}"
    );
    assert_eq!(there.call("runs", "{}"), (200, json!(0)));
    let error = fails(&there, "raises", "{}", 422, "Raised");
    assert_eq!(error["value"], 7);
}

#[test]
fn what_is_too_large_is_refused_in_either_direction() {
    let there = There::of("small");
    let bytes = "x".repeat(5000);
    let arguments = format!("{{\"bytes\":\"{bytes}\"}}");
    let error = fails(&there, "small", &arguments, 413, "TooLarge");
    assert_eq!(error["may_have_run"], false);
    let error = fails(&there, "answers", r#"{"bytes":5000}"#, 500, "TooLarge");
    assert_eq!(error["may_have_run"], true);
    assert_eq!(there.call("small", r#"{"bytes":"abc"}"#), (200, json!(3)));
}

#[test]
fn what_is_not_offered_is_not_called() {
    let there = There::of("offering");
    fails(&there, "internal", "{}", 404, "UnknownFunction");
    let answer = there.call("fail", r#"{"how":{"Wrong":{"code":7}}}"#).1;
    assert_eq!(answer["error"]["value"], json!({"code": 7}));
}

#[test]
fn a_request_that_is_none_of_a_call_says_what_it_should_be() {
    let there = There::of("zoo");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
    ] {
        let kind = format!("content-type: {kind}");
        let response = there.ask("POST", "/call/pid", &[&kind], b"{}");
        let message = response.json()["error"]["message"].to_string();
        assert_eq!(response.status, 415, "{kind}");
        assert!(message.contains("`application/json`"), "{message}");
    }
    assert_eq!(there.ask("POST", "/call/pid", &[], b"{}").status, 415);
    // What only those ask who have compiled types.
    assert_eq!(there.ask("POST", "/control", &[JSON], b"{}").status, 415);
    for (method, path, allowed) in [
        ("GET", "/call/pid", "POST"),
        ("PUT", "/call/pid", "POST"),
        ("HEAD", "/call/pid", "POST"),
        ("GET", "/control", "POST"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/status", "GET, HEAD"),
        ("OPTIONS", "/metrics", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("BREW", "/interface", "GET, HEAD"),
    ] {
        let response = there.ask(method, path, &[], b"");
        assert_eq!(
            (response.status, response.header("allow")),
            (405, Some(allowed)),
            "{method} {path}"
        );
    }
    for path in [
        "/nothing",
        "/call",
        "/status/",
        "//",
        "/call//../status",
        "/CALL/pid",
    ] {
        let response = there.ask("POST", path, &[JSON], b"{}");
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(response.json()["error"]["may_have_run"], false);
    }
    let frames = "content-type: application/x-remotex";
    for body in [
        &b"{}"[..],
        b"remotex\n",
        b"remotex\n\xff\xff\xff\xff\x01\0\0\0",
    ] {
        let response = there.ask("POST", "/call/pid", &[frames], body);
        assert_eq!(response.status, 400);
    }
    there.answers();
}

#[test]
fn an_error_of_a_type_of_its_own_has_its_text() {
    let there = There::of("offering");
    let how = r#"{"how":{"Wrong":{"code":7}}}"#;
    let error = fails(&there, "fail", how, 422, "Raised");
    assert_eq!(error["value"], json!({"code": 7}));
    assert_eq!(error["message"], "the code is 7");
}
