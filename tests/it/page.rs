//! The page of a server that is asked over HTTP, as a person meets it: in a real browser, with a mouse, a keyboard, a
//! phone.

use std::process::Command;

use crate::browser::{Browser, ENTER, TAB};
use crate::support::{Home, await_that, free_port, stderr, stdout};

/// A page in a browser, and the server that shows it.
struct Page {
    browser: Browser,
    home: Home,
    program: &'static str,
    port: u16,
}

impl Page {
    /// That of the program's server, which a call with these words starts; `None` where there is no browser.
    fn new(program: &'static str, words: &[&str]) -> Option<Self> {
        let home = Home::new();
        let page = Self {
            browser: Browser::new(&home)?,
            home,
            program,
            port: free_port(),
        };
        page.run(words);
        let token = format!("home/.config/remotex/{program}/token");
        let token = std::fs::read_to_string(page.home.path(&token)).unwrap();
        page.browser.open(&format!(
            "http://x:{}@127.0.0.1:{}/",
            token.trim(),
            page.port
        ));
        page.browser.await_text("#server", program);
        await_that(|| {
            page.browser
                .value("document.querySelectorAll('[data-function]').length")
                != 0
        });
        Some(page)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.home.command(self.program);
        let address = format!("http://127.0.0.1:{}", self.port);
        command.env(format!("REMOTEX_{}", self.program.to_uppercase()), address);
        command.args(words);
        command
    }

    /// Runs the program elsewhere, and returns what it has printed.
    fn run(&self, words: &[&str]) -> String {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        stdout(&output)
    }

    /// The text of a part of a function's card.
    fn text(&self, function: &str, part: &str) -> String {
        self.browser
            .text(&format!("[data-function='{function}'] {part}"))
    }

    /// Calls a function as its form does, and returns what is shown of it then.
    fn call(&self, function: &str, arguments: &[(&str, &str)]) -> String {
        let card = format!("[data-function='{function}']");
        for (name, value) in arguments {
            self.browser.click(&format!("{card} [name='{name}']"));
            self.browser.press(value);
        }
        self.browser.click(&format!("{card} [data-call]"));
        self.answer(function)
    }

    /// What is shown when a call has ended.
    fn answer(&self, function: &str) -> String {
        let result = format!("[data-function='{function}'] [data-result]");
        let state = format!("document.querySelector(`{result}`).dataset.state");
        await_that(|| {
            ["answer", "error"]
                .map(Into::into)
                .contains(&self.browser.value(&state))
        });
        self.browser.text(&result)
    }

    /// Presses Tab until the focus is there.
    fn tab_to(&self, id: &str) {
        let is_there = format!("document.activeElement.id === '{id}'");
        for _ in 0..40 {
            if self.browser.value(&is_there) == true {
                return;
            }
            self.browser.press(&TAB.to_string());
        }
        panic!("Tab does not lead to `{id}`");
    }

