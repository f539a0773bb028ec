use super::{JSON, Response, There, connect, give_token, request};
use crate::support::{Home, await_that, free_port, stdout};
use std::io::{BufReader, Read, Write};
use std::time::{Duration, Instant};

/// The status of a request with these headers, and whether it says how to be let in.
fn status(there: &There, method: &str, path: &str, headers: &[&str]) -> (u16, bool) {
    let mut stream = connect(there.port);
    let body: &[u8] = if method == "POST" { b"{}" } else { b"" };
    stream
        .write_all(&request(method, path, headers, body))
        .unwrap();
    let response = Response::read(&mut BufReader::new(stream), false).unwrap();
    let says = response.header("www-authenticate");
    (
        response.status,
        says.is_some_and(|says| says.starts_with("Basic ")),
    )
}

#[test]
fn nobody_is_let_in_without_the_token_but_to_see_whether_it_lives() {
    let there = There::of("zoo");
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/interface"),
        ("GET", "/openapi.json"),
        ("GET", "/status"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("POST", "/control"),
        ("POST", "/call/pid"),
        ("POST", "/call/nothing"),
        ("GET", "/call/pid"),
        ("PUT", "/status"),
    ] {
        assert_eq!(
            status(&there, method, path, &[JSON]),
            (401, true),
            "{method} {path}"
        );
    }
    assert_eq!(status(&there, "GET", "/healthz", &[]), (200, false));
    assert_eq!(
        status(&there, "GET", "/healthz", &["authorization: Bearer no"]),
        (200, false)
    );
}

#[test]
fn the_token_is_taken_as_programs_and_as_browsers_give_it() {
    let there = There::of("zoo");
    let token = there.token();
    let basic = |pair: String| format!("authorization: Basic {}", base64(pair.as_bytes()));
    for (header, expected) in [
        (format!("authorization: Bearer {token}"), 200),
        (format!("Authorization: BEARER {token}"), 200),
        (basic(format!("me:{token}")), 200),
        (basic(format!(":{token}")), 200),
        (format!("authorization: Bearer {token}0"), 401),
        (format!("authorization: Bearer {}", &token[1..]), 401),
        (
            format!("authorization: Bearer {}", token.to_uppercase()),
            401,
        ),
        ("authorization: Bearer".to_owned(), 401),
        (format!("authorization: {token}"), 401),
        (basic(token.clone()), 401),
        (basic(format!("{token}:me")), 401),
        ("authorization: Basic ====".to_owned(), 401),
        (format!("x-authorization: Bearer {token}"), 401),
    ] {
        assert_eq!(
            status(&there, "POST", "/call/pid", &[JSON, &header]).0,
            expected,
            "{header}"
        );
        assert_eq!(
            status(&there, "GET", "/status", &[&header]).0,
            expected,
            "{header}"
        );
    }
    // Nor is it taken from where others see it.
    assert_eq!(
        status(&there, "GET", &format!("/status?token={token}"), &[]).0,
        401
    );
}

#[test]
fn a_page_of_another_site_does_not_call() {
    let there = There::of("zoo");
    let token = format!("authorization: Bearer {}", there.token());
    for (header, expected) in [
        ("origin: http://elsewhere", 403),
        ("origin: null", 403),
        ("origin: https://here.elsewhere", 403),
        ("sec-fetch-site: cross-site", 403),
        ("sec-fetch-site: same-site", 403),
        ("origin: http://here", 200),
        ("sec-fetch-site: same-origin", 200),
        ("sec-fetch-site: none", 200),
    ] {
        let headers = [JSON, &*token, header];
        assert_eq!(
            status(&there, "POST", "/call/pid", &headers).0,
            expected,
            "{header}"
        );
    }
    // Nor does anything here let it read what it gets.
    let response = there.ask("GET", "/status", &["origin: http://elsewhere"], b"");
    assert!(
        !response
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("access-control-"))
    );
}

