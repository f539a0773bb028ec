use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use super::{Response, There, connect};
use crate::support::stdout;

/// Listens for the connections of a client; those on which nothing comes only see whether somebody is there.
fn listen(mut serve: impl FnMut(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        // It ends with the test.
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            if stream.peek(&mut [0]).is_ok_and(|n| n > 0) {
                serve(stream);
            }
        }
    });
    port
}

/// What the zoo says through what listens at a port.
fn through(there: &There, port: u16, words: &[&str]) -> String {
    let mut zoo = there.here.zoo(words);
    zoo.env("REMOTEX_ZOO", format!("http://127.0.0.1:{port}"));
    stdout(&zoo.output().unwrap())
}

/// Reads a request to its end.
fn swallow(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
        request.push(byte[0]);
    }
    let head = String::from_utf8(request).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1);
    let length = length.map_or("0", |rest| rest.lines().next().unwrap());
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
}

#[test]
fn what_a_proxy_says_by_itself_is_no_answer_of_the_server() {
    let there = There::of("zoo");
    for (status, more, variant, words) in [
        (
            "502 Bad Gateway",
            "",
            "Lost true ",
            "the function may have run",
        ),
        (
            "503 Service Unavailable",
            "",
            "Lost true ",
            "the function may have run",
        ),
        (
            "504 Gateway Timeout",
            "",
            "Lost true ",
            "the function may have run",
        ),
        (
            "500 Internal Server Error",
            "",
            "Lost true ",
            "500 Internal Server Error",
        ),
        (
            "401 Unauthorized",
            "www-authenticate: Basic realm=\"its\"\r\n",
            "Denied false ",
            "does not let us in",
        ),
        ("403 Forbidden", "", "Denied false ", "a proxy on the way"),
        (
            "413 Payload Too Large",
            "",
            "Denied false ",
            "raise its limit",
        ),
        ("404 Not Found", "", "Malformed ", "is no remotex server"),
        (
            "405 Method Not Allowed",
            "",
            "Malformed ",
            "is no remotex server",
        ),
        ("200 OK", "", "Malformed ", "is no remotex server"),
        (
            "302 Found",
            "location: http://127.0.0.1:1/\r\n",
            "Malformed ",
            "302 Found",
        ),
        (
            "301 Moved Permanently",
            "location: /\r\n",
            "Malformed ",
            "301 Moved Permanently",
        ),
    ] {
        let page = "<html>\n  It is the\n  proxy that speaks.</html>";
        let response = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html\r\n{more}content-length: {}\r\n\r\n{page}",
            page.len()
        );
        let port = listen(move |mut stream| {
            swallow(&mut stream);
            let _ = stream.write_all(response.as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
        });
        let said = through(&there, port, &["pid"]);
        assert!(
            said.starts_with(variant) && said.contains(words),
            "{status}: {said}"
        );
        assert!(
            said.contains("It is the proxy that speaks."),
            "{status}: {said}"
        );
    }
}

#[test]
fn what_speaks_no_http_is_named() {
    let there = There::of("zoo");
    for words in [
        &b"220 mail.example ESMTP\r\n"[..],
        b"remotex\n\0\0\0\0",
        b"HTTP/1.1 two hundred\r\n\r\n",
    ] {
        let port = listen(move |mut stream| {
            swallow(&mut stream);
            let _ = stream.write_all(words);
            let _ = stream.shutdown(Shutdown::Both);
        });
        let said = through(&there, port, &["pid"]);
        assert!(
            said.starts_with("Malformed true ") && said.contains("does not speak HTTP"),
            "{said}"
        );
    }
    // It says that it is ours, and is not.
    let port = listen(|mut stream| {
        swallow(&mut stream);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-remotex\r\ncontent-length: 5\r\n\r\nhello";
        let _ = stream.write_all(head.as_bytes());
    });
    let said = through(&there, port, &["pid"]);
    assert!(
        said.starts_with("Malformed ") && said.contains("is no remotex server"),
        "{said}"
    );
}

/// How much passes through a proxy before it cuts its first connection; the later ones pass.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Request(usize),
    Response(usize),
}

/// Passes bytes on, until the cut; `passed` counts those of the first connection in each direction.
fn cutting(to: u16, cut: Cut, passed: [Arc<AtomicUsize>; 2]) -> u16 {
    let mut is_first = true;
    listen(move |client| {
        let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
        let (requests, responses) = match cut {
            Cut::Request(n) if is_first => (n, usize::MAX),
            Cut::Response(n) if is_first => (usize::MAX, n),
            _ => (usize::MAX, usize::MAX),
        };
        let counted = match is_first {
            true => passed.clone(),
            false => Default::default(),
        };
        is_first = false;
        let again = [&client, &server].map(|end| end.try_clone().unwrap());
        let [client_again, server_again] = again;
        let [in_requests, in_responses] = counted;
        thread::spawn(move || pass(client, server, requests, &in_requests));
        thread::spawn(move || pass(server_again, client_again, responses, &in_responses));
    })
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut left: usize, counted: &AtomicUsize) {
    let mut buffer = [0; 4096];
    while left > 0 {
        let space = buffer.len().min(left);
        match from.read(&mut buffer[..space]) {
            Ok(n) if n > 0 => {
                counted.fetch_add(n, Ordering::SeqCst);
                if to.write_all(&buffer[..n]).is_err() {
                    break;
                }
                left -= n;
            }
            _ => break,
        }
    }
    for end in [from, to] {
        // One of them may be closed already.
        let _ = end.shutdown(Shutdown::Both);
    }
}

