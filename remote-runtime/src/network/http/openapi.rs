//! What a server offers, as `OpenAPI` 3.1 has it: <https://spec.openapis.org/oas/v3.1.0>.

use serde_json::{Map, Value, json};

use super::{CALL, JSON, encoded};
use crate::error::portable::KINDS;
use crate::json::{FunctionSchemas, Schemas, is_callable};
use crate::wire::interface::{Function, Interface};

/// A name of a component can have no other characters.
fn component(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars()
        .map(|c| if is_plain(c) { c } else { '.' })
        .collect()
}

/// How references to schemas begin.
const COMPONENTS: &str = "#/components/schemas/";

/// The schema of an error that is no value of the function.
const ERROR: &str = "#/components/schemas/Error";

pub(super) fn document(interface: &Interface) -> Value {
    let (mut paths, schemas) = (Map::new(), Schemas::of(interface, COMPONENTS));
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
    for (function, its) in interface.functions.iter().zip(schemas.functions()) {
        if is_callable(function) {
            let path = format!("{CALL}{}", encoded(&function.name));
            paths.insert(path, call(function, its));
        }
    }
    let mut components = schemas.named;
    components.insert("Error".into(), error(&KINDS, None));
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
            "schemas": components,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "password": { "type": "http", "scheme": "basic" },
            },
        },
        "security": [{ "token": [] }, { "password": [] }],
    })
}

/// The path of a function. Of types that serde does not show nothing is said.
fn call(function: &Function, schemas: Option<&FunctionSchemas>) -> Value {
    let names = function.arguments.iter().map(|(name, _)| name);
    let required = names.clone().enumerate();
    let required = required.filter(|(at, _)| !function.is_optional(*at));
    let properties: Map<_, _> = names
        .map(|name| {
            let known = schemas.and_then(|schemas| schemas.arguments.get(name));
            (name.clone(), known.cloned().unwrap_or_else(|| json!({})))
        })
        .collect();
    let arguments = json!({
        "type": "object",
        "properties": properties,
        "required": required.map(|(_, name)| name).collect::<Vec<_>>(),
        "additionalProperties": false,
    });
    let answer = schemas.map_or(json!({}), |schemas| schemas.answer.clone());
    let raised = schemas.and_then(|schemas| schemas.error.as_ref());
    let failure = match raised {
        None => failure(),
        Some(value) => {
            let schema = json!({ "anyOf": [{ "$ref": ERROR }, error(&["Raised"], Some(value))] });
            response("Why there is no answer.", JSON, &schema)
        }
    };
    let summary = function.docs.lines().next().unwrap_or_default();
    json!({ "post": {
        "operationId": component(&function.name),
        "summary": summary,
        "description": function.docs,
        "requestBody": { "required": true, "content": { JSON: { "schema": arguments } } },
        "responses": {
            "200": response("What it returns.", JSON, &answer),
            "default": failure,
        },
    } })
}

fn response(description: &str, kind: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { kind: { "schema": schema } } })
}

fn failure() -> Value {
    response("Why there is no answer.", JSON, &json!({ "$ref": ERROR }))
}

/// An error of one of these kinds, which may have a value.
fn error(kinds: &[&str], value: Option<&Value>) -> Value {
    let mut properties = json!({
        "kind": { "type": "string", "enum": kinds },
        "message": { "type": "string" },
        "causes": { "type": "array", "items": { "type": "string" } },
        "may_have_run": { "type": "boolean", "description": "Whether the function may have run." },
    });
    let mut required = vec!["kind", "message", "causes", "may_have_run"];
    if let Some(value) = value {
        properties["value"] = value.clone();
        required.push("value");
    }
    json!({
        "type": "object",
        "properties": { "error": {
            "type": "object",
            "properties": properties,
            "required": required,
        } },
        "required": ["error"],
    })
}
