//! What a server says that it offers.

use crate::support::checks;

checks! { "offers";
    a_server_says_what_it_offers: "served";
    functions_are_called_by_their_names_with_json: "json";
    without_a_server_the_program_says_it: "local", "REMOTEX_OFFERING" = "local:";
}
