use crate::support::{Home, checks};

checks! { "check";
    every_kind_of_argument_arrives: "arguments";
    paths_need_not_be_text: "paths";
    names_of_arguments_meet_nothing: "names";
    bodies_keep_their_meaning_and_stay_in_the_server: "bodies";
    blocks_have_remote_functions: "blocks";
    errors_arrive_as_they_were: "failures";
    a_panic_is_an_answer: "panics";
    a_backtrace_is_for_who_asks: "debug", "REMOTEX_DEBUG" = "1";
    a_server_that_exits_is_lost_and_replaced: "exit";
    what_cannot_travel_says_what_it_is: "unsendable";
    a_type_whose_names_would_have_to_travel_says_what_it_is: "tagged";
    the_code_of_an_error_of_the_system_is_kept: "codes";
    an_error_that_notes_its_line_notes_that_of_the_caller: "lines";
    too_large_is_said_before_it_is_sent: "too-large";
    the_caller_is_who_calls: "caller";
    off_runs_here: "local", "REMOTEX_ZOO" = "off";
    local_runs_here: "local", "REMOTEX_ZOO" = "local:";
    ten_thousand_calls_in_a_row: "in-a-row";
    two_hundred_threads_at_once: "at-once";
    a_fork_has_its_own_connections: "forks";
    who_stays_up_survives_its_servers: "stays";
}

#[test]
fn an_address_that_is_none_is_named_with_its_variable() {
    let home = Home::new();
    let output = home
        .zoo(&["pid"])
        .env("REMOTEX_ZOO", "http//x")
        .output()
        .unwrap();
    let said = crate::support::stdout(&output);
    assert!(
        said.starts_with(
            "Unreachable false `pid` on server `zoo`: the variable REMOTEX_ZOO is `http//x`"
        ),
        "{said}"
    );
}
