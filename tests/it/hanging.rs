use std::fs;
use std::time::{Duration, SystemTime};

use crate::support::{Home, await_that, begin, json_of, printed, program_path};

#[test]
fn a_call_that_runs_is_named_with_its_caller_and_its_age() {
    let home = Home::new();
    let go = home.path("go");
    let call = begin(&mut home.zoo(&["slow", go.to_str().unwrap()]));
    await_that(|| home.path("go.began").exists());
    let status = json_of(&home, &["status", "zoo", "--json"]);
    let running = &status["running_calls"][0];
    assert_eq!(
        status["running_calls"].as_array().unwrap().len(),
        1,
        "{status}"
    );
    assert_eq!(running["function"], "slow");
    assert_eq!(running["pid"], call.id());
    let program = program_path("zoo").canonicalize().unwrap();
    assert_eq!(running["program"], program.to_str().unwrap());
    let since = Duration::from_secs_f64(running["since"].as_f64().unwrap());
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + since);
    assert!(age.unwrap() < Duration::from_secs(30), "{status}");
    let by = format!("called by process {} (", call.id());
    let said = home.run_remotex(&["status", "zoo"]);
    assert!(
        said.contains("`slow`, for ") && said.contains(&by),
        "{said}"
    );
    let said = home.run_remotex(&["doctor", "zoo"]);
    assert!(
        said.contains("`slow` has run for ") && said.contains(&by),
        "{said}"
    );
    fs::write(go, "").unwrap();
    printed(call);
    let status = json_of(&home, &["status", "zoo", "--json"]);
    assert_eq!(
        status["running_calls"].as_array().unwrap().len(),
        0,
        "{status}"
    );
}
