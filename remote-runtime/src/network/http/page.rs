//! The page at `/`, for people: one file, with what its browser may do because of it, which is to show it,
//! and to ask this server.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

pub(super) const PAGE: &str = include_str!("page.html");

/// What a browser lets the page do (Content Security Policy, level 3): its own style and script, and no
/// others.
pub(super) fn policy() -> String {
    let [style, script] = ["style", "script"].map(|element| hash(inside(element)));
    format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// What stands in the only element of that name.
fn inside(element: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("<{element}>")).unwrap_or_default();
    rest.split_once(&format!("</{element}>"))
        .map_or("", |(inside, _)| inside)
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_style_and_one_script() {
        for element in ["style", "script"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1, "{element}");
            assert!(inside(element).len() > 100, "{element}");
        }
    }
}
