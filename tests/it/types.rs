//! Types that serde does not show wholly, what an author says of them, and types that do not write
//! what they read.

use std::process::Command;

use crate::identity::install;
use crate::support::{Home, Running, await_that, free_port, program_path, stdout};

/// A server of the first build that was started by hand, which both builds call.
struct Served {
    home: Home,
    _server: Running,
}

impl Served {
    fn new() -> Self {
        let home = Home::new();
        let server = Running::of(home.command("types-1").arg("serve").spawn().unwrap());
        let pid = server.pid().to_string();
        await_that(|| run(&home, "types-2", &["pid"]) == pid);
        Self {
            home,
            _server: server,
        }
    }

    fn first(&self, words: &[&str]) -> String {
        run(&self.home, "types-1", words)
    }

    fn second(&self, words: &[&str]) -> String {
        run(&self.home, "types-2", words)
    }
}

fn run(home: &Home, build: &str, words: &[&str]) -> String {
    stdout(&home.command(build).args(words).output().unwrap())
}

#[test]
fn a_type_that_reads_by_a_value_is_refused_to_another_build() {
    let served = Served::new();
    assert_eq!(served.first(&["weigh"]), "7");
    let said = served.second(&["weigh"]);
    assert!(said.starts_with("false Mismatch("), "{said}");
    let remedy = r#"vouch for it with `#[remote(SERVER, types = \"1\")]`"#;
    for part in ["`weigh`", "alloc::vec::Vec<", "::Reading>", remedy] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn an_author_vouches_for_types_by_the_same_word() {
    let served = Served::new();
    for word in ["vouched", "last"] {
        assert_eq!(served.first(&[word]), "0");
        assert_eq!(served.second(&[word]), "0");
    }
    assert_eq!(served.first(&["revised"]), "7");
    let said = served.second(&["revised"]);
    assert!(
        said.starts_with("false Mismatch(") && said.contains("is another build"),
        "{said}"
    );
}

#[test]
fn a_type_that_does_not_write_what_it_reads_is_named_before_the_function_runs() {
    let served = Served::new();
    let file = served.home.path("ran");
    let path = file.to_str().unwrap();
    for (word, ty) in [("paint", "Vec<core::option::Option<"), ("erase", "::Color")] {
        for said in [served.first(&[word, path]), served.first(&[word, path])] {
            assert!(
                said.starts_with("false Mismatch(")
                    && said.contains(ty)
                    && said.contains("does not write what it reads"),
                "{said}"
            );
            assert!(!file.exists(), "it has run");
        }
    }
    assert_eq!(served.first(&["weigh"]), "7", "its server goes on");
}

/// Over a network, files cannot be compared: the content is, once it is asked for.
#[test]
fn a_type_that_serde_does_not_show_is_known_by_the_content_of_the_program() {
    for scheme in ["tcp", "http"] {
        let home = Home::new();
        let copy = home.path("copy");
        install(&program_path("types-1"), &copy);
        let address = format!("{scheme}://127.0.0.1:{}", free_port());
        let weigh = |mut command: Command| {
            command.arg("weigh").env("REMOTEX_TYPES", &address);
            stdout(&command.output().unwrap())
        };
        assert_eq!(weigh(home.command("types-1")), "7", "{scheme}");
        assert_eq!(weigh(home.any(&copy)), "7", "{scheme}");
        let said = weigh(home.command("types-2"));
        assert!(said.starts_with("false Mismatch("), "{scheme}: {said}");
        assert_eq!(home.servers().len(), 1);
    }
}