#[test]
fn a_call_that_is_cut_anywhere_runs_once_at_the_most_and_is_answered_or_lost() {
    let there = There::of("zoo");
    let file = there.here.path("runs");
    let note = |port, id: &str| through(&there, port, &["note", file.to_str().unwrap(), id]);
    let passed: [Arc<AtomicUsize>; 2] = Default::default();
    let whole = cutting(there.port, Cut::Request(usize::MAX), passed.clone());
    assert_eq!(note(whole, "whole"), "()");
    let [request, response] = passed.map(|passed| passed.load(Ordering::SeqCst));
    assert!(request > 200 && response > 100, "{request} {response}");
    let cuts = (0..=request).step_by(7).map(Cut::Request);
    let cuts = cuts.chain((0..=response).step_by(7).map(Cut::Response));
    let mut ended = Vec::new();
    for (number, cut) in cuts.enumerate() {
        let id = format!("{number:05}");
        let port = cutting(there.port, cut, Default::default());
        ended.push((cut, note(port, &id), id));
    }
    assert_eq!(
        there.zoo(&["stop", "zoo"]),
        "()",
        "all that ran has come to its end"
    );
    let runs = fs::read_to_string(file).unwrap();
    for (cut, said, id) in ended {
        let times = runs.lines().filter(|run| **run == *id).count();
        match &*said {
            "()" => assert_eq!(times, 1, "{cut:?}"),
            said => {
                assert!(said.starts_with("Lost true "), "{cut:?}: {said}");
                assert!(times <= 1, "{cut:?}: {times}");
            }
        }
        if let Cut::Response(1..) = cut {
            // The server was asked what became of it.
            assert_eq!((&*said, times), ("()", 1), "{cut:?}");
        }
    }
}

/// What a server replies over HTTP that has no room for a call.
fn busy() -> Vec<u8> {
    let field = |tag: u8, value: &[u8]| {
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        [&[tag], &length[..], value].concat()
    };
    let frame = |kind: u8, fields: &[Vec<u8>]| {
        let body = fields.concat();
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [&length[..], &[kind, 0, 0, 0], &body].concat()
    };
    let hello = [field(1, &[1]), field(2, b"zoo"), field(4, &[0, 0, 1])];
    let fault = [field(1, &[7]), field(2, b"it is full")];
    [b"remotex\n".to_vec(), frame(0, &hello), frame(0x83, &fault)].concat()
}

#[test]
fn a_call_that_may_have_run_is_not_said_to_have_not_since_there_is_no_room_for_it_again() {
    let there = There::of("zoo");
    for (first, said) in [(true, "Lost true "), (false, "Busy false ")] {
        let mut cuts = first;
        let port = listen(move |mut stream| {
            swallow(&mut stream);
            if !std::mem::take(&mut cuts) {
                let reply = busy();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/x-remotex\r\ncontent-length: {}\r\n\r\n",
                    reply.len()
                );
                stream
                    .write_all(&[head.as_bytes(), &reply].concat())
                    .unwrap();
            }
            let _ = stream.shutdown(Shutdown::Both);
        });
        let ended = through(&there, port, &["pid"]);
        assert!(ended.starts_with(said), "{ended}");
    }
}

#[test]
fn a_connection_that_was_closed_between_two_calls_is_made_again() {
    let there = There::of("zoo");
    // Each connection has one exchange, after which it ends without a word.
    let to = there.port;
    let served = Arc::new(AtomicUsize::new(0));
    let counted = served.clone();
    let port = listen(move |mut client| {
        let mut server = connect(to);
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) > 0 {
            head.push(byte[0]);
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        let length = text.split("content-length: ").nth(1).unwrap();
        let mut body = vec![0; length.lines().next().unwrap().parse().unwrap()];
        client.read_exact(&mut body).unwrap();
        server.write_all(&[head, body].concat()).unwrap();
        let response = Response::read(&mut BufReader::new(server), false).unwrap();
        // Its end comes together with its last byte.
        rustix::net::sockopt::set_tcp_cork(&client, true).unwrap();
        let again = format!(
            "HTTP/1.1 {} OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            response.status,
            response.header("content-type").unwrap(),
            response.body.len()
        );
        client
            .write_all(&[again.as_bytes(), &response.body].concat())
            .unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let file = there.here.path("runs");
    let said = through(&there, port, &["busy", "1", "100", file.to_str().unwrap()]);
    assert_eq!(said, "(100, 0)");
    assert!(served.load(Ordering::SeqCst) > 100);
}
