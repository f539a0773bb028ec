//! What a server says that it offers.

use std::collections::BTreeMap;
use std::path::Path;

use remotex::interface::{Definition, Structure, Type};
use remotex::{Error, Interface, Remote, Result, Server, Variable, remote};
use serde::{Deserialize, Serialize};

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
        ["Branch::grow", "HEIGHT::get", "climb", "undocumented"]
    );
    let [grow, height, climb, undocumented] = &offer.functions[..] else {
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
        ("remotex", true, false)
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
    assert_eq!(*path, Type::Bytes);
    assert_eq!(*defined(maybe), Definition::Optional(Type::Bytes));
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
    assert_eq!(
        (undocumented.fingerprint, &undocumented.structure),
        (None, &None)
    );
}
