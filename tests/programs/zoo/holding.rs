//! What a client must find that holds what stays in the server.

use std::collections::{BTreeMap, HashSet};
use std::thread;

use remotex::{Error, Remote};

use super::holders;
use super::objects::{
    Box, Counter, HOLDING, MOTTO, Marker, Shelf, VISITS, boxes, clear, counter, foreign, keep,
    kept_boxes, look_at_shelf, shelf, too_much, visit, weigh,
};
use super::strange::{Lossy, lossy, unlucky};

pub(crate) fn run(words: &[&str]) {
    match words {
        ["methods"] => methods(),
        ["values"] => values(),
        ["traits"] => traits(),
        ["life"] => life(),
        ["circles"] => circles(),
        ["deadlocks"] => deadlocks(),
        ["beside"] => super::beside::check(),
        ["restart"] => restart(),
        ["stop"] => stop(),
        ["limits"] => limits(),
        ["keys"] => keys(),
        ["variables"] => variables(),
        ["guards"] => drop(look_at_shelf()),
        ["local"] => local(),
        _ => holders::run(words),
    }
}

fn methods() {
    let one = Box::with("a").unwrap();
    assert_eq!(one.put(("b", 2)).unwrap(), 3);
    assert_eq!(one.inside().unwrap(), ["a", "b", "b"]);
    let other = Box::with("c").unwrap();
    assert_eq!(other.empty(&one).unwrap(), 4);
    assert_eq!(one.inside().unwrap(), [""; 0]);
    assert_eq!(other.look_twice(&other).unwrap(), ["c", "a", "b", "b"]);
    let failed = one.fail().unwrap_err();
    assert_eq!(failed.to_string(), "empty");
    // Cloned, compared, sent.
    let again = one.clone();
    assert_eq!(one, again);
    assert!(Remote::same(&one, &again) && one != other);
    assert_eq!(HashSet::from([&one, &again, &other]).len(), 2);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let it = other.clone();
            thread::spawn(move || it.put(("d", 1)).unwrap())
        })
        .collect();
    let mut sizes: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, (5..=12).collect::<Vec<_>>());
}

fn values() {
    let Shelf { name, boxes: on_it } = shelf(5).unwrap();
    assert_eq!(name, "shelf");
    assert_eq!(on_it.len(), 5);
    let third = on_it[&3].clone().unwrap();
    assert_eq!(third.inside().unwrap(), ["3"]);
    third.put(("x", 9)).unwrap();
    assert_eq!(weigh(Shelf { name, boxes: on_it }).unwrap(), 14);
    // Into the server, and back: by another reference to the same object.
    assert_eq!(keep(third.clone()).unwrap(), 1);
    let kept = kept_boxes().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0], third);
    assert!(
        format!("{kept:?}").ends_with("in server `holding`)]"),
        "{kept:?}"
    );
    let holder = Box::with("holder").unwrap();
    holder.hold(third.clone()).unwrap();
    assert_eq!(holder.held().unwrap(), [third]);
    // What is nowhere else cannot be sent, and nothing of a server can go elsewhere.
    let ours = Remote::<dyn Counter>::new(7_usize);
    assert_eq!(ours.count().unwrap(), 7);
    let local: Remote<Box> = Remote::new(local_box());
    let e = keep(local).unwrap_err();
    assert_eq!(
        e.to_string(),
        "the argument `it` of `keep` on server `holding` cannot be sent: this `Remote<Box>` was made in this process; \
         make it in a remote function of server `holding`"
    );
    assert!(matches!(e, Error::Unsendable { .. }) && !e.may_have_run());
    let e = match Remote::read(&kept[0]) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("it is not here"),
    };
    assert_eq!(
        e,
        "`Remote::read` is for the process that has the `Box`, which is in server `holding`; call its remote methods"
    );
    let e = foreign().unwrap_err();
    assert_eq!(
        e.to_string(),
        "the answer of `foreign` on server `lingering` cannot be sent: this `Remote<Box>` is one to server `holding`, \
         whose methods it has; return it from a function of that server"
    );
    assert!(serde_word(&kept[0]).contains("arguments or the answer of a remote function"));
    clear().unwrap();
}

