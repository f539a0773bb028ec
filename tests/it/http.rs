//! Servers that are asked over HTTP: by programs with the compiled types, by everybody else with JSON, and
//! by those who send what no library would.

/// What is as over a socket: the board, the command, all that clients find.
mod same;
/// Calls with JSON, and their errors.
mod json;
/// Who is let in.
mod guard;
/// What is spoken wrongly, slowly, or not at all.
mod bytes;
/// What comes between a client and its server.
mod between;
/// What a server says of itself.
mod figures;
/// Calls in flight, and their server ends.
mod ending;
/// Encrypted, by the keys of `remotex keys init`.
mod sealed;
/// A real nginx on the way.
mod nginx;
/// Servers of which there is one for each key.
mod keyed;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Home, free_port, stdout};

/// A server of the zoo that is asked over HTTP, in a home of its own, so that clients in the other one know
/// nothing of it but its address and its token.
struct There {
    there: Home,
    here: Home,
    server: String,
    port: u16,
}

impl There {
    /// Starts the server.
    fn of(server: &str) -> Self {
        let there = Self::not_yet(server);
        there.start();
        there
    }

    fn not_yet(server: &str) -> Self {
        Self {
            there: Home::new(),
            here: Home::new(),
            server: server.to_owned(),
            port: free_port(),
        }
    }

    /// Starts the server, and lets in who is here.
    fn start(&self) {
        let mut start = self.with(self.there.zoo(&["start", &self.server]));
        let said = stdout(&start.output().unwrap());
        assert_eq!(said, "()");
        give_token(&self.here, &self.server, &self.token());
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Has a command meet the server at its address.
    fn with(&self, mut command: Command) -> Command {
        command.env(variable(&self.server), self.address());
        command
    }

    /// What the zoo says here.
    fn zoo(&self, words: &[&str]) -> String {
        stdout(&self.with(self.here.zoo(words)).output().unwrap())
    }

    fn token(&self) -> String {
        token(&self.there, &self.server)
    }

    /// Sends a request, and returns the response to it.
    fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Response {
        let mut stream = connect(self.port);
        stream
            .write_all(&self.request(method, path, headers, body))
            .unwrap();
        Response::read(&mut BufReader::new(stream), method == "HEAD").expect("a response")
    }

    /// The bytes of a request of somebody who knows the token.
    fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
        let authorization = format!("authorization: Bearer {}", self.token());
        let headers = [&[&*authorization], headers].concat();
        request(method, path, &headers, body)
    }

    fn get(&self, path: &str) -> Response {
        self.ask("GET", path, &[], b"")
    }

    /// Calls a function with JSON, and returns the status and what came.
    fn call(&self, name: &str, arguments: impl AsRef<[u8]>) -> (u16, Value) {
        let path = format!("/call/{name}");
        let response = self.ask("POST", &path, &[JSON], arguments.as_ref());
        (response.status, response.json())
    }

    /// The server goes on, and answers.
    fn answers(&self) {
        let (status, answer) = self.call(
            match &*self.server {
                "small" => "small",
                _ => "pid",
            },
            match &*self.server {
                "small" => r#"{"bytes":""}"#,
                _ => "{}",
            },
        );
        assert_eq!(status, 200, "{answer}");
    }
}

const JSON: &str = "content-type: application/json";

fn variable(server: &str) -> String {
    format!("REMOTEX_{}", server.to_uppercase())
}

/// The token of a server.
fn token(home: &Home, server: &str) -> String {
    let path = home.path(&format!("home/.config/remotex/{server}/token"));
    fs::read_to_string(path).unwrap().trim().to_owned()
}

/// Puts it where clients look for it.
fn give_token(home: &Home, server: &str, token: &str) {
    give(home, server, "token", token);
}

/// Copies a file of the keys.
fn give(home: &Home, server: &str, name: &str, text: &str) {
    let folder = home.path(&format!("home/.config/remotex/{server}"));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Connects by hand.
fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // Longer than any server has patience.
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: here\r\n");
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    if !body.is_empty() {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat()
}

/// What came, as it came.
#[derive(Debug)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// The next response of a connection; `None` if it has ended.
    fn read(from: &mut impl BufRead, is_head: bool) -> Option<Self> {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let status = line.split(' ').nth(1).expect(&line).parse().expect(&line);
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Self {
            status,
            headers,
            body: Vec::new(),
        };
        if !is_head {
            let length = response.header("content-length").unwrap_or("0");
            response.body.resize(length.parse().unwrap(), 0);
            from.read_exact(&mut response.body).unwrap();
        }
        Some(response)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut there = self.headers.iter().filter(|(its, _)| its == name);
        there.next().map(|(_, value)| &**value)
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}
