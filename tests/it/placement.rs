//! Where a function runs, for how long, and what it knows of who called it.

use std::fs;

use crate::support::{Home, stderr, stdout};

#[test]
fn a_function_that_may_run_locally_does_where_no_server_can_be_had() {
    let home = Home::new();
    let output = home
        .zoo(&["anywhere", "x"])
        .env("REMOTEX_EXPLAIN", "1")
        .output()
        .unwrap();
    assert!(stdout(&output).starts_with("\"x in "), "{output:?}");
    assert!(
        stderr(&output)
            .contains("`anywhere` on server `nowhere`: it runs here, since no server can be had: "),
        "{output:?}"
    );
    let server = home.serve(&["serve", "nowhere"], "nowhere");
    let there = format!("\"x in {}\"", server.pid());
    assert_eq!(home.run_zoo(&["anywhere", "x"]), there);
    // A folder that cannot be trusted is no server either.
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(home.path("run/remotex"), mode(0o777)).unwrap();
    let here = home.run_zoo(&["anywhere", "x"]);
    assert!(here.starts_with("\"x in ") && here != there, "{here}");
}

#[test]
fn there_is_a_server_for_each_key() {
    let home = Home::new();
    let mut found = Vec::new();
    for folder in ["one", "two", "one"] {
        let path = home.path(folder);
        fs::create_dir_all(&path).unwrap();
        let mut command = home.zoo(&["folder"]);
        let said = stdout(&command.current_dir(&path).output().unwrap());
        assert!(
            said.ends_with(&format!(", \"{}\")", path.display())),
            "{said}"
        );
        found.push(said);
        let mut status = home.zoo(&["key", "folders"]);
        let key = stdout(&status.current_dir(&path).output().unwrap());
        assert_eq!(key, format!("\"{}\"", path.display()));
    }
    assert_eq!(found[0], found[2]);
    assert_ne!(found[0], found[1]);
    assert_eq!(home.servers().len(), 2);
    let mut stop = home.zoo(&["stop", "folders"]);
    stop.current_dir(home.path("one")).status().unwrap();
    assert_eq!(home.servers().len(), 1, "each is stopped for itself");
    // One that is at the address of another is noticed.
    let socket = fs::read_dir(home.path("run/remotex")).unwrap().flatten();
    let socket = socket
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "sock"));
    let one = home.path("run/remotex").join(socket.unwrap());
    fs::create_dir(home.path("three")).unwrap();
    let expected = home.path("three");
    let name = explained_socket(&home, &expected);
    fs::hard_link(one, name).unwrap();
    let said = stdout(
        &home
            .zoo(&["folder"])
            .current_dir(expected)
            .output()
            .unwrap(),
    );
    assert!(
        said.starts_with("Mismatch false ") && said.contains("/two` listens at"),
        "{said}"
    );
}

/// Where a client looks for its server when it is called in a folder.
fn explained_socket(home: &Home, folder: &std::path::Path) -> String {
    let mut command = home.zoo(&["without-init", "folder"]);
    let output = command
        .current_dir(folder)
        .env("REMOTEX_EXPLAIN", "1")
        .output()
        .unwrap();
    let words = stderr(&output);
    let (_, rest) = words.split_once("nobody listens at `").expect(&words);
    rest.split_once('`').unwrap().0.to_owned()
}

#[test]
fn a_call_that_takes_too_long_is_given_up_and_goes_on() {
    let home = Home::new();
    // The limit of a call would hold for the start too.
    home.run_zoo(&["start", "hasty"]);
    assert_eq!(
        home.run_zoo(&["sleep", "1"]),
        "true",
        "and knows how long it may take"
    );
    let said = home.run_zoo(&["sleep", "100000"]);
    assert!(
        said.starts_with("TimedOut true `sleep` on server `hasty`: the server at `unix:")
            && said.contains("did not answer within 2s"),
        "{said}"
    );
    let status = home.run_zoo(&["running", "hasty"]);
    assert_eq!(status, "1", "it goes on");
    assert_eq!(home.run_zoo(&["sleep", "1"]), "true");
}