#[test]
fn a_client_without_the_right_token_is_told_where_it_belongs() {
    let there = There::of("zoo");
    let stranger = Home::new();
    let said = |home: &Home| {
        let mut zoo = there.with(home.zoo(&["pid"]));
        stdout(&zoo.output().unwrap())
    };
    let missing = said(&stranger);
    assert!(
        missing.starts_with("Denied false `pid` on server `zoo`: "),
        "{missing}"
    );
    let path = stranger.path("home/.config/remotex/zoo/token");
    assert!(
        missing.contains("lets in who knows its token")
            && missing.contains(&*path.to_string_lossy()),
        "{missing}"
    );
    give_token(&stranger, "zoo", &"0".repeat(64));
    let wrong = said(&stranger);
    assert!(
        wrong.starts_with("Denied false ")
            && wrong.contains("the token here is not that of the server"),
        "{wrong}"
    );
    assert!(!wrong.contains(&there.token()));
    give_token(&stranger, "zoo", "short");
    assert!(said(&stranger).contains("is no token"));
    // One that is right is taken, as soon as it is there.
    give_token(&stranger, "zoo", &there.token());
    assert!(said(&stranger).parse::<u32>().is_ok());
    assert!(stranger.servers().is_empty());
}

#[test]
fn nobody_is_called_without_a_token_where_nobody_listens() {
    let home = Home::new();
    let address = format!("http://127.0.0.1:{}", free_port());
    let mut zoo = home.zoo(&["manual"]);
    let said = stdout(&zoo.env("REMOTEX_MANUAL", address).output().unwrap());
    assert!(
        said.starts_with("Unreachable false `manual` on server `manual`: nobody listens at"),
        "{said}"
    );
}

#[test]
fn replies_without_the_token_prolong_nothing_and_the_token_does() {
    let there = There::of("zoo");
    let token = format!("authorization: Bearer {}", there.token());
    let ask = |stream: &mut BufReader<std::net::TcpStream>, headers: &[&str]| {
        let asked = request("GET", "/healthz", headers, b"");
        stream.get_mut().write_all(&asked).ok()?;
        Response::read(stream, false)
    };
    let [mut known, mut unknown] = [(); 2].map(|()| BufReader::new(connect(there.port)));
    assert_eq!(ask(&mut known, &[&token]).unwrap().status, 200);
    let began = Instant::now();
    // It asks again and again, and is cut off all the same.
    await_that(|| ask(&mut unknown, &[]).is_none());
    assert!(began.elapsed() > Duration::from_secs(4));
    assert_eq!(ask(&mut known, &[]).unwrap().status, 200);
    assert_eq!(ask(&mut known, &[&token]).unwrap().status, 200);
}

#[test]
fn a_crowd_without_the_token_keeps_no_client_out() {
    let there = There::of("zoo");
    let asked = request("GET", "/healthz", &[], b"");
    // More than there may be at once, each of which asks.
    let mut crowd: Vec<_> = (0..1200)
        .map(|_| {
            let mut stream = connect(there.port);
            // One that was closed for others is no fault.
            let _ = stream.write_all(&asked);
            stream
        })
        .collect();
    assert_eq!(there.zoo(&["echo", "x"]), "\"x\"");
    let closed = crowd.iter_mut().filter_map(|stream| {
        stream.set_nonblocking(true).unwrap();
        // After the reply, if it came, there is the end, or nothing.
        loop {
            match stream.read(&mut [0; 4096]) {
                Ok(0) => return Some(()),
                Ok(_) => {}
                Err(e) => return (e.kind() != std::io::ErrorKind::WouldBlock).then_some(()),
            }
        }
    });
    assert!(closed.count() > 0, "some make room");
}

/// Of few bytes (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).flat_map(|group| {
        let mut three = [0; 3];
        three[..group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        let digits = (0..4).map(move |at| DIGITS[(bits >> (18 - 6 * at) & 63) as usize]);
        let there = group.len() + 1;
        digits
            .take(there)
            .chain(std::iter::repeat_n(b'=', 4 - there))
    });
    groups.map(char::from).collect()
}