/// What serde says of a reference outside of a call.
fn serde_word(it: &Remote<Box>) -> String {
    use serde::de::value::{Error as Words, U64Deserializer};
    use serde::{Deserialize, de::IntoDeserializer};
    let into: U64Deserializer<Words> = 1_u64.into_deserializer();
    assert!(Remote::<Box>::deserialize(into).is_err());
    let mut out = Vec::new();
    let e = remote_runtime::codec::Encoder::new(&mut out, 0, 1000).put(it);
    format!("{e:?}")
}

fn local_box() -> Box {
    // Only the server makes them, but nothing keeps us from saying so.
    Box::empty_one()
}

fn traits() {
    let words = counter("words").unwrap();
    let letters = counter("letters").unwrap();
    assert_eq!(words.add("three").unwrap(), 1);
    assert_eq!(letters.add("three").unwrap(), 5);
    assert_eq!(words.add_twice("three").unwrap(), 3);
    assert_eq!(letters.add_twice("three").unwrap(), 15);
    assert_eq!((words.count().unwrap(), letters.count().unwrap()), (3, 15));
    assert_ne!(words, letters);
    let e = counter("sheep").unwrap_err();
    assert_eq!(e.to_string(), "nobody counts that");
}

/// What the server says of who holds what.
fn holders() -> BTreeMap<String, u64> {
    let status = HOLDING.status().unwrap();
    let of_all = status.holders.into_iter().flat_map(|it| it.references);
    let mut types = BTreeMap::new();
    for (what, n) in of_all {
        *types.entry(what).or_default() += n;
    }
    types
}

fn life() {
    assert_eq!(boxes().unwrap(), 0);
    let one = Box::with("a").unwrap();
    let words = counter("words").unwrap();
    let holder = &HOLDING.status().unwrap().holders[..];
    assert_eq!(holder.len(), 1);
    assert_eq!(
        (holder[0].pid, holder[0].is_cut),
        (std::process::id(), false)
    );
    assert_eq!(
        holders(),
        BTreeMap::from([("Box".into(), 1), ("Counter".into(), 1)])
    );
    let again = one.clone();
    drop(one);
    assert_eq!(boxes().unwrap(), 1);
    // Let go of with the next call, whatever that is.
    drop((again, words));
    assert_eq!(boxes().unwrap(), 0);
    assert!(holders().is_empty());
    // What the server holds stays.
    keep(Box::with("b").unwrap()).unwrap();
    assert_eq!(boxes().unwrap(), 1);
    assert!(holders().is_empty());
    clear().unwrap();
    assert_eq!(boxes().unwrap(), 0);
    // Many at once.
    let many = shelf(900).unwrap();
    assert_eq!(boxes().unwrap(), 900);
    drop(many);
    assert_eq!(boxes().unwrap(), 0);
    // One whose end panics ends all the same, and takes nothing with it.
    let dynamite = Box::with("dynamite").unwrap();
    let other = Box::with("other").unwrap();
    drop(dynamite);
    assert_eq!(boxes().unwrap(), 1);
    assert_eq!(other.inside().unwrap(), ["other"]);
    drop(other);
    // An answer that does not arrive leaves nothing behind.
    let e = too_much().unwrap_err();
    assert!(matches!(e, Error::TooLarge { .. }), "{e:?}");
    assert_eq!(boxes().unwrap(), 0);
    // Nor does one that cannot be read.
    let e = unlucky().unwrap_err();
    assert!(e.to_string().ends_with("13 brings bad luck"), "{e}");
    assert_eq!(boxes().unwrap(), 0);
    // A call that is never sent says nothing of what was dropped; the next one does.
    drop(Box::with("dropped").unwrap());
    lossy(Lossy(None)).unwrap_err();
    assert_eq!(boxes().unwrap(), 0);
    assert!(holders().is_empty());
}

