//! The compiler's words for mistakes in remote functions.

/// One mistake a file; what the compiler says stands beside it.
#[test]
fn mistakes_are_named_at_their_place() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("fail/*.rs");
    tests.pass("pass/*.rs");
}
