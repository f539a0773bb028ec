//! Types as JSON Schema (draft 2020-12), as `OpenAPI` 3.1 has it.

use serde_json::{Map, Value, json};

use super::Types;
use crate::codec::cbor::REFERENCE_NAME;
use crate::shape::{Definition, Structure, Type};

/// The schemas of a function: of what can hold itself, which others refer to by its place.
pub(crate) struct Schemas<'s> {
    types: Types<'s>,
    /// How references to those begin.
    prefix: &'s str,
    /// Which of the definitions can hold themselves.
    is_recursive: Vec<bool>,
}

impl<'s> Schemas<'s> {
    pub(crate) fn of(structure: &'s Structure, prefix: &'s str) -> Self {
        let definitions = &structure.definitions;
        let is_recursive = (0..definitions.len())
            .map(|at| holds(definitions, at, at))
            .collect();
        Self {
            types: Types(definitions),
            prefix,
            is_recursive,
        }
    }

    /// Those that others refer to, by their names without the prefix.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (String, Value)> {
        let shared = self.is_recursive.iter().enumerate();
        let shared = shared.filter(|(_, is_recursive)| **is_recursive);
        shared.map(|(at, _)| (at.to_string(), self.defined(at)))
    }

    /// All arguments, by their names, as one object.
    pub(crate) fn arguments<'a>(
        &self,
        arguments: impl Iterator<Item = (&'a str, &'a Type)>,
    ) -> Value {
        self.object(arguments)
    }

    pub(crate) fn schema(&self, ty: &Type) -> Value {
        match ty {
            Type::Bool => json!({ "type": "boolean" }),
            Type::Integer { bits, signed } => integer(*bits, *signed),
            Type::Float(bits) => float(*bits),
            Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Type::Text => json!({ "type": "string" }),
            Type::Bytes => {
                let byte = integer(8, false);
                json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": byte }] })
            }
            Type::Unit => json!({ "type": "null" }),
            Type::Tuple(parts) => {
                let (n, parts): (_, Vec<_>) = (
                    parts.len(),
                    parts.iter().map(|part| self.schema(part)).collect(),
                );
                json!({ "type": "array", "prefixItems": parts, "minItems": n, "maxItems": n })
            }
            Type::Struct { name, fields } => {
                let fields = fields.iter().map(|(name, ty)| (&**name, ty));
                titled(self.object(fields), name)
            }
            Type::Newtype(name, _) if name.starts_with(REFERENCE_NAME) => {
                json!({ "type": "string", "title": name })
            }
            Type::Newtype(name, inner) => titled(self.schema(inner), name),
            Type::Defined(at) if self.is_recursive.get(*at) == Some(&true) => {
                json!({ "$ref": format!("{}{at}", self.prefix) })
            }
            Type::Defined(at) => self.defined(*at),
        }
    }

    fn defined(&self, at: usize) -> Value {
        match self.types.definition(at) {
            Some(Definition::Optional(held)) => {
                json!({ "anyOf": [self.schema(held), { "type": "null" }] })
            }
            Some(Definition::List(element)) => {
                json!({ "type": "array", "items": self.schema(element) })
            }
            Some(Definition::Map(key, value)) if self.types.is_text(key) => {
                json!({ "type": "object", "propertyNames": self.key(key), "additionalProperties": self.schema(value) })
            }
            // Keys that are no texts are written as texts, or in pairs.
            Some(Definition::Map(key, value)) => {
                let pair = [self.schema(key), self.schema(value)];
                let pair =
                    json!({ "type": "array", "prefixItems": pair, "minItems": 2, "maxItems": 2 });
                let value = self.schema(value);
                json!({ "anyOf": [
                    { "type": "object", "propertyNames": self.key(key), "additionalProperties": value },
                    { "type": "array", "items": pair },
                ] })
            }
            Some(Definition::Enum { name, variants }) => {
                let there = variants
                    .iter()
                    .filter_map(|(name, ty)| Some((name, ty.as_ref()?)));
                let variants: Vec<_> = there.map(|(name, ty)| self.variant(name, ty)).collect();
                titled(json!({ "anyOf": variants }), name)
            }
            None => json!({}),
        }
    }

    /// What a text must be to be a key of that type.
    fn key(&self, ty: &Type) -> Value {
        match ty {
            Type::Bool => json!({ "enum": ["true", "false"] }),
            Type::Integer { signed: true, .. } => json!({ "pattern": "^-?[0-9]+$" }),
            Type::Integer { .. } => json!({ "pattern": "^[0-9]+$" }),
            Type::Char => json!({ "minLength": 1, "maxLength": 1 }),
            Type::Newtype(_, inner) => self.key(inner),
            // They are written in pairs, of which an object has none.
            Type::Unit | Type::Tuple(_) | Type::Struct { .. } => json!(false),
            Type::Defined(at) => match self.types.definition(*at) {
                Some(Definition::Enum { variants, .. }) => {
                    let names = variants.iter().filter(|(_, ty)| *ty == Some(Type::Unit));
                    json!({ "enum": names.map(|(name, _)| name).collect::<Vec<_>>() })
                }
                _ => json!(true),
            },
            _ => json!(true),
        }
    }

    /// Whether there is no value of it without a reference, which JSON cannot be.
    pub(crate) fn is_reference(&self, ty: &Type) -> bool {
        match ty {
            Type::Newtype(name, _) if name.starts_with(REFERENCE_NAME) => true,
            Type::Newtype(_, inner) => self.is_reference(inner),
            Type::Tuple(parts) => parts.iter().any(|part| self.is_reference(part)),
            Type::Struct { fields, .. } => fields.iter().any(|(_, ty)| self.is_reference(ty)),
            _ => false,
        }
    }

    fn variant(&self, name: &str, ty: &Type) -> Value {
        let object = self.object([(name, ty)].into_iter());
        match ty {
            Type::Unit => json!({ "anyOf": [{ "const": name }, object] }),
            _ => object,
        }
    }

    fn object<'a>(&self, fields: impl Iterator<Item = (&'a str, &'a Type)>) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, ty) in fields {
            properties.insert(name.to_owned(), self.schema(ty));
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
            Type::Text | Type::Char | Type::Bytes => true,
            Type::Newtype(_, inner) => self.is_text(inner),
            _ => matches!(self.defined(ty), Some(Definition::Enum { .. })),
        }
    }
}

