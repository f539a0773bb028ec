//! What a server says that it offers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use remotex::interface::{Definition, Raised, Structure, Type};
use remotex::{Error, Interface, Remote, Result, Server, Variable, remote};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub static OFFERING: Server = Server::new("offering")
    .autostart()
    .expose(|function| !function.docs.contains("Internal"));

/// A tree of what there is.
#[derive(Debug, Serialize, Deserialize)]
pub enum Tree {
    Leaf,
    Node(Box<Tree>, Box<Tree>),
    Named { name: String, of: Vec<Tree> },
    Other(u8),
}

/// A newtype.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(i16);

/// An error of its own type.
#[derive(Debug, Serialize, Deserialize)]
pub struct Wrong {
    pub code: u32,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the code is {}", self.code)
    }
}

impl From<Error> for Wrong {
    fn from(e: Error) -> Self {
        panic!("{e}");
    }
}

/// Climbs a tree.
///
///     indented, and so it stays
///
/// The last line.
#[remote(OFFERING, idempotent)]
pub fn climb(
    tree: Tree,
    (a, b): (bool, char),
    path: &Path,
    maybe: Option<&Path>,
    names: BTreeMap<Key, Option<f32>>,
) -> std::result::Result<Vec<u8>, Wrong> {
    let _ = (tree, a, b, path, maybe, names);
    Ok(Vec::new())
}

/// All that it is given.
type All = (
    Tree,
    (bool, char),
    BTreeMap<Key, Option<f32>>,
    BTreeMap<(u8, u8), ()>,
    u128,
    i8,
    PathBuf,
    Option<String>,
);

/// Gives back what it gets.
#[remote(OFFERING)]
#[allow(clippy::too_many_arguments)]
pub fn mirror(
    tree: Tree,
    pair: (bool, char),
    names: BTreeMap<Key, Option<f32>>,
    places: BTreeMap<(u8, u8), ()>,
    large: u128,
    small: i8,
    path: PathBuf,
    maybe: Option<String>,
) -> Result<All> {
    Ok((tree, pair, names, places, large, small, path, maybe))
}

/// Fails, as it is told.
#[remote(OFFERING)]
pub fn fail(how: How) -> std::result::Result<Remote<Branch>, Wrong> {
    match how {
        How::Wrong { code } => Err(Wrong { code }),
        How::Panic => panic!("as it was told"),
        How::Not => Ok(Remote::new(Branch)),
    }
}

/// How it is to fail.
#[derive(Debug, Serialize, Deserialize)]
pub enum How {
    Wrong { code: u32 },
    Panic,
    Not,
}

/// Internal: nobody calls it from outside.
#[remote(OFFERING)]
pub fn internal() -> Result<()> {
    Ok(())
}

/// A branch.
pub struct Branch;

#[remote(OFFERING)]
impl Branch {
    /// Grows.
    pub fn grow(&mut self, by: u64) -> Result<Remote<Branch>> {
        let _ = by;
        Ok(Remote::new(Self))
    }
}

/// How high it is.
#[remote(OFFERING, read_only)]
pub static HEIGHT: Variable<u64> = Variable::new(|| 0);

#[remote(OFFERING)]
pub fn undocumented(value: serde_json_like::Value) -> Result<()> {
    let _ = value;
    Ok(())
}

/// A type that only a format can be read from that describes itself.
mod serde_json_like {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    #[serde(untagged)]
    pub enum Value {
        Number(u64),
        Text(String),
    }
}

pub(crate) fn offers() {
    assert!(matches!(OFFERING.interface(), Err(Error::Unreachable(_))));
    OFFERING.start().unwrap();
    check(&OFFERING.interface().unwrap());
    let e = internal().unwrap_err();
    assert!(matches!(e, Error::UnknownFunction(_)), "{e:?}");
}

/// The same of a program that runs its functions itself.
pub(crate) fn local() {
    assert!(OFFERING.is_local());
    assert_eq!(call("HEIGHT::get", json!({})).unwrap(), Ok(json!(0)));
    let how = json!({"how": {"Wrong": {"code": 7}}});
    check_raised(call("fail", how).unwrap(), 7);
    let e = call("internal", json!({})).unwrap_err();
    assert!(matches!(e, Error::UnknownFunction(_)), "{e:?}");
    check(&OFFERING.interface().unwrap());
    internal().unwrap();
}

