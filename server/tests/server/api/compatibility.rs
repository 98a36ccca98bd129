//! The changes of a document that break callers: what they call or read is gone, has another type, or asks for more.
//!
//! Additions break nobody: callers ignore fields and codes that they do not know. Schemas are compared in a direction,
//! since a request may become looser and an answer stricter. Not here: the documents.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Returns the breaking changes between two OpenAPI documents.
pub(super) fn of_rest(old: &Value, new: &Value) -> Vec<String> {
    let mut diff = Diff::between(old, new);
    for (path, methods) in members(&old["paths"]) {
        for (method, operation) in members(methods) {
            let name = format!("{} {path}", method.to_ascii_uppercase());
            let newer = &new["paths"][path][method];
            if newer.is_null() {
                diff.report(&name, "was removed");
            } else {
                diff.operation(&name, operation, newer);
            }
        }
    }
    diff.breaks
}

/// Returns the breaking changes between two AsyncAPI documents of a server.
pub(super) fn of_stream(old: &Value, new: &Value) -> Vec<String> {
    let mut diff = Diff::between(old, new);
    for (name, channel) in members(&old["channels"]) {
        let newer = &new["channels"][name];
        if newer.is_null() {
            diff.report(&format!("channel {name}"), "was removed");
        } else if newer["address"] != channel["address"] {
            diff.report(&format!("channel {name}"), "has another address");
        }
    }
    let received: BTreeSet<&str> = members(&old["operations"])
        .filter(|(_, operation)| operation["action"] == "receive")
        .flat_map(|(_, operation)| operation["messages"].as_array().into_iter().flatten())
        .filter_map(|message| message["$ref"].as_str()?.rsplit('/').next())
        .collect();
    for (name, message) in members(&old["components"]["messages"]) {
        let at = format!("message {name}");
        let newer = &new["components"]["messages"][name];
        if newer.is_null() {
            diff.report(&at, "was removed");
        } else {
            let direction = if received.contains(name.as_str()) { Direction::Request } else { Direction::Answer };
            diff.schema(&at, &message["payload"], &newer["payload"], direction);
        }
    }
    diff.breaks
}

/// The way that data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    /// From callers: what they send must stay valid.
    Request,
    /// To callers: what they read must stay there.
    Answer,
}

struct Diff<'a> {
    old: &'a Value,
    new: &'a Value,
    breaks: Vec<String>,
    /// Pairs of named schemas that are compared already, or are being compared.
    seen: BTreeSet<(String, String, Direction)>,
}

impl<'a> Diff<'a> {
    fn between(old: &'a Value, new: &'a Value) -> Self {
        Self { old, new, breaks: Vec::new(), seen: BTreeSet::new() }
    }

    fn report(&mut self, at: &str, what: &str) {
        self.breaks.push(format!("{at} {what}"));
    }

    fn operation(&mut self, name: &str, old: &Value, new: &Value) {
        let key = |parameter: &Value| (parameter["in"].clone(), parameter["name"].clone());
        for parameter in list(&old["parameters"]) {
            let at = format!("{name}: parameter {}", parameter["name"]);
            match find_in(new, |newer| key(newer) == key(parameter)) {
                None => self.report(&at, "was removed"),
                Some(newer) => self.schema(&at, &parameter["schema"], &newer["schema"], Direction::Request),
            }
        }
        for parameter in list(&new["parameters"]) {
            let was_required = find_in(old, |older| key(older) == key(parameter))
                .is_some_and(|older| older["required"] == json!(true));
            if parameter["required"] == json!(true) && !was_required {
                self.report(&format!("{name}: parameter {}", parameter["name"]), "is required now");
            }
        }
        self.contents(&format!("{name}: body"), &old["requestBody"], &new["requestBody"], Direction::Request);
        if old["requestBody"].is_null() && new["requestBody"]["required"] == json!(true) {
            self.report(&format!("{name}: body"), "is required now");
        }
        for (status, response) in members(&old["responses"]) {
            let at = format!("{name}: answer {status}");
            let newer = &new["responses"][status];
            match newer.is_null() {
                true if status.starts_with('2') => self.report(&at, "was removed"),
                true => {}
                false => self.contents(&at, response, newer, Direction::Answer),
            }
        }
    }

    fn contents(&mut self, at: &str, old: &Value, new: &Value, direction: Direction) {
        for (media_type, content) in members(&old["content"]) {
            let newer = &new["content"][media_type];
            if newer.is_null() {
                self.report(&format!("{at} as {media_type}"), "was removed");
            } else {
                self.schema(&format!("{at} as {media_type}"), &content["schema"], &newer["schema"], direction);
            }
        }
    }

