//! What a server offers: its functions, and what there is to know of each.
//!
//! ```text
//! interface := SERVER text, KEY text, PROGRAM path, (FUNCTION function)*
//! function  := NAME text, DOCS text, PACKAGE text, FILE text, LINE u32, (ARGUMENT text, WRITTEN text)*,
//!              OUTPUT text, IDEMPOTENT, OR_LOCAL, FINGERPRINT 16 bytes, STRUCTURE structure
//! structure := (ARGUMENT type)*, (ANSWER type)?, (ERROR type)?, (DEFINITION definition)*
//! type      := one field: its tag says which, its value has names and parts, each in a field
//! ```

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Malformed;
use super::call::Fingerprint;
use super::fields::{self, number, put, text};
use crate::shape::{Definition, Structure, Type};

const SERVER: u8 = 1;
const KEY: u8 = 2;
const PROGRAM: u8 = 3;
const FUNCTION: u8 = 4;

const NAME: u8 = 1;
const DOCS: u8 = 2;
const PACKAGE: u8 = 3;
const FILE: u8 = 4;
const LINE: u8 = 5;
const ARGUMENT: u8 = 6;
const WRITTEN: u8 = 7;
const OUTPUT: u8 = 8;
const IDEMPOTENT: u8 = 9;
const OR_LOCAL: u8 = 10;
const FINGERPRINT: u8 = 11;
const STRUCTURE: u8 = 12;

const ANSWER: u8 = 7;
const ERROR: u8 = 8;
const DEFINITION: u8 = 9;

// Types; their parts are fields of these as well.
const BOOL: u8 = 1;
const INTEGER: u8 = 2;
const FLOAT: u8 = 3;
const CHAR: u8 = 4;
const TEXT: u8 = 5;
const BYTES: u8 = 6;
const UNIT: u8 = 7;
const TUPLE: u8 = 8;
const STRUCT: u8 = 9;
const NEWTYPE: u8 = 10;
const DEFINED: u8 = 11;
const OPTION: u8 = 12;
const LIST: u8 = 13;
const MAP: u8 = 14;
const ENUM: u8 = 15;
/// A name: of the type itself, or of the field or the variant that comes next.
const NAMED: u8 = 16;

/// The largest interface, in bytes, whatever `max_message` is: some ten thousand functions.
pub const LARGEST_OFFER: usize = 4 * 1024 * 1024;

/// How deep types are read; as deep as they are followed, and what that takes besides.
const DEEPEST: usize = 300;

/// What a server offers: see [`Server::interface`](crate::Server::interface).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// The server.
    pub server: String,
    /// Which one it is of those that there are for each key.
    pub key: String,
    /// The program that serves.
    pub program: PathBuf,
    /// Its functions, in the order of their names.
    pub functions: Vec<Function>,
}

/// A function that a server offers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name on the wire: `post`, `BBoard::post`.
    pub name: String,
    /// Its documentation.
    pub docs: String,
    /// The crate that declares it.
    pub package: String,
    /// Where it was written.
    pub file: String,
    /// The line of that file.
    pub line: u32,
    /// Its arguments as they were written, name and type; those of a method begin with `self`.
    pub arguments: Vec<(String, String)>,
    /// Its return type as it was written.
    pub output: String,
    /// Whether it may run again where nobody knows how a call of it ended.
    pub idempotent: bool,
    /// Whether it is right without the server's state.
    pub or_local: bool,
    /// What tells it from functions of other builds; `None` if serde does not show all of its types.
    pub fingerprint: Option<Fingerprint>,
    /// Its types as serde sees them, if it shows all of them.
    pub structure: Option<Structure>,
}

impl Interface {
    /// Appends its fields to `out`.
    pub fn put(&self, out: &mut Vec<u8>) {
        put(out, SERVER, self.server.as_bytes());
        put(out, KEY, self.key.as_bytes());
        put(out, PROGRAM, self.program.as_os_str().as_bytes());
        for function in &self.functions {
            nested(out, FUNCTION, |out| function.put(out));
        }
    }