fn check(offer: &Interface) {
    assert_eq!((&*offer.server, &*offer.key), ("offering", ""));
    assert!(offer.program.ends_with("zoo"), "{:?}", offer.program);
    let names: Vec<_> = offer
        .functions
        .iter()
        .map(|function| &*function.name)
        .collect();
    assert_eq!(
        names,
        [
            "Branch::grow",
            "HEIGHT::get",
            "climb",
            "fail",
            "mirror",
            "reform",
            "undocumented"
        ]
    );
    let [grow, height, climb, _, _, _, undocumented] = &offer.functions[..] else {
        panic!("{names:?}");
    };
    assert_eq!(
        climb.docs,
        "Climbs a tree.\n\n    indented, and so it stays\n\nThe last line."
    );
    assert_eq!(height.docs, "How high it is.");
    assert_eq!(undocumented.docs, "");
    assert_eq!(
        (&*climb.package, climb.idempotent, climb.or_local),
        (env!("CARGO_PKG_NAME"), true, false)
    );
    assert!(
        climb.file.ends_with("offers.rs") && climb.line > 40,
        "{}:{}",
        climb.file,
        climb.line
    );
    let written = [
        ("tree", "Tree"),
        ("number 2", "(bool, char)"),
        ("path", "&Path"),
        ("maybe", "Option<&Path>"),
        ("names", "BTreeMap<Key, Option<f32>>"),
    ];
    let written = written.map(|(name, ty)| (name.to_owned(), ty.to_owned()));
    assert_eq!(climb.arguments, written);
    assert_eq!(climb.output, "std::result::Result<Vec<u8>, Wrong>");
    assert!(climb.fingerprint.is_some());

    let Structure {
        arguments,
        answer,
        error,
        definitions,
    } = climb.structure.as_ref().unwrap();
    let defined = |ty: &Type| match ty {
        Type::Defined(at) => &definitions[*at],
        other => panic!("{other:?}"),
    };
    let [tree, both, path, maybe, names] = &arguments[..] else {
        panic!("{arguments:?}");
    };
    let Definition::Enum { name, variants } = defined(tree) else {
        panic!("{tree:?}");
    };
    assert_eq!(name, "Tree");
    let [
        (leaf, Some(Type::Unit)),
        (node, Some(Type::Tuple(two))),
        (named, Some(fields)),
        (other, Some(byte)),
    ] = &variants[..]
    else {
        panic!("{variants:?}");
    };
    assert_eq!(
        [leaf, node, named, other],
        ["Leaf", "Node", "Named", "Other"]
    );
    assert_eq!(two, &[tree.clone(), tree.clone()]);
    let Type::Struct { fields, .. } = fields else {
        panic!("{fields:?}");
    };
    assert_eq!(fields[0], ("name".into(), Type::Text));
    assert_eq!(fields[1].0, "of");
    assert_eq!(defined(&fields[1].1), &Definition::List(tree.clone()));
    assert_eq!(
        *byte,
        Type::Integer {
            bits: 8,
            signed: false
        }
    );
    assert_eq!(*both, Type::Tuple(vec![Type::Bool, Type::Char]));
    assert_eq!(*path, Type::Text);
    assert_eq!(*defined(maybe), Definition::Optional(Type::Text));
    let Definition::Map(key, value) = defined(names) else {
        panic!("{names:?}");
    };
    let number = Type::Integer {
        bits: 16,
        signed: true,
    };
    assert_eq!(*key, Type::Newtype("Key".into(), Box::new(number)));
    assert_eq!(*defined(value), Definition::Optional(Type::Float(32)));
    assert_eq!(answer, &Some(Type::Bytes));
    let code = (
        "code".to_owned(),
        Type::Integer {
            bits: 32,
            signed: false,
        },
    );
    let wrong = Type::Struct {
        name: "Wrong".into(),
        fields: vec![code],
    };
    assert_eq!(error, &Some(wrong));

    assert_eq!(
        grow.arguments[0],
        ("self".to_owned(), "&mut Self".to_owned())
    );
    let structure = grow.structure.as_ref().unwrap();
    assert!(matches!(&structure.arguments[0], Type::Newtype(name, _) if name == "Remote<Branch>"));
    assert_eq!(structure.arguments[0], structure.answer.clone().unwrap());
    assert_eq!(structure.error, None);
    // What is plain needs no types to be told from another build's.
    assert!(undocumented.fingerprint.is_some());
    assert_eq!(undocumented.structure, None);
}

pub(crate) fn call(function: &str, arguments: Value) -> Result<std::result::Result<Value, Raised>> {
    OFFERING.call_json(function, arguments.as_object().unwrap())
}

/// What `fail` fails with, as it is told.
fn check_raised(ended: std::result::Result<Value, Raised>, code: u32) {
    let raised = ended.unwrap_err();
    assert_eq!(raised.value, json!({ "code": code }));
    assert_eq!(
        raised.text.as_deref(),
        Some(&*format!("the code is {code}"))
    );
}

