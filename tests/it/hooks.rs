//! What a server sees of its calls, and knows of those that fail.

use crate::support::{Home, checks, stderr};

checks! { "hooks";
    hooks_see_every_call_and_can_refuse_it: "hooks";
    what_a_function_failed_with_can_be_asked_for: "details";
}

#[test]
fn with_debug_it_is_told_at_once() {
    let home = Home::new();
    let output = home
        .zoo(&["hooks", "debug"])
        .env("REMOTEX_DEBUG", "1")
        .output()
        .unwrap();
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    for words in [
        "`fails` failed: it did not work\n  because: no luck\n",
        "`panics` panicked at ",
        ": it panicked with 11 letters\n",
        "zoo::hooks::panics",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("do not tell"));
    assert_eq!(told.matches(" s ago").count(), 2, "{told}");
    // Nobody has asked this one.
    let output = home.zoo(&["hooks", "debug"]).output().unwrap();
    assert_eq!(stderr(&output), "");
}