    /// Reads an interface's fields.
    ///
    /// # Errors
    /// If one of them is cut off, or is no number or no type.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut interface = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                SERVER => interface.server = text(value),
                KEY => interface.key = text(value),
                PROGRAM => interface.program = PathBuf::from(OsStr::from_bytes(value)),
                FUNCTION => interface.functions.push(Function::read(value)?),
                _ => {}
            }
        }
        Ok(interface)
    }
}

impl Function {
    fn put(&self, out: &mut Vec<u8>) {
        put(out, NAME, self.name.as_bytes());
        put(out, DOCS, self.docs.as_bytes());
        put(out, PACKAGE, self.package.as_bytes());
        put(out, FILE, self.file.as_bytes());
        put(out, LINE, &self.line.to_le_bytes());
        for (name, written) in &self.arguments {
            put(out, ARGUMENT, name.as_bytes());
            put(out, WRITTEN, written.as_bytes());
        }
        put(out, OUTPUT, self.output.as_bytes());
        put(out, IDEMPOTENT, &[self.idempotent.into()]);
        put(out, OR_LOCAL, &[self.or_local.into()]);
        if let Some(fingerprint) = &self.fingerprint {
            put(out, FINGERPRINT, fingerprint);
        }
        if let Some(structure) = &self.structure {
            nested(out, STRUCTURE, |out| put_structure(structure, out));
        }
    }

    fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut function = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field?;
            match tag {
                NAME => function.name = text(value),
                DOCS => function.docs = text(value),
                PACKAGE => function.package = text(value),
                FILE => function.file = text(value),
                LINE => {
                    let wrong = |_| Malformed("a line has a larger number than there are");
                    function.line = u32::try_from(number(value)?).map_err(wrong)?;
                }
                ARGUMENT => function.arguments.push((text(value), String::new())),
                WRITTEN => {
                    if let Some((_, written)) = function.arguments.last_mut() {
                        *written = text(value);
                    }
                }
                OUTPUT => function.output = text(value),
                IDEMPOTENT => function.idempotent = number(value)? != 0,
                OR_LOCAL => function.or_local = number(value)? != 0,
                FINGERPRINT => {
                    let wrong = |_| Malformed("a fingerprint has not 16 bytes");
                    function.fingerprint = Some(value.try_into().map_err(wrong)?);
                }
                STRUCTURE => function.structure = Some(read_structure(value)?),
                _ => {}
            }
        }
        if function.name.is_empty() {
            return Err(Malformed("a function has no name"));
        }
        Ok(function)
    }
}

/// Appends a field whose value has fields.
fn nested(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut value = Vec::new();
    fill(&mut value);
    put(out, tag, &value);
}

fn put_structure(structure: &Structure, out: &mut Vec<u8>) {
    for argument in &structure.arguments {
        nested(out, ARGUMENT, |out| put_type(argument, out));
    }
    if let Some(answer) = &structure.answer {
        nested(out, ANSWER, |out| put_type(answer, out));
    }
    if let Some(error) = &structure.error {
        nested(out, ERROR, |out| put_type(error, out));
    }
    for definition in &structure.definitions {
        nested(out, DEFINITION, |out| put_definition(definition, out));
    }
}

fn read_structure(body: &[u8]) -> Result<Structure, Malformed> {
    let mut structure = Structure::default();
    for field in fields::read(body) {
        let (tag, value) = field?;
        match tag {
            ARGUMENT => structure.arguments.push(read_type(value, DEEPEST)?),
            ANSWER => structure.answer = Some(read_type(value, DEEPEST)?),
            ERROR => structure.error = Some(read_type(value, DEEPEST)?),
            DEFINITION => structure.definitions.push(read_definition(value)?),
            _ => {}
        }
    }
    Ok(structure)
}

