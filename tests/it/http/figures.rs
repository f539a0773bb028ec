use std::collections::BTreeMap;
use std::io::{BufReader, Write};

use serde_json::{Value, json};

use super::{JSON, Response, There, connect};
use crate::support::await_that;

/// Figures by their names with labels, and of each name what it is.
#[derive(Default)]
struct Figures {
    values: BTreeMap<String, f64>,
    kinds: BTreeMap<String, String>,
}

/// Reads the text format of Prometheus (version 0.0.4), by its rules.
fn figures(there: &There) -> Figures {
    let response = there.get("/metrics");
    assert_eq!(response.status, 200);
    let kind = response.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = response.text();
    assert!(text.ends_with('\n'), "the last line ends too");
    let mut figures = Figures::default();
    let mut helped = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            helped = help.split_once(' ').unwrap().0;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, helped);
            let before = figures.kinds.insert(name.to_owned(), kind.to_owned());
            assert_eq!(before, None, "{name} is described once");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let family = name.split('{').next().unwrap();
            let of_histogram = ["_bucket", "_sum", "_count"];
            let is_its = family == helped
                || of_histogram
                    .iter()
                    .any(|end| family.strip_suffix(end) == Some(helped));
            assert!(is_its, "{line} stands below `{helped}`");
            let before = figures
                .values
                .insert(name.to_owned(), value.parse().expect(line));
            assert_eq!(before, None, "{name} has one value");
        }
    }
    figures
}

impl Figures {
    fn of(&self, name: &str, function: &str) -> f64 {
        self.values[&format!("{name}{{function=\"{function}\"}}")]
    }

    /// The buckets of a function, from the shortest on.
    fn buckets(&self, function: &str) -> Vec<(f64, f64)> {
        let begin = format!("remotex_call_seconds_bucket{{function=\"{function}\",le=\"");
        let its = self.values.iter().filter_map(|(name, calls)| {
            let bound = name.strip_prefix(&begin)?.strip_suffix("\"}").unwrap();
            Some((bound.parse().unwrap(), *calls))
        });
        let mut its: Vec<_> = its.collect();
        its.sort_by(|a, b| a.partial_cmp(b).unwrap());
        its
    }
}

