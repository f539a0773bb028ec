//! A browser without a window that a test drives: a real chromium, through chromedriver, which takes its orders as
//! JSON over HTTP (WebDriver, W3C).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::support::{Home, await_that, free_port};

/// What makes it small and silent: it asks nobody but the test's servers.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// The keys that have no letter, as WebDriver calls them.
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const TAB: char = '\u{e004}';

pub(crate) struct Browser {
    driver: Driver,
    session: String,
}

impl Browser {
    /// One that keeps its things in that home; `None` where there is none.
    pub(crate) fn new(home: &Home) -> Option<Self> {
        let port = free_port();
        let mut driver = home.any("chromedriver");
        driver
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // With a group of its own, all that it starts is ended with it.
            .process_group(0);
        let driver = match driver.spawn() {
            Ok(child) => Driver { child, port },
            Err(e) => {
                eprintln!("left out, for want of `chromedriver`: {e}");
                return None;
            }
        };
        await_that(|| driver.try_ask("GET", "/status", &Value::Null).is_some());
        let data = home.path("browser").display().to_string();
        let flags = FLAGS.map(String::from).into_iter();
        let flags: Vec<_> = flags.chain([format!("--user-data-dir={data}")]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = driver.ask("POST", "/session", &wanted);
        let Some(session) = made["sessionId"].as_str().map(str::to_owned) else {
            let why = made["message"].as_str().unwrap_or_default();
            // One that is there must start.
            assert!(why.contains("binary"), "chromium does not start: {why}");
            eprintln!("left out, for want of `chromium`: {why}");
            return None;
        };
        Some(Self { driver, session })
    }

    fn order(&self, order: &str, with: &Value) -> Value {
        let path = format!("/session/{}/{order}", self.session);
        let answer = self.driver.ask("POST", &path, with);
        assert!(answer["error"].is_null(), "{order} {with}: {answer}");
        answer
    }

    pub(crate) fn open(&self, address: &str) {
        self.order("url", &json!({ "url": address }));
    }

    /// Has a window of so many pixels, on a phone if it is narrow.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let is_phone = width < 600;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone }),
        );
    }

    /// What WebDriver has no word for.
    pub(crate) fn devtools(&self, order: &str, with: &Value) -> Value {
        self.order("goog/cdp/execute", &json!({ "cmd": order, "params": with }))
    }

    /// What an expression is on the page, in the end if it is a promise.
    pub(crate) fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.order("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of an element as it is seen; empty if there is none.
    pub(crate) fn text(&self, of: &str) -> String {
        let text = self.value(&format!("document.querySelector(`{of}`)?.innerText ?? ''"));
        text.as_str().unwrap().to_owned()
    }

    /// Waits until the text of an element has that in it.
    pub(crate) fn await_text(&self, of: &str, wanted: &str) {
        await_that(|| self.text(of).contains(wanted));
    }

    /// Clicks where an element is.
    pub(crate) fn click(&self, on: &str) {
        let found = self.order("element", &json!({ "using": "css selector", "value": on }));
        // The key of an element's number is the same everywhere (WebDriver, 12.1).
        let element = found["element-6066-11e4-a52e-4f735466cecf"]
            .as_str()
            .unwrap();
        self.order(&format!("element/{element}/click"), &json!({}));
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let each = |key| ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key }));
        let actions: Vec<_> = keys.chars().flat_map(each).collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.order("actions", &json!({ "actions": [keyboard] }));
    }

    /// What the browser has found wrong since it was last asked, without the replies that were no success.
    pub(crate) fn complaints(&self) -> Vec<Value> {
        let Value::Array(mut all) = self.order("se/log", &json!({ "type": "browser" })) else {
            panic!("there is no log");
        };
        all.retain(|entry| entry["source"] != "network");
        all
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It removes what it has made elsewhere than in its home, if it is still there.
        let path = format!("/session/{}", self.session);
        let _ = self.driver.try_ask("DELETE", &path, &Value::Null);
    }
}

struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let asked = self.try_ask(method, path, body);
        asked.unwrap_or_else(|| panic!("no answer to {method} {path} {body}"))
    }

    /// The `value` of its answer; `None` if it does not answer.
    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Option<Value> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        // In which any machine has started a browser.
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        socket.write_all((head + &body).as_bytes()).ok()?;
        let mut answer = BufReader::new(socket);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).ok()?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().ok()?;
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut json = vec![0; length];
        answer.read_exact(&mut json).ok()?;
        let mut json: Value = serde_json::from_slice(&json).ok()?;
        Some(json["value"].take())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let group = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        let _ = kill_process_group(group, Signal::KILL);
        self.child.wait().unwrap();
    }
}
