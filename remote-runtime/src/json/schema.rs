//! Types as JSON Schema (draft 2020-12), as `OpenAPI` 3.1 has it.
//!
//! A type with a name is a schema of its own, to which others refer. One that takes more as an argument
//! than it gives as an answer has two, of which that of arguments ends with `Input`.

mod names;

use serde_json::{Map, Value, json};

use super::Types;
use crate::codec::cbor::REFERENCE_NAME;
use crate::shape::{Definition, Structure, Type};
use crate::wire::interface::Interface;
use names::{Entry, Named};

/// Whether a value is given to a function or comes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Argument,
    Answer,
}

/// The schemas of all functions of an interface.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// Those that others refer to, by their names.
    pub(crate) named: Map<String, Value>,
    /// Of each function, as far as serde shows its types.
    functions: Vec<Option<FunctionSchemas>>,
}

/// The schemas of the types of a function.
#[derive(Debug)]
pub(crate) struct FunctionSchemas {
    /// Of its arguments, by their names.
    pub(crate) arguments: Map<String, Value>,
    pub(crate) answer: Value,
    /// Of its error, if that travels as its own type.
    pub(crate) error: Option<Value>,
}

impl Schemas {
    /// Those of an interface, in which references begin with `prefix`.
    pub(crate) fn of(interface: &Interface, prefix: &str) -> Self {
        let mut named = Named::default();
        let functions = interface.functions.iter().map(|function| {
            let structure = function.structure.as_ref()?;
            let mut writer = Writer::new(structure, &mut named);
            let names = function.arguments.iter().map(|(name, _)| name.clone());
            let arguments = names.zip(&structure.arguments);
            let arguments =
                arguments.map(|(name, ty)| (name, writer.schema(ty, Direction::Argument)));
            Some(FunctionSchemas {
                arguments: arguments.collect(),
                answer: structure
                    .answer
                    .as_ref()
                    .map_or(json!({}), |ty| writer.schema(ty, Direction::Answer)),
                error: structure
                    .error
                    .as_ref()
                    .map(|ty| writer.schema(ty, Direction::Answer)),
            })
        });
        let mut functions: Vec<_> = functions.collect();
        let names = named.choose();
        for function in functions.iter_mut().flatten() {
            let own = function.arguments.values_mut();
            for schema in own.chain([&mut function.answer]).chain(&mut function.error) {
                names.write(schema, prefix);
            }
        }
        Self {
            named: names.into_schemas(prefix),
            functions,
        }
    }

    /// Those of each function, in the order of the interface.
    pub(crate) fn functions(&self) -> impl Iterator<Item = Option<&FunctionSchemas>> {
        self.functions.iter().map(Option::as_ref)
    }
}

/// Writes the schemas of the types of one function.
struct Writer<'w> {
    types: Types<'w>,
    named: &'w mut Named,
    /// The types of this function that have a name, with their places among all.
    own: Vec<(&'w Type, Direction, Entry)>,
    /// Which of the definitions can hold themselves without a type between them that has a name.
    is_recursive: Vec<bool>,
}

impl<'w> Writer<'w> {
    fn new(structure: &'w Structure, named: &'w mut Named) -> Self {
        let definitions = &structure.definitions;
        Self {
            types: Types(definitions),
            named,
            own: Vec::new(),
            is_recursive: (0..definitions.len())
                .map(|at| holds(definitions, at))
                .collect(),
        }
    }

    fn schema(&mut self, ty: &'w Type, direction: Direction) -> Value {
        let Some(name) = self.name(ty) else {
            return self.whole(ty, direction);
        };
        let known = self
            .own
            .iter()
            .find(|(its, way, _)| (*its, *way) == (ty, direction));
        if let Some((_, _, entry)) = known {
            return entry.reference();
        }
        let entry = self
            .named
            .begin(name, matches!(direction, Direction::Argument));
        self.own.push((ty, direction, entry));
        let schema = self.whole(ty, direction);
        self.named.end(entry, schema);
        entry.reference()
    }