    /// Nothing was against the page's rules, and no script has failed.
    fn is_blameless(&self) {
        let complaints = self.browser.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

#[test]
fn a_board_is_read_and_written_in_a_browser() {
    let Some(page) = Page::new("bboard", &["hello", "world"]) else {
        return;
    };
    // What there is, in the words of the source.
    assert!(
        page.text("post", ".docs")
            .contains("Pins an item to the board.")
    );
    assert!(
        page.text("read", ".docs")
            .contains("All that is on the board, oldest first.")
    );
    assert_eq!(
        page.text("post", ".signature"),
        "post(item: &str, by: &str) -> Result<()>"
    );
    assert!(
        page.text("read", ".signature")
            .ends_with(" -> Result<Vec<NewsItem>>")
    );
    // What is pinned there is on the board.
    page.call("post", &[("item", "fresh \"bread\""), ("by", "a browser")]);
    let read = page.run(&[]);
    assert!(
        read.ends_with("From a browser, just now: fresh \"bread\""),
        "{read}"
    );
    let read = page.call("read", &[]);
    assert!(
        read.contains("hello world") && read.contains("a browser"),
        "{read}"
    );
    page.is_blameless();
}

#[test]
fn the_page_is_used_without_a_mouse() {
    let Some(page) = Page::new("bboard", &["hello"]) else {
        return;
    };
    page.tab_to("arg-post-item");
    page.browser.press("by hand");
    page.tab_to("arg-post-by");
    page.browser.press(&format!("fingers{ENTER}"));
    page.answer("post");
    let read = page.run(&[]);
    assert!(read.ends_with("From fingers, just now: by hand"), "{read}");
    page.is_blameless();
}

#[test]
fn the_page_follows_its_server() {
    let Some(page) = Page::new("bboard", &["one"]) else {
        return;
    };
    // It is gone if the page is loaded again.
    page.browser.value("window.here = true");
    let calls = |calls: &str| await_that(|| page.text("post", "[data-calls]") == calls);
    calls("1");
    page.run(&["two"]);
    calls("2");
    assert_eq!(page.browser.text("#banner"), "");
    let pid = page.browser.text("[data-status=pid]");
    page.run(&["--stop"]);
    page.browser.await_text("#banner", "has not answered");
    page.run(&["again"]);
    await_that(|| page.browser.text("#banner").is_empty());
    calls("1");
    assert_ne!(page.browser.text("[data-status=pid]"), pid);
    assert_eq!(page.browser.value("window.here"), true);
    page.is_blameless();
}

#[test]
fn what_goes_wrong_is_told_in_a_browser() {
    let Some(page) = Page::new("zoo", &["pid"]) else {
        return;
    };
    let failed = page.call("anyhow_chain", &[]);
    for words in ["Failed", "outer", "middle", "inner"] {
        assert!(failed.contains(words), "{words}: {failed}");
    }
    let raised = page.call("typed", &[("since", "1970")]);
    assert!(
        raised.contains("Hungry") && raised.contains("1970"),
        "{raised}"
    );
    // A path is typed as it is, and bytes that are no text as a list.
    let missing = page.call("io_kind", &[("path", "/no/such/file")]);
    assert!(missing.contains("No such file"), "{missing}");
    let joined = page.call("joined", &[("bytes", "[255, 10]"), ("path", "a")]);
    let is_joined = joined
        .split_whitespace()
        .collect::<String>()
        .contains("[255,10,97]");
    assert!(is_joined, "{joined}");
    let panicked = page.call("panics", &[("text", "fire")]);
    assert!(panicked.contains("fire, said the zoo"), "{panicked}");
    // What cannot be sent is said where it is written.
    page.browser.click("[data-function=factorial] [data-call]");
    await_that(|| !page.text("factorial", ".problem").is_empty());
    assert_eq!(page.text("factorial", "[data-result]"), "");
    // All of it is remembered, by the server.
    page.browser.await_text("#failures", "fire, said the zoo");
    let failures = page.browser.text("#failures");
    assert!(
        failures.contains("anyhow_chain") && failures.contains("outer"),
        "{failures}"
    );
    await_that(|| page.text("panics", "[data-errors]") == "1");
    page.is_blameless();
}

#[test]
fn the_page_fits_a_phone_and_keeps_its_rules() {
    let Some(page) = Page::new("zoo", &["pid"]) else {
        return;
    };
    page.browser.resize(360, 740);
    let long = "x".repeat(200);
    let answered = page.call("echo", &[("text", &long)]);
    assert!(answered.contains(&long), "{answered}");
    page.call("panics", &[("text", &long)]);
    page.browser.await_text("#failures", &long);
    let width = page.browser.value("document.documentElement.scrollWidth");
    assert_eq!(width, 360);
    page.is_blameless();
    let policy = "fetch(location.origin).then(page => page.headers.get('content-security-policy'))";
    let policy = page.browser.value(policy);
    let policy: Vec<_> = policy.as_str().unwrap().split("; ").collect();
    let hash = |directive: &str, of: &str| {
        let hash = directive.strip_prefix(of).unwrap();
        assert!(
            hash.starts_with("'sha256-") && !hash.contains(' '),
            "{directive}"
        );
    };
    hash(policy[1], "script-src ");
    hash(policy[2], "style-src ");
    assert_eq!(policy[0], "default-src 'none'");
    assert_eq!(
        policy[3..],
        [
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'"
        ]
    );
    // Who breaks them is heard of, or the tests would be blind.
    for wrong in [
        "document.body.setAttribute('onclick', 'alert()')",
        "setTimeout(() => nothing.at.all)",
    ] {
        page.browser.value(wrong);
        await_that(|| !page.browser.complaints().is_empty());
    }
}
