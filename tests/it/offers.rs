//! What a server says that it offers.

use crate::support::checks;

checks! { "offers";
    a_server_says_what_it_offers: "served";
    functions_are_called_by_their_names_with_json: "json";
    without_a_server_the_program_says_it: "local", "REMOTEX_OFFERING" = "local:";
}

#[test]
fn types_that_need_a_format_that_describes_itself_travel_as_json_functions() {
    let home = crate::support::Home::new();
    for address in ["", "local:", "stdio:"] {
        let mut command = home.zoo(&["plain"]);
        match address {
            "stdio:" => command.env(
                "REMOTEX_PLAIN",
                format!("stdio:{}", crate::support::program_path("zoo").display()),
            ),
            address => command.env("REMOTEX_PLAIN", address),
        };
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{address}: {}",
            crate::support::stderr(&output)
        );
    }
}

checks! { "limits";
    a_function_has_a_limit_of_time_of_its_own: "timeouts";
    a_function_may_start_no_server: "starts";
    a_server_is_kept_awake: "awake";
}