    /// The name under which others refer to a type.
    fn name(&self, ty: &'w Type) -> Option<&'w str> {
        match ty {
            Type::Struct { name, .. } | Type::Newtype(name, _) => {
                Some(&**name).filter(|name| !name.is_empty() && !name.starts_with(REFERENCE_NAME))
            }
            Type::Defined(at) => match self.types.definition(*at)? {
                Definition::Enum { name, .. } => Some(name),
                _ if !*self.is_recursive.get(*at)? => None,
                Definition::Optional(_) => Some("Optional"),
                Definition::List(_) => Some("List"),
                Definition::Map(..) => Some("Map"),
            },
            _ => None,
        }
    }

    fn whole(&mut self, ty: &'w Type, direction: Direction) -> Value {
        match ty {
            Type::Bool => json!({ "type": "boolean" }),
            Type::Integer { bits, signed } => integer(*bits, *signed, direction),
            Type::Float(bits) => float(*bits),
            Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Type::Text => json!({ "type": "string" }),
            Type::Bytes => {
                let byte = integer(8, false, direction);
                let list = json!({ "type": "array", "items": byte });
                match direction {
                    Direction::Argument => json!({ "anyOf": [{ "type": "string" }, list] }),
                    Direction::Answer => list,
                }
            }
            Type::Unit => json!({ "type": "null" }),
            Type::Tuple(parts) => self.tuple(parts, direction),
            Type::Struct { fields, .. } => {
                let fields = fields.iter().map(|(name, ty)| (&**name, ty));
                self.object(fields, direction)
            }
            Type::Newtype(name, _) if name.starts_with(REFERENCE_NAME) => {
                json!({ "type": "string", "const": name })
            }
            Type::Newtype(_, inner) => self.schema(inner, direction),
            Type::Defined(at) => self.defined(*at, direction),
        }
    }

    fn tuple(&mut self, parts: &'w [Type], direction: Direction) -> Value {
        let n = parts.len();
        let parts = parts.iter().map(|part| self.schema(part, direction));
        let parts: Vec<_> = parts.collect();
        json!({ "type": "array", "prefixItems": parts, "items": false, "minItems": n, "maxItems": n })
    }

    fn defined(&mut self, at: usize, direction: Direction) -> Value {
        match self.types.definition(at) {
            Some(Definition::Optional(held)) => {
                json!({ "anyOf": [self.schema(held, direction), { "type": "null" }] })
            }
            Some(Definition::List(element)) => {
                json!({ "type": "array", "items": self.schema(element, direction) })
            }
            Some(Definition::Map(key, value)) => self.map(key, value, direction),
            Some(Definition::Enum { variants, .. }) => self.variants(variants, direction),
            None => json!({}),
        }
    }

    fn map(&mut self, key: &'w Type, value: &'w Type, direction: Direction) -> Value {
        let object = self.types.key(key).map(|key| {
            let value = self.schema(value, direction);
            json!({ "type": "object", "propertyNames": key, "additionalProperties": value })
        });
        // Keys that are no texts come in pairs, and can always be given so.
        let is_text = self.types.is_text(key);
        match (object, direction) {
            (Some(object), Direction::Answer) => object,
            (Some(object), _) if is_text => object,
            (object, _) => {
                let pair = [self.schema(key, direction), self.schema(value, direction)];
                let pair = json!({
                    "type": "array", "prefixItems": pair, "items": false, "minItems": 2, "maxItems": 2,
                });
                let pairs = json!({ "type": "array", "items": pair });
                match object {
                    Some(object) => json!({ "anyOf": [object, pairs] }),
                    None => pairs,
                }
            }
        }
    }

    /// An enum: of the variants that hold nothing their names, of the others an object of one field.
    fn variants(&mut self, variants: &'w [(String, Option<Type>)], direction: Direction) -> Value {
        let (mut names, mut all) = (Vec::new(), Vec::new());
        for (name, ty) in variants {
            match ty {
                Some(Type::Unit) => names.push(&**name),
                Some(ty) => all.push(self.object([(&**name, ty)].into_iter(), direction)),
                // It is not there.
                None => {}
            }
        }
        if !names.is_empty() {
            all.insert(0, json!({ "type": "string", "enum": names }));
        }
        match all.len() {
            1 => all.swap_remove(0),
            _ => json!({ "anyOf": all }),
        }
    }

    fn object(
        &mut self,
        fields: impl Iterator<Item = (&'w str, &'w Type)>,
        direction: Direction,
    ) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, ty) in fields {
            properties.insert(name.to_owned(), self.schema(ty, direction));
            // An answer may lack it, too: its type may skip what is `None`.
            if !self.types.is_option(ty) {
                required.push(name);
            }
        }
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}

