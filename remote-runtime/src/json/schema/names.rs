//! The names of schemas: each type has its own, wherever it is used.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Names that types do not get, since the description of a server has others of them.
const TAKEN: [&str; 1] = ["Error"];

/// A schema with a name, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(usize);

impl Entry {
    /// A reference to it, until names are chosen.
    pub(super) fn reference(self) -> Value {
        json!({ "$ref": self.0 })
    }
}

#[derive(Debug)]
struct Schema {
    /// The name of the type.
    name: String,
    is_input: bool,
    /// The number of names that were taken.
    attempt: usize,
    schema: Value,
}

impl Schema {
    fn name(&self) -> String {
        let Self { name, attempt, .. } = self;
        match (attempt, self.is_input) {
            (0, _) => name.clone(),
            (1, true) => format!("{name}Input"),
            (_, true) => format!("{name}Input{attempt}"),
            (_, false) => format!("{name}{}", attempt + 1),
        }
    }
}

/// Schemas that have names.
#[derive(Debug, Default)]
pub(super) struct Named(Vec<Schema>);

impl Named {
    /// Adds the schema of a type of that name, which comes later: it may refer to itself.
    pub(super) fn begin(&mut self, name: &str, is_input: bool) -> Entry {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let plain = |c| if is_plain(c) { c } else { '_' };
        self.0.push(Schema {
            name: name.chars().map(plain).collect(),
            is_input,
            attempt: 0,
            schema: Value::Null,
        });
        Entry(self.0.len() - 1)
    }

    pub(super) fn end(&mut self, entry: Entry, schema: Value) {
        self.0[entry.0].schema = schema;
    }

    /// Chooses the names: schemas that are equal share one, and those of answers come first.
    pub(super) fn choose(mut self) -> Names {
        let (answers, inputs): (Vec<_>, Vec<_>) =
            (0..self.0.len()).partition(|&at| !self.0[at].is_input);
        let order = [answers, inputs].concat();
        // With another name, a schema differs from those that refer to the first one, which therefore need
        // another name too. Each round takes a name away from one at least, so that it ends.
        loop {
            let names = Names {
                names: self.0.iter().map(Schema::name).collect(),
                schemas: self.0.iter().map(|it| it.schema.clone()).collect(),
            };
            let (mut chosen, mut is_settled) = (BTreeMap::new(), true);
            for &at in &order {
                let name = &names.names[at];
                let mut schema = names.schemas[at].clone();
                names.write(&mut schema, "");
                let is_taken = TAKEN.contains(&&**name);
                if is_taken || *chosen.entry(name).or_insert_with(|| schema.clone()) != schema {
                    self.0[at].attempt += 1;
                    is_settled = false;
                }
            }
            if is_settled {
                return names;
            }
        }
    }
}

/// The names that were chosen.
pub(super) struct Names {
    names: Vec<String>,
    schemas: Vec<Value>,
}

impl Names {
    /// Writes the names into the references of a schema.
    pub(super) fn write(&self, schema: &mut Value, prefix: &str) {
        match schema {
            Value::Array(list) => list.iter_mut().for_each(|it| self.write(it, prefix)),
            Value::Object(object) => {
                let to = object.get("$ref").and_then(Value::as_u64);
                let name = to.and_then(|to| self.names.get(usize::try_from(to).ok()?));
                if let Some(name) = name {
                    object.insert("$ref".into(), format!("{prefix}{name}").into());
                    return;
                }
                object.values_mut().for_each(|it| self.write(it, prefix));
            }
            _ => {}
        }
    }

    /// All schemas by their names, with references that begin with `prefix`.
    pub(super) fn into_schemas(mut self, prefix: &str) -> Map<String, Value> {
        let mut schemas = std::mem::take(&mut self.schemas);
        for schema in &mut schemas {
            self.write(schema, prefix);
        }
        self.names.into_iter().zip(schemas).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(schemas: &[(&str, bool, Value)]) -> Map<String, Value> {
        let mut named = Named::default();
        for (name, is_input, schema) in schemas {
            let entry = named.begin(name, *is_input);
            named.end(entry, schema.clone());
        }
        named.choose().into_schemas("#")
    }

    #[test]
    fn equal_schemas_share_a_name_and_others_do_not() {
        let all = named(&[
            ("A", true, json!({ "b": { "$ref": 1 } })),
            ("B", true, json!({ "type": ["integer", "string"] })),
            ("A", false, json!({ "b": { "$ref": 3 } })),
            ("B", false, json!({ "type": "integer" })),
            ("C", true, json!({ "c": { "$ref": 4 } })),
            ("C", false, json!({ "c": { "$ref": 5 } })),
            ("Error", false, json!({ "type": "null" })),
            ("X<Y>", false, json!({ "type": "null" })),
        ]);
        let expected = json!({
            "A": { "b": { "$ref": "#B" } },
            "AInput": { "b": { "$ref": "#BInput" } },
            "B": { "type": "integer" },
            "BInput": { "type": ["integer", "string"] },
            "C": { "c": { "$ref": "#C" } },
            "Error2": { "type": "null" },
            "X_Y_": { "type": "null" },
        });
        assert_eq!(Value::Object(all), expected);
    }
}