    fn schema(&mut self, at: &str, old: &Value, new: &Value, direction: Direction) {
        let names = |schema: &Value| schema["$ref"].as_str().unwrap_or_default().to_owned();
        let (old_name, new_name) = (names(old), names(new));
        if !old_name.is_empty() && !self.seen.insert((old_name, new_name, direction)) {
            return;
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        self.types(at, old, new, direction);
        for word in list(&old["enum"]) {
            if new["enum"].is_array() && !list(&new["enum"]).any(|newer| newer == word) {
                self.report(at, &format!("has no {word} any more"));
            }
        }
        if new["const"] != old["const"] {
            self.report(at, "has another constant");
        }
        for (name, property) in members(&old["properties"]) {
            let newer = &new["properties"][name];
            let at = format!("{at}.{name}");
            match newer.is_null() {
                true => self.report(&at, "was removed"),
                false => self.schema(&at, property, newer, direction),
            }
        }
        let (missing_of, has, what) = match direction {
            Direction::Request => (new, old, "is required now"),
            Direction::Answer => (old, new, "may be absent now"),
        };
        for name in list(&missing_of["required"]) {
            if !list(&has["required"]).any(|other| other == name) {
                self.report(&format!("{at}.{}", name.as_str().unwrap_or_default()), what);
            }
        }
        if direction == Direction::Request {
            self.limits(at, old, new);
        }
        for part in ["items", "additionalProperties"] {
            if old[part].is_object() {
                self.schema(&format!("{at}.{part}"), &old[part], &new[part], direction);
            }
        }
        for part in ["prefixItems", "items", "allOf"] {
            for (idx, entry) in list(&old[part]).enumerate() {
                self.schema(&format!("{at}[{idx}]"), entry, &new[part][idx], direction);
            }
        }
        for part in ["anyOf", "oneOf"] {
            self.variants(&format!("{at}.{part}"), &old[part], &new[part], direction);
        }
    }

    fn types(&mut self, at: &str, old: &Value, new: &Value, direction: Direction) {
        let (old_types, new_types) = (types_of(old), types_of(new));
        let is_broken = match direction {
            Direction::Request => !new_types.is_empty() && !old_types.is_subset(&new_types),
            Direction::Answer => !old_types.is_empty() && (new_types.is_empty() || !new_types.is_subset(&old_types)),
        };
        if is_broken || (direction == Direction::Request && old_types.is_empty() && !new_types.is_empty()) {
            self.report(at, &format!("has another type: {} was {}", new["type"], old["type"]));
        }
        let is_looser_pattern = direction == Direction::Request && new["pattern"].is_null();
        if new["pattern"] != old["pattern"] && !is_looser_pattern {
            self.report(at, "has another pattern");
        }
    }

    fn limits(&mut self, at: &str, old: &Value, new: &Value) {
        for (limit, is_lower) in [("minimum", true), ("minLength", true), ("maximum", false), ("maxLength", false)] {
            let (old, new) = (old[limit].as_f64(), new[limit].as_f64());
            let is_tighter = match (old, new) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(old), Some(new)) if is_lower => new > old,
                (Some(old), Some(new)) => new < old,
            };
            if is_tighter {
                self.report(at, &format!("has a tighter {limit}"));
            }
        }
    }

    /// Each variant must be there still; a new one of an answer is an addition.
    fn variants(&mut self, at: &str, old: &Value, new: &Value, direction: Direction) {
        for variant in list(old) {
            let is_kept = list(new).any(|newer| {
                let mut trial = Diff { breaks: Vec::new(), seen: self.seen.clone(), ..*self };
                let same_name = variant["$ref"] == newer["$ref"];
                trial.schema(at, variant, newer, direction);
                same_name && trial.breaks.is_empty()
            });
            if !is_kept {
                // One of the same name says more about what changed in it.
                match list(new).find(|newer| newer["$ref"].is_string() && newer["$ref"] == variant["$ref"]) {
                    Some(newer) => self.schema(at, variant, newer, direction),
                    None => self.report(at, &format!("has no such variant any more: {}", shortened(variant))),
                }
            }
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn find_in(operation: &Value, is_wanted: impl Fn(&Value) -> bool) -> Option<&Value> {
    operation["parameters"].as_array()?.iter().find(|parameter| is_wanted(parameter))
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn types_of(schema: &Value) -> BTreeSet<&str> {
    match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.as_str()]),
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}

/// A document with one operation that takes and gives the same body.
fn document(body: Value) -> Value {
    let content = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Body" } } } });
    let mut request = content.clone();
    request["required"] = json!(true);
    json!({
        "paths": { "/a": { "post": {
            "parameters": [
                { "name": "limit", "in": "query", "required": false, "schema": { "type": "integer", "maximum": 100 } },
                { "name": "word", "in": "query", "required": true, "schema": { "enum": ["one", "two"] } },
            ],
            "requestBody": request,
            "responses": { "200": content, "404": content },
        } } },
        "components": { "schemas": { "Body": body } },
    })
}

fn body() -> Value {
    json!({
        "type": "object",
        "properties": {
            "price": { "type": "string", "pattern": "^[0-9]+$" },
            "side": { "type": "string", "enum": ["buy", "sell"] },
            "next": { "anyOf": [{ "$ref": "#/components/schemas/Body" }, { "type": "null" }] },
        },
        "required": ["price"],
    })
}

/// Changes the document at a place and checks what is found.
#[track_caller]
fn check(pointer: &str, value: Value, expected: &[&str]) {
    let old = document(body());
    let mut new = old.clone();
    match pointer.rsplit_once('/') {
        Some((parent, name)) if new.pointer(parent).is_some_and(Value::is_object) => {
            let parent = new.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let name = name.replace("~1", "/");
            if value.is_null() {
                parent.remove(&name);
            } else {
                parent.insert(name, value);
            }
        }
        _ => *new.pointer_mut(pointer).unwrap() = value,
    }
    assert_eq!(of_rest(&old, &new), expected, "{pointer}");
}

#[test]
fn what_takes_something_away_is_found() {
    check("/paths/~1a", Value::Null, &["POST /a was removed"]);
    let operation = "/paths/~1a/post";
    check(&format!("{operation}/responses/200"), Value::Null, &["POST /a: answer 200 was removed"]);
    check(&format!("{operation}/requestBody/content"), json!({}), &["POST /a: body as application/json was removed"]);
    check(&format!("{operation}/parameters/0"), json!({}), &["POST /a: parameter \"limit\" was removed"]);
    check(
        &format!("{operation}/parameters/0/required"),
        json!(true),
        &["POST /a: parameter \"limit\" is required now"],
    );
    check(
        &format!("{operation}/parameters/0/schema/maximum"),
        json!(50),
        &["POST /a: parameter \"limit\" has a tighter maximum"],
    );
    check(
        &format!("{operation}/parameters/1/schema/enum"),
        json!(["one"]),
        &["POST /a: parameter \"word\" has no \"two\" any more"],
    );
}

#[test]
fn what_changes_a_body_is_found_in_its_direction() {
    let schema = "/components/schemas/Body";
    let (request, answer) = ("POST /a: body as application/json", "POST /a: answer 200 as application/json");
    let both = |what: &str| [format!("{request}{what}"), format!("{answer}{what}")];
    let check = |pointer: &str, value: Value, expected: &[String]| {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&format!("{schema}{pointer}"), value, &expected);
    };
    check("/properties/price/type", json!("number"), &both(".price has another type: \"number\" was \"string\""));
    check("/properties/price/pattern", json!("^[0-9]$"), &both(".price has another pattern"));
    check("/properties/side/enum", json!(["buy"]), &both(".side has no \"sell\" any more"));
    check("/properties/side", Value::Null, &both(".side was removed"));
    check("/properties/next/anyOf", json!([{ "type": "null" }]), &{
        let variant = ".next.anyOf has no such variant any more: {\"$ref\":\"#/components/schemas/Body\"}";
        both(variant)
    });
    // A request may not ask for more, an answer may not give less.
    check("/required", json!(["price", "side"]), &[format!("{request}.side is required now")]);
    check("/required", json!([]), &[format!("{answer}.price may be absent now")]);
    let nullable = json!(["string", "null"]);
    let type_changed = ".price has another type: [\"string\",\"null\"] was \"string\"";
    check("/properties/price/type", nullable, &[format!("{answer}{type_changed}")]);
}

