//! What a server offers, as `OpenAPI` 3.1 has it: <https://spec.openapis.org/oas/v3.1.0>.

use serde_json::{Map, Value, json};

use super::{CALL, JSON, encoded};
use crate::json::Schemas;
use crate::wire::interface::{Function, Interface};

/// How references to the types of a function begin.
pub(super) fn reference(function: &Function) -> String {
    format!("#/components/schemas/{}.", component(&function.name))
}

/// A name of a component can have no other characters.
fn component(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars()
        .map(|c| if is_plain(c) { c } else { '.' })
        .collect()
}

pub(super) fn document(interface: &Interface) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for (path, summary, kind, is_open) in [
        ("/interface", "What the server offers.", JSON, false),
        ("/status", "What the server is doing.", JSON, false),
        (
            "/metrics",
            "Figures, as Prometheus reads them.",
            "text/plain",
            false,
        ),
        (
            "/healthz",
            "Whether the server takes calls.",
            "text/plain",
            true,
        ),
    ] {
        let schema = match kind {
            JSON => json!({ "type": "object" }),
            _ => json!({ "type": "string" }),
        };
        let mut get = json!({
            "summary": summary,
            "responses": { "200": response(summary, kind, &schema), "default": failure() },
        });
        if is_open {
            get["responses"]["503"] = response("The server is ending.", kind, &schema);
            get["security"] = json!([]);
        }
        paths.insert(path.into(), json!({ "get": get }));
    }
    for function in &interface.functions {
        if let Some(path) = call(function, &mut schemas) {
            paths.insert(format!("{CALL}{}", encoded(&function.name)), path);
        }
    }
    schemas.insert("Error".into(), error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": interface.server,
            "description": "The functions of a program that serves them with remotex.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": "." }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "password": { "type": "http", "scheme": "basic" },
            },
        },
        "security": [{ "token": [] }, { "password": [] }],
    })
}

/// The path of a function whose types are known; its own go to `shared`.
fn call(function: &Function, shared: &mut Map<String, Value>) -> Option<Value> {
    let structure = function.structure.as_ref()?;
    let prefix = reference(function);
    let schemas = Schemas::of(structure, &prefix);
    if structure
        .arguments
        .iter()
        .any(|ty| schemas.is_reference(ty))
    {
        // With JSON, nobody can call it.
        return None;
    }
    let own = component(&function.name);
    shared.extend(
        schemas
            .shared()
            .map(|(at, schema)| (format!("{own}.{at}"), schema)),
    );
    let names = function.arguments.iter().map(|(name, _)| &**name);
    let arguments = schemas.arguments(names.zip(&structure.arguments));
    let answer = structure.answer.as_ref();
    let answer = answer.map_or(json!({}), |answer| schemas.schema(answer));
    let summary = function.docs.lines().next().unwrap_or_default();
    Some(json!({ "post": {
        "operationId": own,
        "summary": summary,
        "description": function.docs,
        "requestBody": { "required": true, "content": { JSON: { "schema": arguments } } },
        "responses": {
            "200": response("What it returns.", JSON, &answer),
            "default": failure(),
        },
    } }))
}

fn response(description: &str, kind: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { kind: { "schema": schema } } })
}

fn failure() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Error" });
    response("Why there is no answer.", JSON, &schema)
}

fn error() -> Value {
    json!({
        "type": "object",
        "properties": { "error": {
            "type": "object",
            "properties": {
                "kind": { "type": "string", "description": "The variant of `remotex::Error`, or `Raised`." },
                "message": { "type": "string" },
                "causes": { "type": "array", "items": { "type": "string" } },
                "may_have_run": { "type": "boolean", "description": "Whether the function may have run." },
                "value": { "description": "Of `Raised`: the error value of the function." },
            },
            "required": ["kind", "message", "causes", "may_have_run"],
        } },
        "required": ["error"],
    })
}
