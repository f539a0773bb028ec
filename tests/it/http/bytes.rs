use std::io::{BufReader, Read, Write};

use super::{JSON, Response, There, connect};

/// Sends bytes, and nothing more, and returns the statuses that come until the connection ends.
fn statuses(there: &There, bytes: &[u8]) -> Vec<u16> {
    let mut stream = connect(there.port);
    // It may refuse what it has read only the beginning of.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut stream = BufReader::new(stream);
    std::iter::from_fn(|| Response::read(&mut stream, false))
        .map(|response| response.status)
        .collect()
}

#[test]
fn requests_that_come_at_once_are_answered_in_their_order() {
    let there = There::of("zoo");
    let echo = |text: &str| {
        let arguments = format!("{{\"text\":\"{text}\"}}");
        there.request("POST", "/call/echo", &[JSON], arguments.as_bytes())
    };
    let texts: Vec<_> = (0..50).map(|n| format!("text {n}")).collect();
    let all: Vec<u8> = texts.iter().flat_map(|text| echo(text)).collect();
    let mut stream = connect(there.port);
    stream.write_all(&all).unwrap();
    let mut stream = BufReader::new(stream);
    for text in texts {
        assert_eq!(Response::read(&mut stream, false).unwrap().json(), *text);
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let there = There::of("zoo");
    let mut stream = connect(there.port);
    stream.set_nodelay(true).unwrap();
    for byte in there.request("POST", "/call/echo", &[JSON], b"{\"text\":\"slowly\"}") {
        stream.write_all(&[byte]).unwrap();
    }
    let response = Response::read(&mut BufReader::new(stream), false).unwrap();
    assert_eq!(response.json(), "slowly");
}

#[test]
fn a_body_in_chunks_is_put_together() {
    let there = There::of("zoo");
    let headers = [JSON, "transfer-encoding: chunked"];
    let mut bytes = there.request("POST", "/call/echo", &headers, b"");
    bytes.extend_from_slice(
        b"3;why=not\r\n{\"t\r\n0e\r\next\":\"chunks\"}\r\n0\r\nlater: x\r\n\r\n",
    );
    let mut stream = connect(there.port);
    stream.write_all(&bytes).unwrap();
    let response = Response::read(&mut BufReader::new(stream), false).unwrap();
    assert_eq!((response.status, response.json()), (200, "chunks".into()));
}

#[test]
fn what_is_no_request_is_refused_and_others_are_served() {
    let there = There::of("zoo");
    let token = there.token();
    let ours =
        |head: &str, body: &str| format!("{head}authorization: Bearer {token}\r\n{JSON}\r\n{body}");
    let post = "POST /call/pid HTTP/1.1\r\nhost: x\r\n";
    for bytes in [
        "\0\u{1}\u{2}garbage\r\n\r\n".to_owned(),
        "\r\n\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        // HTTP/0.9.
        "GET /healthz\r\n".to_owned(),
        "GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(),
        // HTTP/2, by somebody who takes it for granted.
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n".to_owned(),
        // Without a host, or with two of them (RFC 9112, 3.2).
        "GET /healthz HTTP/1.1\r\n\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n".to_owned(),
        ours(post, "content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        ours(post, "content-length: -1\r\n\r\n{}"),
        ours(post, "content-length: +2\r\n\r\n{}"),
        ours(post, "content-length: 99999999999999999999999999\r\n\r\n{}"),
        ours(post, "content-length: two\r\n\r\n{}"),
        ours(
            post,
            "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        ),
        ours(
            post,
            "transfer-encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n",
        ),
        ours(
            post,
            "transfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n{}",
        ),
        ours(post, "transfer-encoding: gzip\r\n\r\n{}"),
        ours(post, &format!("x: {}\r\n\r\n", "y".repeat(1 << 20))),
        ours(post, &format!("{}\r\n", "x: y\r\n".repeat(1000))),
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(1 << 20)),
        // What a client of `tls://` says first.
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}".to_owned(),
    ] {
        let statuses = statuses(&there, bytes.as_bytes());
        let short: String = bytes.chars().take(200).collect();
        assert!(
            statuses.iter().all(|status| (400..500).contains(status)),
            "{short:?}: {statuses:?}"
        );
        assert!(
            statuses.len() <= 1,
            "nothing of it is taken for a request of its own: {short:?}"
        );
        there.answers();
    }
}

#[test]
fn an_old_client_is_answered_and_its_connection_ends() {
    let there = There::of("zoo");
    assert_eq!(statuses(&there, b"GET /healthz HTTP/1.0\r\n\r\n"), [200]);
    let mut stream = connect(there.port);
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("\r\n\r\nok\n"), "{said}");
}

