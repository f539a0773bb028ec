//! Programs that have servers of their own: development builds, tests, and AppImages, which are
//! mounted at another place each time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::identity::install;
use crate::support::{
    Home, Running, await_that, begin, is_alive, json_of, printed, program_path, stderr, stdout,
};

/// A program of this home, which does not know that the home is a private one.
fn program(home: &Home, path: &Path) -> Command {
    let mut command = home.any(path);
    command.env_remove("REMOTEX_testing_home");
    command
}

fn run(home: &Home, path: &Path, words: &[&str]) -> String {
    stdout(&program(home, path).args(words).output().unwrap())
}

fn pid(home: &Home, path: &Path) -> i32 {
    let said = run(home, path, &["same"]);
    said.parse().unwrap_or_else(|_| panic!("{said}"))
}

/// The process of the server that the client in Python finds; `None` where there is no Python.
fn by_python(home: &Home) -> Option<i32> {
    let mut python = home.any("python3");
    python
        .args([
            "-B",
            "-c",
            "import remotex; print(remotex.connect('builds').same())",
        ])
        .env(
            "PYTHONPATH",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../clients/python"),
        );
    let output = python.output().ok()?;
    Some(
        stdout(&output)
            .parse()
            .unwrap_or_else(|_| panic!("{}", stderr(&output))),
    )
}

/// Puts a build where cargo would, below a folder of the home.
fn built(home: &Home, build: &str, path: &str) -> PathBuf {
    let path = home.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    install(&program_path(build), &path);
    path
}

