//! The OpenAPI 3.1 document of the REST API, made of the descriptions of its operations.
//!
//! Addresses are relative to the document's own, so that it is right under any sub-path. Not here: what each operation
//! says about itself (the resources' own files).

use std::collections::BTreeMap;

use model::access::Role;
use model::trading::refusal::Refusal;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use crate::http::{
    error::ErrorBody,
    error_code::ErrorCode,
    operation::{Answer, Content, Needs, Operation, Parameter, Place, Shape, Tag},
};

/// Returns the document.
pub fn document(operations: &[Operation]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described(operation, &mut schemas);
    }
    let tags = Tag::ALL.map(Tag::words).map(|(name, text)| json!({ "name": name, "description": text }));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Truetape",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Live markets and a paper-trading desk.",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        // The document is at api/v1/openapi.json below the server's root.
        "servers": [{ "url": "../..", "description": "The server that sent this document." }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": SESSION_COOKIE,
                    "description": "The session of a browser, from its login. Under TLS the name begins with `__Host-`.",
                },
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a program: `Authorization: Bearer …`.",
                },
            },
        },
    });
    schemas.finish(&mut document);
    document
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut described = json!({
        "operationId": operation.id(),
        "tags": [operation.tag.words().0],
        "summary": operation.summary,
        "responses": responses(operation, schemas),
        "security": security(operation.access),
        "x-access": operation.access.as_str(),
    });
    if !operation.text.is_empty() {
        described["description"] = json!(operation.text);
    }
    if !operation.parameters.is_empty() {
        described["parameters"] = operation.parameters.iter().map(|given| parameter(given, schemas)).collect();
    }
    if !operation.bodies.is_empty() {
        described["requestBody"] = json!({ "required": true, "content": contents(&operation.bodies, schemas) });
    }
    described
}

/// A server without users asks nobody: it listens on this machine alone.
fn security(access: Needs) -> Value {
    match access {
        Needs::Public => json!([]),
        Needs::Role(_) => json!([{}, { "session": [] }, { "token": [] }]),
    }
}

fn parameter(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    json!({
        "name": parameter.name,
        "in": match parameter.place {
            Place::Query => "query",
            Place::Path => "path",
            Place::Header => "header",
        },
        "description": parameter.text,
        "required": parameter.is_required,
        "schema": shape(&parameter.shape, schemas),
    })
}

fn shape(shape: &Shape, schemas: &mut Schemas) -> Value {
    match shape {
        Shape::Type(schema_of) => schema_of(schemas),
        Shape::Plain(schema) => schema.clone(),
    }
}

fn contents(contents: &[Content], schemas: &mut Schemas) -> Value {
    let mut described = Map::new();
    for content in contents {
        let of_type = match &content.shape {
            Some(given) => json!({ "schema": shape(given, schemas) }),
            None => json!({}),
        };
        described.insert(content.media_type.to_owned(), of_type);
    }
    Value::Object(described)
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    for Answer { status, text, contents: given, headers } in &operation.answers {
        let mut response = json!({ "description": text });
        if !given.is_empty() {
            response["content"] = contents(given, schemas);
        }
        for (name, text) in headers {
            response["headers"][*name] = json!({ "description": text, "schema": { "type": "string" } });
        }
        responses.insert(status.to_string(), response);
    }
    for (status, codes) in errors_by_status(operation) {
        let mut meanings: Vec<String> =
            codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
        let mut body = schemas.answer::<ErrorBody>();
        if operation.has_refusals && REFUSED.contains(&status) {
            let refusal = schemas.answer::<Refusal>();
            meanings.push("The desk refuses; `code` says why.".to_owned());
            body = if codes.is_empty() { refusal } else { json!({ "anyOf": [body, refusal] }) };
        }
        let mut about = meanings.join(" ");
        if let Some(answer) = responses.get(&status.to_string()) {
            about = format!("{} {about}", answer["description"].as_str().unwrap_or_default());
            body = json!({ "anyOf": [answer["content"]["application/json"]["schema"], body] });
        }
        let mut response = json!({ "description": about, "content": { "application/json": { "schema": body } } });
        if codes.iter().any(|code| code.meaning().contains(RETRY_AFTER)) {
            let schema = json!({ "type": "integer", "minimum": 0 });
            response["headers"][RETRY_AFTER] = json!({ "description": "Seconds to wait.", "schema": schema });
        }
        responses.insert(status.to_string(), response);
    }
    Value::Object(responses)
}

/// Returns the codes of an operation's errors by their status, those of every operation included.
fn errors_by_status(operation: &Operation) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    if operation.has_refusals {
        by_status.extend(REFUSED.map(|status| (status, Vec::new())));
    }
    let of_access: &[ErrorCode] = match operation.access {
        Needs::Public => &[],
        Needs::Role(Role::Viewer) => &[ErrorCode::NotLoggedIn],
        Needs::Role(Role::Trader | Role::Admin) => &[ErrorCode::NotLoggedIn, ErrorCode::Forbidden],
    };
    for code in operation.errors.iter().chain(&EVERYWHERE).chain(of_access).copied() {
        let codes = by_status.entry(code.status().as_u16()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    by_status
}

/// The codes that every operation may answer with.
const EVERYWHERE: [ErrorCode; 6] = [
    ErrorCode::ForeignCaller,
    ErrorCode::Full,
    ErrorCode::ShuttingDown,
    ErrorCode::TimedOut,
    ErrorCode::TooManyConnections,
    ErrorCode::TooManyRequests,
];

/// The header that some errors have, as their meanings say.
const RETRY_AFTER: &str = "Retry-After";

/// The statuses of the desk's refusals.
const REFUSED: [u16; 3] = [404, 422, 503];

/// The cookie of a session on plain HTTP and port 3000.
const SESSION_COOKIE: &str = "truetape-3000";

const ABOUT: &str = "Prices, sizes and money are texts with all their digits; read them with a decimal type. Times \
    are whole numbers whose names end in their unit (`_ms`, `_us`); a name that ends in `_time` counts nanoseconds. All \
    count from 1970-01-01 UTC. An error has a stable code for programs and a message for people. Fields and codes may be \
    added at any time; what is there is not changed or removed within a version of the API. Live data comes by the \
    stream at `/ws`, which the AsyncAPI document describes (`asyncapi.json` beside this one).";
