//! The document of the admin API (`OpenAPI` 3.1), written from the table of its endpoints.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};

use super::route::{Gives, Kind, Member, Route, Shape};
use super::routes;

/// The document.
pub(super) fn document() -> Value {
    let mut schemas = BTreeMap::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let operation = operation(route, &mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation;
    }
    schemas.insert("error", error());
    schemas.insert("apps.install", json!({"type": "object", "description": "An install (contract 11.1)."}));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Cholla admin API",
            "version": "1",
            "description": "What an operator does with a Cholla server. It answers on the admin listener, apart from the API that apps use. \
                            \"Contract 12.6\" is rule 12.6 of docs/spec.",
        },
        "servers": [{"url": "http://127.0.0.1:12113"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The admin token of the server, or one made with `POST /v1/tokens`."},
            },
            "schemas": schemas,
        },
    })
}

fn operation(route: &'static Route, schemas: &mut BTreeMap<&'static str, Value>) -> Value {
    let named = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> =
        named.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})).collect();
    let mut operation = json!({
        "operationId": route.name,
        "tags": [route.name.split('.').next()],
        "summary": route.about,
    });
    if takes_query(&route.method) {
        parameters.extend(route.takes.iter().map(|own| {
            json!({
                "name": own.name,
                "in": "query",
                "required": own.is_required,
                "description": own.about,
                "schema": schema(own.kind, schemas),
            })
        }));
    } else {
        let body = object(route.takes.iter(), false, schemas);
        let required = route.takes.iter().any(|own| own.is_required);
        operation["requestBody"] = json!({"required": required, "content": {"application/json": {"schema": body}}});
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    let answer = |description, schema: Value| json!({"description": description, "content": {"application/json": {"schema": schema}}});
    let given = gives(route.gives, schemas);
    operation["responses"] = json!({
        "200": answer("Done.", given),
        "default": answer("Refused: what is wrong, and what to do.", reference("error")),
    });
    operation
}

/// Whether an endpoint takes what it takes in the query.
pub(super) fn takes_query(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::DELETE)
}

fn gives(gives: Gives, schemas: &mut BTreeMap<&'static str, Value>) -> Value {
    match gives {
        Gives::One(shape) => named(shape, schemas),
        Gives::Page(shape) => list(&named(shape, schemas)),
        Gives::Install => reference("apps.install"),
        Gives::Installs => list(&reference("apps.install")),
        Gives::AnyOf(shapes) => {
            let shapes: Vec<_> = shapes.iter().map(|shape| named(shape, schemas)).collect();
            json!({"anyOf": shapes})
        }
    }
}

fn list(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["object", "data", "has_more"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": item},
            "has_more": {"type": "boolean", "description": "Whether there is another page."},
            "next": {"type": "string", "description": "Where the next page begins, for lists whose objects have no `id`."},
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A shape by its name, written down once.
fn named(shape: &'static Shape, schemas: &mut BTreeMap<&'static str, Value>) -> Value {
    if !schemas.contains_key(shape.name) {
        // First a place for it: a shape may stand in itself.
        schemas.insert(shape.name, Value::Null);
        let mut written = object(shape.all_members().into_iter(), true, schemas);
        written["description"] = shape.about.into();
        schemas.insert(shape.name, written);
    }
    reference(shape.name)
}

fn object<'m>(
    members: impl Iterator<Item = &'m Member>,
    is_answer: bool,
    schemas: &mut BTreeMap<&'static str, Value>,
) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for own in members {
        let mut written = schema(own.kind, schemas);
        if own.is_nullable {
            written = json!({"anyOf": [written, {"type": "null"}]});
        }
        written["description"] = own.about.into();
        properties.insert(own.name.to_owned(), written);
        if is_answer || own.is_required {
            required.push(own.name);
        }
    }
    let mut object = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

fn schema(kind: Kind, schemas: &mut BTreeMap<&'static str, Value>) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::Span => json!({"type": "string", "pattern": "^[0-9]+[smhd]$"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Integer | Kind::Time => json!({"type": "integer"}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Object(shape) => named(shape, schemas),
        Kind::Objects(shape) => json!({"type": "array", "items": named(shape, schemas)}),
        Kind::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Document => json!({"type": ["object", "string"]}),
        Kind::Install => reference("apps.install"),
    }
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "type": {"enum": ["api_error", "invalid_request_error"]},
                "message": {"type": "string", "description": "What is wrong, and what to do."},
                "code": {"type": "string"},
                "doc_url": {"type": "string"},
                "param": {"type": "string", "description": "The parameter that is meant."},
            },
        }},
    })
}