#[test]
fn what_adds_something_breaks_nobody() {
    let operation = "/paths/~1a/post";
    check("/paths/~1b", json!({ "get": {} }), &[]);
    check(&format!("{operation}/responses/409"), json!({ "description": "new" }), &[]);
    check(&format!("{operation}/responses/404"), Value::Null, &[]);
    check(&format!("{operation}/parameters/0/schema/maximum"), json!(200), &[]);
    check(&format!("{operation}/parameters/1/schema/enum"), json!(["one", "two", "three"]), &[]);
    check("/components/schemas/Body/properties/size", json!({ "type": "string" }), &[]);
    check("/components/schemas/Body/properties/side/enum", json!(["buy", "sell", "both"]), &[]);
}

#[test]
fn what_changes_the_stream_is_found() {
    let message = |payload: Value| json!({ "payload": payload });
    let document = |address: &str, ping: Value, pong: Value| {
        json!({
            "channels": { "quote": { "address": address } },
            "operations": {
                "receive_ping": { "action": "receive", "messages": [{ "$ref": "#/channels/stream/messages/ping" }] },
            },
            "components": { "messages": { "ping": message(ping), "pong": message(pong) } },
        })
    };
    let time = || json!({ "type": "object", "properties": { "t": { "type": "integer" } }, "required": ["t"] });
    let loose = || json!({ "type": "object", "properties": { "t": { "type": "integer" } } });
    let old = document("quote:{instrument}", time(), time());
    let check = |new: Value, expected: &[&str]| assert_eq!(of_stream(&old, &new), expected);
    check(old.clone(), &[]);
    check(document("quotes:{instrument}", time(), time()), &["channel quote has another address"]);
    // Asking for less is fine, giving less is not.
    check(document("quote:{instrument}", loose(), time()), &[]);
    check(document("quote:{instrument}", time(), loose()), &["message pong.t may be absent now"]);
    let mut without = old.clone();
    without["components"]["messages"].as_object_mut().unwrap().remove("ping");
    without["channels"].as_object_mut().unwrap().remove("quote");
    check(without, &["channel quote was removed", "message ping was removed"]);
}
