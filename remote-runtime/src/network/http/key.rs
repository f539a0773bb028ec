//! The key of a server in the paths of its requests: `/key/KEY/…`, percent-encoded, where there is a
//! server for each key.

use super::{decoded, encoded};
use crate::address::Network;

/// The beginning of each path of a server with a key.
const BEGIN: &str = "/key/";

/// The key that an address names, if it does.
pub(in super::super) fn of(at: &Network) -> Option<String> {
    let (_, key) = at.path.rsplit_once(BEGIN)?;
    let key = (!key.contains('/')).then(|| decoded(key))?;
    key.filter(|key| !key.is_empty())
}

/// The address of the server of `key` below `at`, unless that names a key itself.
pub(in super::super) fn below(at: &Network, key: &str) -> Network {
    let mut at = at.clone();
    if !key.is_empty() && of(&at).is_none() {
        at.path.push_str(BEGIN);
        at.path.push_str(&encoded(key));
    }
    at
}

/// The place that a request's path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// To this path of the server.
    Here(&'p str),
    /// To its beginning, once there is a slash at the end.
    Slash,
    /// To no server, or to this path of one of another key.
    Elsewhere(&'p str),
}

/// Returns the place that `path` leads to at the server of `key`.
pub(super) fn place<'p>(path: &'p str, key: &str) -> Place<'p> {
    if key.is_empty() {
        return Place::Here(path);
    }
    let Some(below) = path.strip_prefix(BEGIN) else {
        return Place::Elsewhere(path);
    };
    let (its, rest) = match below.find('/') {
        Some(end) => below.split_at(end),
        None => (below, ""),
    };
    match decoded(its) {
        Some(its) if its == key && rest.is_empty() => Place::Slash,
        Some(its) if its == key => Place::Here(rest),
        _ => Place::Elsewhere(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(address: &str) -> Network {
        Network::parse(address).unwrap()
    }

    #[test]
    fn a_request_without_the_servers_key_leads_nowhere() {
        for path in ["/", "/call/a", "/key"] {
            assert_eq!(place(path, "a"), Place::Elsewhere(path));
        }
        for (path, rest) in [
            ("/key/", ""),
            ("/key/b/call/a", "/call/a"),
            ("/key/a%2Fb", ""),
        ] {
            assert_eq!(place(path, "a"), Place::Elsewhere(rest), "{path}");
        }
        assert_eq!(place("/key/%61/call/b", "a"), Place::Here("/call/b"));
        assert_eq!(place("/key/a/", "a"), Place::Here("/"));
        assert_eq!(place("/key/a", "a"), Place::Slash);
        assert_eq!(place("/key/a/", ""), Place::Here("/key/a/"));
    }

    #[test]
    fn an_address_that_names_a_key_keeps_it() {
        let named = network("http://h/some/where/key/%2Fa");
        assert_eq!(of(&named).as_deref(), Some("/a"));
        assert_eq!(below(&named, "/b"), named);
        for none in [
            "http://h",
            "http://h/key",
            "http://h/key/",
            "http://h/key/a/b",
        ] {
            assert_eq!(of(&network(none)), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_path_of_every_key_is_read_back(key in ".{1,40}") {
            let at = below(&network("http://h/some/where"), &key);
            prop_assert_eq!(of(&at), Some(key.clone()));
            prop_assert_eq!(Network::parse(&at.to_string()), Some(at.clone()));
            let path = format!("{}/call/f", at.path.strip_prefix("/some/where").unwrap());
            prop_assert_eq!(place(&path, &key), Place::Here("/call/f"));
        }
    }
}