#[test]
fn a_limit_of_time_holds_for_the_start_too() {
    let home = Home::new();
    home.run_zoo(&["start", "hasty"]);
    home.run_zoo(&["stop", "hasty"]);
    // Somebody holds the start lock, and does not let it go.
    let start = fs::File::open(home.path("run/remotex/hasty.start")).unwrap();
    rustix::fs::flock(&start, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let said = home.run_zoo(&["sleep", "1"]);
    assert!(
        said.starts_with("TimedOut false `sleep` on server `hasty`: "),
        "{said}"
    );
    assert!(said.contains("hasty.start"), "{said}");
    assert!(
        said.contains("for 1 s") || said.contains("for 2 s"),
        "and not the thirty of a start: {said}"
    );
}

#[test]
fn what_keep_env_names_is_kept() {
    let home = Home::new();
    let mut command = home.zoo(&["kept", "TOKEN"]);
    let output = command
        .env("TOKEN", "t")
        .env("SECRET", "s")
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "Some(\"t\")");
    assert_eq!(home.run_zoo(&["kept", "SECRET"]), "None");
}

#[test]
fn a_server_has_what_its_process_needs() {
    for (variable, value, there) in [
        ("LLVM_PROFILE_FILE", "a-%p.profraw", "HOME/a-%p.profraw"),
        ("LD_LIBRARY_PATH", "lib:/lib", "HOME/lib:/lib"),
        ("LD_PRELOAD", "libc.so.6", "libc.so.6"),
        ("UBSAN_OPTIONS", "x=1", "x=1"),
        ("https_proxy", "http://x", "http://x"),
    ] {
        let home = Home::new();
        let output = home.zoo(&["kept", variable]).env(variable, value).output();
        let folder = home.path("");
        let there = there.replace("HOME", folder.to_str().unwrap().trim_end_matches('/'));
        assert_eq!(stdout(&output.unwrap()), format!("Some({there:?})"));
    }
}

#[test]
fn a_caller_is_known_by_its_program_arguments_and_terminal() {
    let home = Home::new();
    let program = crate::support::program_path("zoo");
    let said = home.run_zoo(&["words", "a b", ""]);
    let program = program.display();
    assert_eq!(
        said,
        format!("(Some(\"{program}\"), [\"{program}\", \"words\", \"a b\", \"\"], false)")
    );
    // `script` runs a command at a terminal of its own.
    let mut script = home.any("script");
    let command = format!("{program} words");
    match script.args(["-qec", &command, "/dev/null"]).output() {
        Ok(output) => assert!(
            stdout(&output).trim_end().ends_with(", true)"),
            "{output:?}"
        ),
        Err(e) => eprintln!("left out, for want of `script`: {e}"),
    }
}

#[test]
fn explain_tells_the_steps() {
    let home = Home::new();
    let explained = |words: &[&str]| {
        stderr(
            &home
                .zoo(words)
                .env("REMOTEX_EXPLAIN", "1")
                .output()
                .unwrap(),
        )
    };
    let first = explained(&["pid"]);
    let mut rest = first.as_str();
    for step in [
        "remotex +",
        " ms: server `zoo`: its address is `unix:",
        "nobody listens at `",
        "it holds `",
        "it starts `",
        "somebody listens at `",
        "greets, which runs this very program",
    ] {
        let at = rest.find(step).unwrap_or_else(|| panic!("{step}: {first}"));
        rest = &rest[at..];
    }
    let second = explained(&["pid"]);
    assert!(!second.contains("it starts"), "{second}");
    let off = home
        .zoo(&["pid"])
        .env("REMOTEX_EXPLAIN", "1")
        .env("REMOTEX_ZOO", "off")
        .output()
        .unwrap();
    assert!(stderr(&off).contains("its address is `local:`"), "{off:?}");
    assert!(stderr(&home.zoo(&["pid"]).output().unwrap()).is_empty());
}