#[test]
fn figures_are_what_prometheus_reads_and_count_each_call() {
    let there = There::of("zoo");
    for _ in 0..5 {
        there.call("pid", "{}");
    }
    there.call("anyhow_chain", "{}");
    there.call("typed", r#"{"since":1}"#);
    there.call("panics", r#"{"text":"x"}"#);
    // What never got to the function is none of its calls.
    there.call("panics", "{}");
    assert!(there.zoo(&["pid"]).parse::<u32>().is_ok());
    let read = figures(&there);
    for (name, kind) in [
        ("remotex_connections", "gauge"),
        ("remotex_in_flight", "gauge"),
        ("remotex_calls_total", "counter"),
        ("remotex_errors_total", "counter"),
        ("remotex_call_seconds", "histogram"),
    ] {
        assert_eq!(read.kinds[name], kind);
    }
    for (function, calls, errors) in [
        ("pid", 6.0, 0.0),
        ("anyhow_chain", 1.0, 1.0),
        ("typed", 1.0, 1.0),
        ("panics", 1.0, 1.0),
        ("echo", 0.0, 0.0),
        ("Cage::bars", 0.0, 0.0),
    ] {
        assert_eq!(
            read.of("remotex_calls_total", function),
            calls,
            "{function}"
        );
        assert_eq!(
            read.of("remotex_errors_total", function),
            errors,
            "{function}"
        );
        let buckets = read.buckets(function);
        assert!(buckets.len() > 10);
        assert!(
            buckets
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1)
        );
        assert_eq!(*buckets.last().unwrap(), (f64::INFINITY, calls));
        assert_eq!(read.of("remotex_call_seconds_count", function), calls);
        assert_eq!(
            read.of("remotex_call_seconds_sum", function) > 0.0,
            calls > 0.0
        );
    }
    assert_eq!(read.values["remotex_in_flight"], 0.0);
}

#[test]
fn a_call_in_flight_is_seen() {
    let there = There::of("zoo");
    let file = there.here.path("file");
    let arguments = json!({ "file": file }).to_string();
    let mut stream = connect(there.port);
    let request = there.request("POST", "/call/slow", &[JSON], arguments.as_bytes());
    stream.write_all(&request).unwrap();
    await_that(|| file.with_extension("began").exists());
    let status = there.get("/status").json();
    assert_eq!(
        (&status["running"], &status["functions"]["slow"]["running"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(status["functions"]["slow"]["calls"], 0);
    assert_eq!(figures(&there).values["remotex_in_flight"], 1.0);
    // By hand, and who asks.
    await_that(|| figures(&there).values["remotex_connections"] == 2.0);
    std::fs::write(file, "").unwrap();
    let response = Response::read(&mut BufReader::new(stream), false).unwrap();
    assert_eq!(response.status, 200);
    await_that(|| there.get("/status").json()["running"] == 0);
    assert_eq!(there.get("/status").json()["functions"]["slow"]["calls"], 1);
}

#[test]
fn a_server_says_what_it_is_and_what_has_failed() {
    let there = There::of("zoo");
    there.call("panics", r#"{"text":"help"}"#);
    let status = there.get("/status").json();
    let (_, pid) = there.call("pid", "{}");
    assert_eq!(
        (&status["server"], &status["key"], &status["pid"]),
        (&json!("zoo"), &json!(""), &pid)
    );
    assert!(status["program"].as_str().unwrap().ends_with("zoo"));
    assert!(status["started"].as_f64().unwrap() <= status["now"].as_f64().unwrap());
    assert_eq!(status["calls"], 1);
    let failed = &status["failures"][0];
    assert_eq!(failed["function"], "panics");
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .contains("help, said the zoo"),
        "{failed}"
    );
    let its = &status["functions"]["panics"];
    assert_eq!((&its["calls"], &its["errors"]), (&json!(1), &json!(1)));
    assert!(its["p50"].as_f64().unwrap() <= its["p99"].as_f64().unwrap());
}

fn function<'v>(interface: &'v Value, name: &str) -> &'v Value {
    let functions = interface["functions"].as_array().unwrap();
    functions
        .iter()
        .find(|function| function["name"] == name)
        .unwrap()
}

#[test]
fn a_server_says_what_it_offers() {
    let there = There::of("offering");
    let interface = there.get("/interface").json();
    assert_eq!(interface["server"], "offering");
    let climb = function(&interface, "climb");
    assert_eq!(climb["idempotent"], true);
    assert_eq!(climb["callable"], true);
    let names: Vec<_> = climb["arguments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|its| &its["name"])
        .collect();
    assert_eq!(names, ["tree", "number 2", "path", "maybe", "names"]);
    assert_eq!(
        (
            &climb["arguments"][3]["optional"],
            &climb["arguments"][2]["optional"]
        ),
        (&json!(true), &json!(false))
    );
    assert!(
        climb["docs"]
            .as_str()
            .unwrap()
            .starts_with("Climbs a tree.")
    );
    assert_eq!(function(&interface, "undocumented")["callable"], true);
    assert!(!interface.to_string().contains("internal"));
}

#[test]
fn what_is_offered_is_described_as_openapi_has_it() {
    let there = There::of("offering");
    let document = there.get("/openapi.json").json();
    assert_eq!(
        (&document["openapi"], &document["info"]["title"]),
        (&json!("3.1.0"), &json!("offering"))
    );
    let climb = &document["paths"]["/call/climb"]["post"];
    assert_eq!(climb["summary"], "Climbs a tree.");
    let body = &climb["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(
        body["required"],
        json!(["tree", "number 2", "path", "names"])
    );
    assert_eq!(body["additionalProperties"], false);
    assert!(document["paths"]["/call/HEIGHT::get"].is_object());
    // It is called with a reference, which JSON cannot be.
    assert!(document["paths"]["/call/Branch::grow"].is_null());
    // Of a type that serde does not show nothing is said.
    let body = &document["paths"]["/call/undocumented"]["post"]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    assert_eq!(schema["properties"], json!({ "value": {} }));
    // Whatever is referred to is there.
    let mut referred = 0;
    each_reference(&document, &mut |to| {
        let to = to.strip_prefix('#').expect(to);
        assert!(document.pointer(to).is_some(), "{to}");
        referred += 1;
    });
    assert!(referred > 5);
}

fn each_reference(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| each_reference(value, see)),
        Value::Object(object) => object.iter().for_each(|(name, value)| match value {
            Value::String(to) if name == "$ref" => see(to),
            value => each_reference(value, see),
        }),
        _ => {}
    }
}
