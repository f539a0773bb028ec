/// One mistake a file; what the compiler says stands beside it.
#[test]
fn mistakes_are_named_at_their_place() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/ui/fail/*.rs");
    tests.pass("tests/ui/pass/*.rs");
}
