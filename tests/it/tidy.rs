//! Rules of the source that no compiler keeps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The modules of the runtime by layer: each may use those of lower layers, and nothing else.
/// `registry` and `server` name each other, since servers are what the registry tells apart.
const LAYERS: [&[&str]; 14] = [
    &["thread", "backoff", "logline"],
    &["at_exit"],
    &["testing"],
    &[
        "error",
        "tag",
        "paths",
        "transport",
        "poller",
        "shape",
        "program",
        "thread",
        "terminal",
        "figures",
    ],
    &[
        "wire", "codec", "address", "caller", "chain", "explain", "output",
    ],
    &["session", "json"],
    &["link", "function"],
    &["bridge", "network"],
    &["hook", "trace"],
    &["argument", "client", "serve", "daemon"],
    &["server", "registry"],
    &["variable", "guarded", "discovery"],
    &["call"],
    &["answer", "remote", "dynamic"],
];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("in which layer is `{module}`?"))
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("target") {
            continue; // what cargo has built there
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lines of code that mention `words`, without comments and tests.
fn mentions<'t>(text: &'t str, words: &str) -> Vec<&'t str> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//") && line.contains(words))
        .collect()
}

#[test]
fn no_layer_knows_those_above_it() {
    let folder = root().join("remote-runtime/src");
    for (path, text) in sources(&folder) {
        let inside = path.strip_prefix(&folder).unwrap().with_extension("");
        let module = inside.iter().next().unwrap().to_str().unwrap();
        if module == "lib" {
            continue;
        }
        for line in mentions(&text, "crate::") {
            for used in line.split("crate::").skip(1).flat_map(first_names) {
                let pair = [module, used];
                let allowed = module == used
                    || pair == ["registry", "server"]
                    || pair == ["server", "registry"]
                    || layer(used) < layer(module);
                assert!(
                    allowed,
                    "{}: `{module}` must not use `{used}`: {line}",
                    path.display()
                );
            }
        }
    }
}

/// `a` of `a::b`, and `a`, `b` of `{a, b::c}`.
fn first_names(path: &str) -> Vec<&str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    match path.strip_prefix('{') {
        Some(list) => list
            .split([',', '}'])
            .map(|item| item.trim().split(|c| !is_name(c)).next().unwrap())
            .filter(|name| !name.is_empty())
            .collect(),
        None => vec![path.split(|c| !is_name(c)).next().unwrap()],
    }
}

#[test]
fn what_is_used_in_one_place_is_used_in_that_place() {
    let folder = root().join("remote-runtime/src");
    for (words, allowed) in [
        ("bincode", &["codec/compiled.rs"][..]),
        (
            "Command::new",
            &["bridge.rs", "daemon/launch.rs", "testing/home.rs"],
        ),
        ("signal_hook", &["serve/signals.rs"]),
        (
            "unsafe {",
            &[
                "at_exit.rs",
                "daemon/launch.rs",
                "daemon/manager.rs",
                "network/http/conversion.rs",
                "poller/kqueue.rs",
                "program/linux.rs",
                "serve/signals.rs",
                "transport/linux.rs",
                "transport/other.rs",
            ],
        ),
        (
            "env::var",
            &[
                "address.rs",
                "bridge.rs",
                "chain.rs",
                "client/conversation.rs",
                "daemon/circle.rs",
                "daemon/handover.rs",
                "daemon/environment.rs",
                "daemon/manager.rs",
                "explain.rs",
                "paths.rs",
                "program/path.rs",
                "testing/enabled.rs",
                "testing/home.rs",
            ],
        ),
    ] {
        for (path, text) in sources(&folder) {
            let file = path.strip_prefix(&folder).unwrap().to_str().unwrap();
            let lines = mentions(&text, words);
            assert!(
                lines.is_empty() || allowed.contains(&file),
                "{file} must not use {words}: {lines:?}"
            );
        }
    }
}

#[test]
fn a_file_is_read_in_one_sitting() {
    for folder in [
        "src",
        "remote-macro/src",
        "remote-runtime/src",
        "examples",
        "tests",
        "benches",
    ] {
        for (path, text) in sources(&root().join(folder)) {
            let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
            assert!(
                lines <= 450,
                "{} has {lines} lines; is there a second noun in it?",
                path.display()
            );
        }
    }
}

#[test]
fn a_published_package_says_what_it_is() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = all["packages"].as_array().unwrap().iter();
    // Those with `publish = false` have an empty list of registries.
    let published = packages.filter(|package| package["publish"].is_null());
    let mut names = Vec::new();
    for package in published {
        let name = package["name"].as_str().unwrap();
        for field in [
            "description",
            "license",
            "documentation",
            "readme",
            "rust_version",
        ] {
            assert!(package[field].is_string(), "{name} has no {field}");
        }
        for field in ["keywords", "categories"] {
            let list = package[field].as_array().unwrap();
            assert!((1..=5).contains(&list.len()), "{name}: {field}");
        }
        let folder = Path::new(package["manifest_path"].as_str().unwrap())
            .parent()
            .unwrap();
        let readme = package["readme"].as_str().unwrap();
        for file in [readme, "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(folder.join(file).is_file(), "{name} has no {file}");
        }
        names.push(name);
    }
    names.sort_unstable();
    assert_eq!(names, ["remote-macro", "remote-runtime", "remotex"]);
}
