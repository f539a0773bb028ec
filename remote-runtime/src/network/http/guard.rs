//! Who may ask: everybody who knows the token, and no page of another site in the browser of one who does.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{self, HeaderMap, HeaderValue};
use sha2::Sha256;

use crate::session;

/// What lets in.
pub(super) struct Guard {
    token: String,
    /// With which tokens are hashed before they are compared.
    key: [u8; 32],
}

impl Guard {
    pub(super) fn new(token: String) -> std::io::Result<Self> {
        let key = session::random()?;
        Ok(Self { token, key })
    }

    /// Whether a request has the token: `Bearer`, for programs, or as the password of `Basic`, which is
    /// what browsers ask for (RFC 6750, RFC 7617).
    pub(super) fn lets_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(token);
        given.is_some_and(|given| self.is_token(given.as_bytes()))
    }

    /// In constant time, also if it is of another length.
    fn is_token(&self, given: &[u8]) -> bool {
        let hash = |token: &[u8]| {
            let mut hash = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key)
                .expect("HMAC takes keys of any length");
            hash.update(token);
            hash
        };
        let ours = hash(self.token.as_bytes()).finalize().into_bytes();
        hash(given).verify(&ours).is_ok()
    }
}

fn token(authorization: &HeaderValue) -> Option<String> {
    let (scheme, rest) = authorization.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned())
}

/// Whether a page of another site asks: browsers send along what lets in, whoever asks them to.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    // A browser that does not say that names who asks.
    let origin = text("origin").and_then(|origin| origin.split_once("://"));
    match (headers.contains_key("origin"), origin) {
        (false, _) => false,
        (true, Some((_, host))) => Some(host) != text("host"),
        (true, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn who_knows_the_token_is_let_in() {
        let guard = Guard::new("secret".into()).unwrap();
        let lets_in = |value: &str| guard.lets_in(&headers(&[("authorization", value)]));
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        assert!(lets_in("Bearer secret") && lets_in("bearer  secret"));
        assert!(lets_in(&basic("anybody:secret")) && lets_in(&basic(":secret")));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer secre",
            "Bearer secrets",
            "Digest secret",
            "secret",
        ] {
            assert!(!lets_in(wrong), "{wrong}");
        }
        for wrong in ["secret", "secret:", "a:b:secret"] {
            assert!(!lets_in(&basic(wrong)), "{wrong}");
        }
        assert!(!guard.lets_in(&HeaderMap::new()));
    }

    #[test]
    fn pages_of_other_sites_do_not_ask() {
        for (is_from_there, pairs) in [
            (false, &[("host", "h:1")][..]),
            (false, &[("host", "h:1"), ("origin", "http://h:1")]),
            (false, &[("sec-fetch-site", "same-origin")]),
            (false, &[("sec-fetch-site", "none")]),
            (true, &[("host", "h:1"), ("origin", "http://other")]),
            (true, &[("host", "h:1"), ("origin", "null")]),
            (
                true,
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("host", "h:1"),
                    ("origin", "http://h:1"),
                ],
            ),
            (true, &[("sec-fetch-site", "same-site")]),
        ] {
            assert_eq!(
                is_from_elsewhere(&headers(pairs)),
                is_from_there,
                "{pairs:?}"
            );
        }
    }
}