fn put_type(ty: &Type, out: &mut Vec<u8>) {
    match ty {
        Type::Bool => put(out, BOOL, &[]),
        Type::Integer { bits, signed } => put(out, INTEGER, &[*bits, (*signed).into()]),
        Type::Float(bits) => put(out, FLOAT, &[*bits]),
        Type::Char => put(out, CHAR, &[]),
        Type::Text => put(out, TEXT, &[]),
        Type::Bytes => put(out, BYTES, &[]),
        Type::Unit => put(out, UNIT, &[]),
        Type::Tuple(parts) => nested(out, TUPLE, |out| {
            parts.iter().for_each(|part| put_type(part, out));
        }),
        Type::Struct { name, fields } => nested(out, STRUCT, |out| {
            put(out, NAMED, name.as_bytes());
            for (name, ty) in fields {
                put(out, NAMED, name.as_bytes());
                put_type(ty, out);
            }
        }),
        Type::Newtype(name, inner) => nested(out, NEWTYPE, |out| {
            put(out, NAMED, name.as_bytes());
            put_type(inner, out);
        }),
        Type::Defined(at) => put(out, DEFINED, &(*at as u64).to_le_bytes()),
    }
}

fn put_definition(definition: &Definition, out: &mut Vec<u8>) {
    match definition {
        Definition::Optional(held) => nested(out, OPTION, |out| put_type(held, out)),
        Definition::List(element) => nested(out, LIST, |out| put_type(element, out)),
        Definition::Map(key, value) => nested(out, MAP, |out| {
            put_type(key, out);
            put_type(value, out);
        }),
        Definition::Enum { name, variants } => nested(out, ENUM, |out| {
            put(out, NAMED, name.as_bytes());
            for (name, ty) in variants {
                put(out, NAMED, name.as_bytes());
                if let Some(ty) = ty {
                    put_type(ty, out);
                }
            }
        }),
    }
}

/// What stands in a list of types: names, each with the type that follows it, if one does.
#[derive(Default)]
struct Parts {
    named: Vec<(String, Option<Type>)>,
    unnamed: Vec<Type>,
}

impl Parts {
    fn read(body: &[u8], depth: usize) -> Result<Self, Malformed> {
        let depth = depth
            .checked_sub(1)
            .ok_or(Malformed("a type is too deep"))?;
        let mut parts = Self::default();
        for field in fields::read(body) {
            let (tag, value) = field?;
            if tag == NAMED {
                parts.named.push((text(value), None));
                continue;
            }
            let Some(ty) = one_type(tag, value, depth)? else {
                continue;
            };
            match parts.named.last_mut() {
                Some((_, named @ None)) => *named = Some(ty),
                _ => parts.unnamed.push(ty),
            }
        }
        Ok(parts)
    }

    /// The name of all of it, which is the first.
    fn own_name(&mut self) -> Result<(String, Option<Type>), Malformed> {
        if self.named.is_empty() {
            return Err(Malformed("a type has no name"));
        }
        Ok(self.named.remove(0))
    }
}

/// Reads the one type in `body`.
fn read_type(body: &[u8], depth: usize) -> Result<Type, Malformed> {
    for field in fields::read(body) {
        let (tag, value) = field?;
        if let Some(ty) = one_type(tag, value, depth)? {
            return Ok(ty);
        }
    }
    Err(Malformed(
        "a type is of a kind that this version does not know",
    ))
}

/// `None` if it is of a later version.
fn one_type(tag: u8, value: &[u8], depth: usize) -> Result<Option<Type>, Malformed> {
    Ok(Some(match tag {
        BOOL => Type::Bool,
        INTEGER => match *value {
            [bits, signed, ..] => Type::Integer {
                bits,
                signed: signed != 0,
            },
            _ => return Err(Malformed("an integer does not say how large it is")),
        },
        FLOAT => match *value {
            [bits, ..] => Type::Float(bits),
            [] => return Err(Malformed("a float does not say how large it is")),
        },
        CHAR => Type::Char,
        TEXT => Type::Text,
        BYTES => Type::Bytes,
        UNIT => Type::Unit,
        TUPLE => Type::Tuple(Parts::read(value, depth)?.unnamed),
        STRUCT => {
            let mut parts = Parts::read(value, depth)?;
            let (name, _) = parts.own_name()?;
            let fields = parts.named.into_iter();
            let fields = fields.filter_map(|(name, ty)| Some((name, ty?)));
            Type::Struct {
                name,
                fields: fields.collect(),
            }
        }
        NEWTYPE => {
            let (name, inner) = Parts::read(value, depth)?.own_name()?;
            let inner = inner.ok_or(Malformed("a newtype is one of nothing"))?;
            Type::Newtype(name, Box::new(inner))
        }
        DEFINED => {
            let wrong = |_| Malformed("a definition has a larger number than there are");
            Type::Defined(usize::try_from(number(value)?).map_err(wrong)?)
        }
        _ => return Ok(None),
    }))
}