#[test]
fn a_body_over_the_limit_is_refused_whether_it_was_announced_or_not() {
    let there = There::of("small");
    let refused = |bytes: &[u8]| {
        let mut stream = connect(there.port);
        // Nothing more comes, and nothing more is waited for.
        stream.write_all(bytes).unwrap();
        Response::read(&mut BufReader::new(stream), false).unwrap()
    };
    let announced = there.request(
        "POST",
        "/call/small",
        &[JSON, "content-length: 1000000000000"],
        b"",
    );
    let mut chunks = there.request(
        "POST",
        "/call/small",
        &[JSON, "transfer-encoding: chunked"],
        b"",
    );
    for _ in 0..5 {
        chunks.extend_from_slice(&[&b"400\r\n"[..], &[b' '; 1024], b"\r\n"].concat());
    }
    for bytes in [announced, chunks] {
        let response = refused(&bytes);
        assert_eq!(response.status, 413);
        let message = response.json()["error"]["message"].to_string();
        assert!(
            message.contains("4096 bytes") && message.contains("`.max_message`"),
            "{message}"
        );
        there.answers();
    }
    // Who waits to be told to go on is told at once that it is of no use.
    let waiting = [JSON, "content-length: 5000", "expect: 100-continue"];
    assert_eq!(
        refused(&there.request("POST", "/call/small", &waiting, b"")).status,
        413
    );
}

#[test]
fn who_stops_in_the_middle_is_not_waited_for_and_nobody_waits_for_them() {
    let there = There::of("zoo");
    let begun = |bytes: &[u8]| {
        let mut stream = connect(there.port);
        stream.write_all(bytes).unwrap();
        stream
    };
    let request = there.request("POST", "/call/pid", &[JSON, "content-length: 10"], b"");
    let silent: Vec<_> = (0..40).map(|_| begun(b"")).collect();
    let heads: Vec<_> = (0..40)
        .map(|n| begun(&request[..request.len() - 1 - n]))
        .collect();
    let bodies: Vec<_> = (0..40)
        .map(|_| begun(&[&request, &b"{"[..]].concat()))
        .collect();
    let chunks = there.request(
        "POST",
        "/call/pid",
        &[JSON, "transfer-encoding: chunked"],
        b"",
    );
    let chunks: Vec<_> = (0..40)
        .map(|_| begun(&[&chunks, &b"a\r\n{"[..]].concat()))
        .collect();
    there.answers();
    assert!(there.zoo(&["pid"]).parse::<u32>().is_ok());
    for mut stream in silent.into_iter().chain(heads) {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
    }
    for stream in bodies.into_iter().chain(chunks) {
        let response = Response::read(&mut BufReader::new(stream), false).unwrap();
        let error = &response.json()["error"];
        assert_eq!((response.status, &error["kind"]), (408, &"TimedOut".into()));
        assert_eq!(error["may_have_run"], false);
    }
    there.answers();
}

#[test]
fn who_goes_away_in_the_middle_is_forgotten() {
    let there = There::of("zoo");
    let request = there.request("POST", "/call/echo", &[JSON], b"{\"text\":\"x\"}");
    for end in 0..request.len() {
        let mut stream = connect(there.port);
        stream.write_all(&request[..end]).unwrap();
    }
    for _ in 0..100 {
        // These do not read what they asked for.
        connect(there.port).write_all(&request).unwrap();
    }
    there.answers();
    crate::support::await_that(|| there.get("/status").json()["connections"] == 1);
}