/// The same functions, with JSON.
pub(crate) fn json() {
    OFFERING.start().unwrap();
    let tree = json!({"Node": ["Leaf", {"Named": {"name": "elm", "of": [{"Other": 7}]}}]});
    let arguments = json!({
        "tree": tree,
        "pair": [true, "ß"],
        "names": {"-3": 0.1, "5": null},
        "places": [[[1, 2], null]],
        "large": u128::MAX.to_string(),
        "small": -128,
        "path": "/a/ü",
        "maybe": null,
    });
    let answer = call("mirror", arguments.clone()).unwrap().unwrap();
    let expected: Vec<Value> = [
        "tree", "pair", "names", "places", "large", "small", "path", "maybe",
    ]
    .map(|name| arguments[name].clone())
    .into();
    assert_eq!(answer, Value::Array(expected));
    // What may be missing can be left out.
    let mut fewer = arguments.clone();
    fewer.as_object_mut().unwrap().remove("maybe");
    assert_eq!(call("mirror", fewer).unwrap().unwrap(), answer);
    assert_eq!(call("HEIGHT::get", json!({})).unwrap(), Ok(json!(0)));
    // How a function fails.
    let how = json!({"how": {"Wrong": {"code": 7}}});
    check_raised(call("fail", how).unwrap(), 7);
    let e = call("fail", json!({"how": "Panic"})).unwrap_err();
    assert!(matches!(e, Error::Panicked { .. }), "{e:?}");
    assert!(
        e.to_string()
            .starts_with("`fail` on server `offering` panicked at "),
        "{e}"
    );
    // A reference that nobody can have is let go of.
    assert_eq!(
        call("fail", json!({"how": "Not"})).unwrap(),
        Ok(json!("Remote<Branch>"))
    );
    // It went before the next call, over the same connection.
    assert_eq!(call("HEIGHT::get", json!({})).unwrap(), Ok(json!(0)));
    assert!(OFFERING.status().unwrap().holders.is_empty());
    super::forms::json_is_that_of_the_types();
    wrong(&arguments);
}

/// What is wrong is said by its name, with what is right.
fn wrong(arguments: &Value) {
    let with = |name: &str, value: Value| {
        let mut arguments = arguments.clone();
        arguments[name] = value;
        call("mirror", arguments).unwrap_err().to_string()
    };
    let there = "there is `Leaf`, `Node`, `Named`, `Other` (it is a `Tree`)";
    for (name, value, words) in [
        ("tree", json!(7), format!("it must be a `Tree`, and is 7; {there}")),
        ("tree", json!("Lead"), format!("it has no variant `Lead`; {there}")),
        (
            "tree",
            json!({"Named": {"name": "x"}}),
            "its field `of` is missing (it is a `Tree`)".into(),
        ),
        (
            "tree",
            json!({"Node": ["Leaf", {"Other": 256}]}),
            "at `[1]`: it must be a whole number of 8 bits, not negative, and is 256 (it is a `Tree`)".into(),
        ),
        ("pair", json!([true]), "it must be a tuple of size 2, and has 1 (it is a `(bool, char)`)".into()),
        (
            "pair",
            json!([1, "x"]),
            "at `[0]`: it must be true or false, and is 1 (it is a `(bool, char)`)".into(),
        ),
        (
            "small",
            json!(128),
            "it must be a whole number of 8 bits, and is 128 (it is a `i8`)".into(),
        ),
        (
            "large",
            json!(-1),
            "it must be a whole number of 128 bits, not negative, and is -1 (it is a `u128`)".into(),
        ),
        ("path", json!({}), "it must be a text, or a list of bytes, and is an object (it is a `PathBuf`)".into()),
        ("mayb", json!(1), "there is none of that name; is `maybe` meant?".into()),
    ] {
        assert_eq!(
            with(name, value),
            format!("the argument `{name}` of `mirror` on server `offering` cannot be sent: {words}")
        );
    }
    let mut fewer = arguments.clone();
    fewer.as_object_mut().unwrap().remove("small");
    assert_eq!(
        call("mirror", fewer).unwrap_err().to_string(),
        "the argument `small` of `mirror` on server `offering` cannot be sent: it is missing; it is a `i8`"
    );
    let e = call("miror", json!({})).unwrap_err();
    assert!(matches!(e, Error::UnknownFunction(_)));
    assert_eq!(
        e.to_string(),
        "`miror` on server `offering`: the server offers no such function; is `mirror` meant?"
    );
    let e = call("internal", Value::Object(Map::new())).unwrap_err();
    assert!(matches!(e, Error::UnknownFunction(_)), "{e:?}");
    let e = call("undocumented", json!({"value": 7})).unwrap_err();
    assert!(e.to_string().contains("as with `untagged`"), "{e}");
    let e = call("Branch::grow", json!({"self": "x", "by": 1})).unwrap_err();
    assert!(
        e.to_string()
            .contains("a `Remote<Branch>` cannot be given as JSON"),
        "{e}"
    );
}