fn circles() {
    // As with an `Arc`, what holds itself stays until that is undone.
    let (one, other) = (Box::with("a").unwrap(), Box::with("b").unwrap());
    one.hold(other.clone()).unwrap();
    other.hold(one.clone()).unwrap();
    one.hold(one.clone()).unwrap();
    drop(other);
    assert_eq!(one.held().unwrap()[0].held().unwrap()[0], one);
    assert_eq!(boxes().unwrap(), 2);
    assert_eq!(one.let_go().unwrap(), 2);
    assert_eq!(boxes().unwrap(), 1);
    drop(one);
    assert_eq!(boxes().unwrap(), 0);
    // Who does not hold is no part of one.
    let (parent, child) = (Box::with("a").unwrap(), Box::with("b").unwrap());
    parent.hold(child.clone()).unwrap();
    child.is_in(&parent).unwrap();
    assert_eq!(child.parent().unwrap(), Some(parent.clone()));
    drop(parent);
    assert_eq!(child.parent().unwrap(), None);
    drop(child);
    assert_eq!(boxes().unwrap(), 0);
    assert!(holders().is_empty());
}

fn deadlocks() {
    let it = Box::with("a").unwrap();
    for (ended, who, why) in [
        (
            it.recurse(&it),
            "Box::put",
            "`Box::recurse` changes the same `Box`",
        ),
        (
            it.look_and_put(&it),
            "Box::put",
            "`Box::look_and_put` reads the same `Box`",
        ),
        (
            it.empty(&it),
            "Remote::write",
            "`Box::empty` changes the same `Box`",
        ),
        (
            it.add_look(&it),
            "Box::inside",
            "`Box::add_look` changes the same `Box`",
        ),
    ] {
        let e = ended.unwrap_err();
        let expected = format!(
            "`{who}` on server `holding` would wait for ever, which is a deadlock: {why} on this very thread; \
             give it another object"
        );
        assert_eq!(e.to_string(), expected);
        assert_eq!(std::io::Error::from(e).kind(), std::io::ErrorKind::Deadlock);
    }
    // Nothing was left locked.
    assert_eq!(it.put(("b", 1)).unwrap(), 2);
    let local = Remote::<Box>::new(Box::empty_one());
    let reading = Remote::read(&local).unwrap();
    assert!(Remote::write(&local).is_err());
    assert!(Remote::read(&local).is_ok());
    drop(reading);
    assert!(Remote::write(&local).is_ok());
}

fn restart() {
    let it = Box::with("a").unwrap();
    HOLDING.restart().unwrap();
    let other = Box::with("b").unwrap();
    let e = it.inside().unwrap_err();
    assert!(matches!(e, Error::Gone(_)) && !e.may_have_run(), "{e:?}");
    assert_eq!(
        e.to_string(),
        "`Box::inside` on server `holding`: the `Box` that is meant is gone: the server that had it has ended; get a new reference"
    );
    assert_ne!(it, other);
    let e = other.empty(&it).unwrap_err();
    assert!(matches!(e, Error::Gone(_)), "{e:?}");
    // Who takes it nevertheless runs, and says what it says.
    let e = lossy(Lossy(Some(it))).unwrap_err();
    assert_eq!(e.to_string(), "it has run with nothing");
    let e = lossy(Lossy(Some(other.clone()))).unwrap_err();
    assert_eq!(e.to_string(), "it has run with something");
    assert_eq!(other.inside().unwrap(), ["b"]);
}

/// The call of a server that has ended starts none, as what it refers to would not be there.
fn stop() {
    let it = Box::with("a").unwrap();
    HOLDING.stop().unwrap();
    for e in [
        it.inside().unwrap_err(),
        lossy(Lossy(Some(it.clone()))).unwrap_err(),
    ] {
        assert!(matches!(e, Error::Gone(_)) && !e.may_have_run(), "{e:?}");
        assert!(
            e.to_string().ends_with("on server `holding`: what it refers to is gone: the server that had it has ended; get a new reference"),
            "{e}"
        );
    }
    drop(it);
    assert!(
        HOLDING.status().is_err(),
        "a call that refers has started a server"
    );
    assert_eq!(Box::with("b").unwrap().inside().unwrap(), ["b"]);
}