/// What JSON has no number for is a text.
fn float(bits: u8) -> Value {
    let number = match bits {
        32 => json!({ "type": "number", "minimum": f32::MIN, "maximum": f32::MAX }),
        _ => json!({ "type": "number" }),
    };
    json!({ "anyOf": [number, { "enum": ["inf", "-inf", "NaN"] }] })
}

fn integer(bits: u8, signed: bool) -> Value {
    let shift = u32::from(128 - bits);
    let (least, most) = match signed {
        true => (i128::MIN >> shift, (i128::MAX >> shift).unsigned_abs()),
        false => (0, u128::MAX >> shift),
    };
    let is_json = i64::try_from(least).ok().zip(u64::try_from(most).ok());
    let text = match signed {
        true => "^[+-]?[0-9]+$",
        false => "^[+]?[0-9]+$",
    };
    match is_json {
        // One that is written as a text is taken too.
        Some((least, most)) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        None => json!({ "anyOf": [{ "type": "integer" }, { "type": "string", "pattern": text }] }),
    }
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let (Value::Object(object), false) = (&mut schema, title.is_empty()) {
        object.insert("title".into(), title.into());
    }
    schema
}

/// Whether the definition `at` can hold the one `what`.
fn holds(definitions: &[Definition], at: usize, what: usize) -> bool {
    let mut seen = vec![false; definitions.len()];
    let mut next = Vec::new();
    let add = |at: usize, next: &mut Vec<usize>| match definitions.get(at) {
        Some(Definition::Optional(ty) | Definition::List(ty)) => mentioned(ty, next),
        Some(Definition::Map(key, value)) => {
            mentioned(key, next);
            mentioned(value, next);
        }
        Some(Definition::Enum { variants, .. }) => {
            variants
                .iter()
                .filter_map(|(_, ty)| ty.as_ref())
                .for_each(|ty| mentioned(ty, next));
        }
        None => {}
    };
    add(at, &mut next);
    while let Some(at) = next.pop() {
        if at == what {
            return true;
        }
        if seen.get(at) == Some(&false) {
            seen[at] = true;
            add(at, &mut next);
        }
    }
    false
}

/// The definitions that a type names.
fn mentioned(ty: &Type, found: &mut Vec<usize>) {
    match ty {
        Type::Defined(at) => found.push(*at),
        Type::Newtype(_, inner) => mentioned(inner, found),
        Type::Tuple(parts) => parts.iter().for_each(|part| mentioned(part, found)),
        Type::Struct { fields, .. } => fields.iter().for_each(|(_, ty)| mentioned(ty, found)),
        _ => {}
    }
}