fn read_definition(body: &[u8]) -> Result<Definition, Malformed> {
    for field in fields::read(body) {
        let (tag, value) = field?;
        let mut parts = Parts::read(value, DEEPEST)?;
        let mut unnamed = parts.unnamed.drain(..);
        let mut next = || {
            unnamed
                .next()
                .ok_or(Malformed("a definition has too few parts"))
        };
        return Ok(match tag {
            OPTION => Definition::Optional(next()?),
            LIST => Definition::List(next()?),
            MAP => Definition::Map(next()?, next()?),
            ENUM => {
                drop(unnamed);
                let (name, _) = parts.own_name()?;
                Definition::Enum {
                    name,
                    variants: parts.named,
                }
            }
            _ => continue,
        });
    }
    Err(Malformed(
        "a definition is of a kind that this version does not know",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn ty() -> impl Strategy<Value = Type> {
        let leaf = prop_oneof![
            Just(Type::Bool),
            any::<(u8, bool)>().prop_map(|(bits, signed)| Type::Integer { bits, signed }),
            any::<u8>().prop_map(Type::Float),
            Just(Type::Char),
            Just(Type::Text),
            Just(Type::Bytes),
            Just(Type::Unit),
            any::<u32>().prop_map(|at| Type::Defined(at as usize)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Type::Tuple),
                (any::<String>(), vec((any::<String>(), inner.clone()), 0..4))
                    .prop_map(|(name, fields)| Type::Struct { name, fields }),
                (any::<String>(), inner).prop_map(|(name, of)| Type::Newtype(name, Box::new(of))),
            ]
        })
    }

    fn definition() -> impl Strategy<Value = Definition> {
        prop_oneof![
            ty().prop_map(Definition::Optional),
            ty().prop_map(Definition::List),
            (ty(), ty()).prop_map(|(key, value)| Definition::Map(key, value)),
            (
                any::<String>(),
                vec((any::<String>(), proptest::option::of(ty())), 0..4)
            )
                .prop_map(|(name, variants)| Definition::Enum { name, variants }),
        ]
    }

    fn function() -> impl Strategy<Value = Function> {
        let structure = (
            vec(ty(), 0..3),
            proptest::option::of(ty()),
            proptest::option::of(ty()),
            vec(definition(), 0..3),
        );
        let structure = structure.prop_map(|(arguments, answer, error, definitions)| Structure {
            arguments,
            answer,
            error,
            definitions,
        });
        (
            any::<[String; 5]>(),
            any::<(u32, bool, bool, Option<[u8; 16]>)>(),
            vec(any::<(String, String)>(), 0..3),
            proptest::option::of(structure),
        )
            .prop_map(
                |(texts, (line, idempotent, or_local, fingerprint), arguments, structure)| {
                    let [name, docs, package, file, output] = texts;
                    let name = format!("f{name}");
                    Function {
                        name,
                        docs,
                        package,
                        file,
                        line,
                        arguments,
                        output,
                        idempotent,
                        or_local,
                        fingerprint,
                        structure,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn every_interface_is_read_back(names: (String, String), program: PathBuf, functions in vec(function(), 0..4)) {
            let (server, key) = names;
            let interface = Interface { server, key, program, functions };
            let mut body = Vec::new();
            interface.put(&mut body);
            prop_assert_eq!(Interface::read(&body), Ok(interface));
        }

        #[test]
        fn any_bytes_are_an_interface_or_malformed(body: Vec<u8>) {
            let _ = Interface::read(&body);
        }
    }

    #[test]
    fn types_without_end_end() {
        let mut ty = Vec::new();
        for _ in 0..10_000 {
            let mut outer = Vec::new();
            put(&mut outer, TUPLE, &ty);
            ty = outer;
        }
        assert_eq!(
            read_type(&ty, DEEPEST),
            Err(Malformed("a type is too deep"))
        );
    }
}