fn limits() {
    let held: Vec<_> = (0..1000).map(|_| Box::with("a").unwrap()).collect();
    let e = Box::with("a").unwrap_err();
    assert!(matches!(e, Error::Unsendable { .. }) && e.may_have_run());
    assert_eq!(
        e.to_string(),
        "the answer of `Box::with` on server `holding` cannot be sent: this `Remote<Box>` is one too many: \
         its client holds 1000 references, as many as it may; drop some, or raise `.max_references` of the `Server`"
    );
    assert_eq!(boxes().unwrap(), 1000);
    drop(held);
    assert_eq!(boxes().unwrap(), 0);
    Box::with("a").unwrap();
}

/// What is in the server of one folder stays there, wherever its client is.
fn keys() {
    let home = std::env::current_dir().unwrap();
    let at = |name: &str| {
        let folder = home.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::env::set_current_dir(&folder).unwrap();
        (Marker::make().unwrap(), folder.display().to_string())
    };
    let (one, first) = at("first");
    let (other, second) = at("second");
    assert_eq!(one.folder().unwrap(), first);
    assert_eq!(other.folder().unwrap(), second);
    assert!(one.is(&one).unwrap());
    assert_ne!(one, other);
    let e = one.is(&other).unwrap_err();
    let words = format!(
        "this `Remote<Marker>` stays in server `folders` for `{second}`, and cannot go to another one"
    );
    assert!(e.to_string().ends_with(&words), "{e}");
    assert!(matches!(e, Error::Unsendable { .. }));
}

fn variables() {
    assert_eq!(MOTTO.get().unwrap(), "hold on");
    MOTTO.set("let go".into()).unwrap();
    assert_eq!(MOTTO.get().unwrap(), "let go");
    assert!(!MOTTO.replace(&"hold on".into(), "x".into()).unwrap());
    assert!(MOTTO.replace(&"let go".into(), "x".into()).unwrap());
    assert_eq!(MOTTO.get().unwrap(), "x");
    assert_eq!(visit().unwrap(), 1);
    assert_eq!(VISITS.get().unwrap(), 1);
    for ended in [VISITS.set(7), VISITS.replace(&1, 7).map(drop)] {
        let e = ended.unwrap_err();
        assert!(matches!(e, Error::Denied(_)));
        assert_eq!(
            e.to_string(),
            "`VISITS` on server `holding`: it is read-only, and can be changed by remote functions only, with `write()`"
        );
    }
    assert_eq!(VISITS.get().unwrap(), 1);
    let panicked = std::panic::catch_unwind(|| drop(MOTTO.read())).unwrap_err();
    assert_eq!(
        panicked.downcast_ref::<String>().unwrap(),
        "`MOTTO` is a variable of server `holding`, which this process does not serve; use `get`, `set` or `replace` here"
    );
}

/// All of it, where it is called.
fn local() {
    assert!(HOLDING.is_local());
    methods();
    traits();
    deadlocks();
    clear().unwrap();
    assert_eq!(look_at_shelf(), 0);
    assert_eq!(boxes().unwrap(), 0);
    MOTTO.set("here".into()).unwrap();
    assert_eq!(*MOTTO.read(), "here");
    assert!(MOTTO.replace(&"here".into(), "there".into()).unwrap());
    assert_eq!(MOTTO.get().unwrap(), "there");
    assert!(matches!(VISITS.set(3), Err(Error::Denied(_))));
    assert_eq!(visit().unwrap(), 1);
    let it = Box::with("a").unwrap();
    assert!(format!("{it:?}").ends_with(", here)"), "{it:?}");
}