impl Types<'_> {
    /// Whether a value of it is a text in JSON.
    fn is_text(self, ty: &Type) -> bool {
        match ty {
            Type::Text | Type::Char => true,
            Type::Newtype(_, inner) => self.is_text(inner),
            _ => matches!(self.defined(ty), Some(Definition::Enum { .. })),
        }
    }

    /// What a text must be to be a key of that type; `None` if its keys are no texts.
    fn key(self, ty: &Type) -> Option<Value> {
        Some(match ty {
            Type::Bool => json!({ "enum": ["true", "false"] }),
            Type::Integer { signed: true, .. } => json!({ "pattern": "^-?[0-9]+$" }),
            Type::Integer { .. } => json!({ "pattern": "^[0-9]+$" }),
            Type::Char => json!({ "minLength": 1, "maxLength": 1 }),
            Type::Text | Type::Float(_) => json!(true),
            Type::Newtype(_, inner) => return self.key(inner),
            _ => match self.defined(ty)? {
                Definition::Enum { variants, .. } => {
                    let there = variants
                        .iter()
                        .filter_map(|(name, ty)| Some((name, ty.as_ref()?)));
                    let names = there.map(|(name, ty)| (*ty == Type::Unit).then_some(name));
                    json!({ "enum": names.collect::<Option<Vec<_>>>()? })
                }
                _ => return None,
            },
        })
    }

    /// Whether there is no value of it without a reference, which cannot be given as JSON.
    pub(crate) fn is_reference(self, ty: &Type) -> bool {
        let is_one = |ty| self.is_reference(ty);
        match ty {
            Type::Newtype(name, _) if name.starts_with(REFERENCE_NAME) => true,
            Type::Newtype(_, inner) => is_one(inner),
            Type::Tuple(parts) => parts.iter().any(is_one),
            Type::Struct { fields, .. } => fields.iter().any(|(_, ty)| is_one(ty)),
            _ => false,
        }
    }
}

/// A float, or a text for what JSON has no number for.
fn float(bits: u8) -> Value {
    let number = match bits {
        32 => json!({ "type": "number", "minimum": f32::MIN, "maximum": f32::MAX }),
        _ => json!({ "type": "number" }),
    };
    json!({ "anyOf": [number, { "type": "string", "enum": ["inf", "-inf", "NaN"] }] })
}

/// An integer, or a text where not every language has all of its numbers.
fn integer(bits: u8, signed: bool, direction: Direction) -> Value {
    let shift = u32::from(128 - bits);
    let (least, most) = match signed {
        true => (i128::MIN >> shift, (i128::MAX >> shift).unsigned_abs()),
        false => (0, u128::MAX >> shift),
    };
    let number = match i64::try_from(least).ok().zip(u64::try_from(most).ok()) {
        Some((least, most)) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        None => json!({ "type": "integer" }),
    };
    let text = match signed {
        true => json!({ "type": "string", "pattern": "^[+-]?[0-9]+$" }),
        false => json!({ "type": "string", "pattern": "^[+]?[0-9]+$" }),
    };
    match (bits, direction) {
        (..=32, _) | (64, Direction::Answer) => number,
        _ => json!({ "anyOf": [number, text] }),
    }
}

/// Whether a definition can hold itself without a type between them that has a name.
fn holds(definitions: &[Definition], what: usize) -> bool {
    let mut seen = vec![false; definitions.len()];
    let mut next = vec![what];
    while let Some(at) = next.pop() {
        let before = next.len();
        match definitions.get(at) {
            Some(Definition::Optional(ty) | Definition::List(ty)) => mentioned(ty, &mut next),
            Some(Definition::Map(key, value)) => {
                mentioned(key, &mut next);
                mentioned(value, &mut next);
            }
            Some(Definition::Enum { .. }) | None => {}
        }
        if next[before..].contains(&what) {
            return true;
        }
        let added = next.split_off(before);
        let is_new = |at: &usize| {
            let seen = seen.get_mut(*at);
            seen.is_some_and(|seen| !std::mem::replace(seen, true))
        };
        next.extend(added.into_iter().filter(is_new));
    }
    false
}

/// The definitions that a type without a name mentions.
fn mentioned(ty: &Type, found: &mut Vec<usize>) {
    match ty {
        Type::Defined(at) => found.push(*at),
        Type::Newtype(name, inner) if name.is_empty() => mentioned(inner, found),
        Type::Tuple(parts) => parts.iter().for_each(|part| mentioned(part, found)),
        Type::Struct { name, fields } if name.is_empty() => {
            fields.iter().for_each(|(_, ty)| mentioned(ty, found));
        }
        _ => {}
    }
}