/// The files in the folder of sockets and in that of logs.
fn left(home: &Home) -> Vec<String> {
    let folders = ["run/remotex", "state/remotex"].map(|folder| home.path(folder));
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let names = entries.flatten().flatten().map(|entry| entry.file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn development_builds_have_servers_of_their_own_which_end_with_their_folder() {
    let home = Home::new();
    let installed = built(&home, "build-1", "bin/program");
    let checkouts = ["one", "two"].map(|name| {
        let program = built(&home, "build-2", &format!("{name}/target/debug/program"));
        fs::write(program.with_file_name(".cargo-lock"), "").unwrap();
        program
    });
    let daemons = [&installed, &checkouts[0], &checkouts[1]].map(|path| pid(&home, path));
    let [ours, first, second] = daemons;
    assert!(
        ours != first && first != second && second != ours,
        "{daemons:?}"
    );
    // Programs of one profile share theirs, and find each other in each turn.
    let example = built(&home, "build-2", "one/target/debug/examples/other");
    for _ in 0..2 {
        assert_eq!(pid(&home, &example), first);
        assert_eq!(pid(&home, &installed), ours);
        assert_eq!(pid(&home, &checkouts[0]), first);
        assert_eq!(run(&home, &checkouts[1], &["status"]), second.to_string());
    }
    assert_eq!(home.servers().len(), 3);
    let scopes: Vec<_> = json_of(&home, &["ls", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["scope"].as_str().unwrap().to_owned())
        .collect();
    let of = |name: &str| format!("the programs in `{}`", home.path(name).display());
    for scope in ["", &of("one/target/debug"), &of("two/target/debug")] {
        assert_eq!(
            scopes.iter().filter(|it| *it == scope).count(),
            1,
            "{scopes:?}"
        );
    }
    let mut explained = program(&home, &checkouts[0]);
    let output = explained.arg("same").env("REMOTEX_EXPLAIN", "1").output();
    let said = stderr(&output.unwrap());
    assert!(
        said.contains(&format!("for {} alone", of("one/target/debug"))),
        "{said}"
    );
    let is_found = |pid| by_python(&home).is_none_or(|found| found == pid);
    assert!(is_found(ours));
    // As `cargo clean` does.
    fs::remove_dir_all(home.path("one/target")).unwrap();
    await_that(|| !is_alive(first));
    assert_eq!(run(&home, &installed, &["stop"]), "0");
    assert!(is_found(second));
    assert_eq!(run(&home, &checkouts[1], &["stop"]), "0");
    let mark = left(&home);
    assert!(mark.iter().all(|name| !name.ends_with(".sock")), "{mark:?}");
    // Of the installed one and of the other checkout, lock, start lock and log stay.
    assert_eq!(mark.len(), 6, "{mark:?}");
}

#[test]
fn a_copy_of_a_development_build_counts_as_installed() {
    let home = Home::new();
    let development = built(&home, "build-1", "target/debug/program");
    fs::write(development.with_file_name(".cargo-lock"), "").unwrap();
    let installed = built(&home, "build-1", "bin/program");
    let (here, there) = (pid(&home, &development), pid(&home, &installed));
    assert_ne!(here, there);
    // A link is as it is called.
    let link = home.path("bin/link");
    std::os::unix::fs::symlink(&development, &link).unwrap();
    assert_eq!(pid(&home, &link), there);
}

#[test]
fn servers_that_are_started_by_hand_and_addresses_are_shared_by_all() {
    let home = Home::new();
    let development = built(&home, "build-1", "target/debug/program");
    fs::write(development.with_file_name(".cargo-lock"), "").unwrap();
    let installed = built(&home, "build-1", "bin/program");
    let address = format!("unix:{}", home.path("run/own.sock").display());
    let at = |path: &Path| {
        let mut command = program(&home, path);
        stdout(
            &command
                .arg("same")
                .env("REMOTEX_BUILDS", &address)
                .output()
                .unwrap(),
        )
    };
    let daemon = at(&development);
    assert_eq!(at(&installed), daemon);
    assert_eq!(run(&home, &development, &["stop"]), "0");
    let mut command = program(&home, &development);
    let server = Running::of(command.arg("serve").spawn().unwrap());
    await_that(|| run(&home, &installed, &["status"]) == server.pid().to_string());
    for path in [&development, &installed] {
        assert_eq!(pid(&home, path), server.pid());
    }
    fs::remove_dir_all(home.path("target")).unwrap();
    assert_eq!(at(&installed), daemon, "it is no server of that folder");
    assert_eq!(pid(&home, &installed), server.pid(), "nor is this one");
}

/// A client that has called a server that was started by hand stays at its address.
#[test]
fn the_successors_of_a_server_that_was_started_by_hand_are_found_where_it_was() {
    let home = Home::new();
    let development = built(&home, "build-1", "target/debug/program");
    fs::write(development.with_file_name(".cargo-lock"), "").unwrap();
    let installed = built(&home, "build-1", "bin/program");
    let status = || run(&home, &installed, &["status"]);
    let mut command = program(&home, &development);
    let server = Running::of(command.arg("serve").spawn().unwrap());
    await_that(|| status() == server.pid().to_string());
    let enough = home.path("enough");
    let mut command = program(&home, &development);
    let running = begin(command.arg("same-until").arg(&enough));
    for n in 1..4 {
        await_that(|| home.path(&format!("enough.{n}")).exists());
        assert_eq!(run(&home, &installed, &["stop"]), "0");
    }
    await_that(|| home.path("enough.4").exists());
    assert_eq!(home.servers().len(), 1);
    fs::write(&enough, "").unwrap();
    assert_eq!(printed(running), "4");
    let log = fs::read_to_string(home.path("state/remotex/builds.log")).unwrap();
    assert!(
        !log.contains("removed"),
        "a successor did not know its place: {log}"
    );
    assert_eq!(run(&home, &installed, &["stop"]), "0");
}

/// Doc tests are in folders of that name, and tests have such names; both may run `main`s that call.
#[test]
fn tests_have_servers_for_their_own_life() {
    for path in [
        "rustdoctestAbCdEf/rust_out",
        "target/debug/deps/tests-0123456789abcdef",
    ] {
        let home = Home::new();
        let installed = built(&home, "build-1", "bin/program");
        let ours = pid(&home, &installed);
        let test = built(&home, "build-2", path);
        let enough = home.path("enough");
        let mut command = program(&home, &test);
        let running = begin(command.arg("same-until").arg(&enough));
        await_that(|| home.path("enough.1").exists());
        let servers: Vec<_> = home.servers().into_iter().map(u32::cast_signed).collect();
        let [theirs] = *servers
            .iter()
            .filter(|&&pid| pid != ours)
            .collect::<Vec<_>>()
        else {
            panic!("{servers:?}")
        };
        // Another one at the same time has another server.
        let other = pid(&home, &test);
        assert!(other != *theirs && other != ours, "{path}");
        await_that(|| !is_alive(other));
        fs::write(&enough, "").unwrap();
        assert_eq!(printed(running), "1", "{path}");
        await_that(|| !is_alive(*theirs));
        assert_eq!(pid(&home, &installed), ours, "{path}");
        let stays = left(&home);
        let is_apart = |name: &String| name.contains('+');
        assert!(!stays.iter().any(is_apart), "{path}: {stays:?}");
    }
}

#[test]
fn nothing_stays_of_a_doc_test_whose_folder_goes_first() {
    let home = Home::new();
    let test = built(&home, "build-1", "rustdoctestAbCdEf/rust_out");
    let enough = home.path("enough");
    let mut command = program(&home, &test);
    let running = begin(command.arg("same-until").arg(&enough));
    await_that(|| home.path("enough.1").exists());
    fs::remove_dir_all(home.path("rustdoctestAbCdEf")).unwrap();
    fs::write(&enough, "").unwrap();
    printed(running);
    await_that(|| home.servers().is_empty());
    assert_eq!(left(&home), [""; 0]);
}

#[test]
fn an_appimage_is_the_program_wherever_it_is_mounted() {
    let home = Home::new();
    let image = home.path("program.AppImage");
    install(&program_path("appimage"), &image);
    let payload =
        |build: &str| install(&program_path(build), &home.path("program.AppImage.payload"));
    payload("build-1");
    let first = pid(&home, &image);
    assert_eq!(pid(&home, &image), first, "it is mounted at another place");
    let exe = fs::read_link(format!("/proc/{first}/exe")).unwrap();
    assert!(exe.starts_with(home.path("mounts")), "{}", exe.display());
    payload("build-2");
    install(&program_path("appimage"), &image);
    let second = pid(&home, &image);
    assert_ne!(second, first);
    assert_eq!(run(&home, &image, &["weigh"]), "7");
    assert_eq!(pid(&home, &image), second);
}
