//! The documents as they are made: complete, consistent, and the same as the files in `docs/api`.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use server::http::{api, documents, operation::Place};
use topics::channels::Channel;

use super::compatibility;

pub(super) fn openapi() -> Value {
    serde_json::from_str(documents::openapi()).unwrap()
}

pub(super) fn asyncapi() -> Value {
    serde_json::from_str(documents::asyncapi()).unwrap()
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_files_are_what_the_server_sends() {
    for (name, document) in [("openapi", documents::openapi()), ("asyncapi", documents::asyncapi())] {
        let known = file(&format!("{name}.json"));
        let difference = known.lines().zip(document.lines()).find(|(known, found)| known != found);
        assert!(
            known == document,
            "docs/api/{name}.json differs from the code: {difference:?}\nReview and take it over with `cargo run -q -p \
             server -- api {name} > docs/api/{name}.json`"
        );
    }
}

#[test]
fn nothing_of_the_released_api_is_broken() {
    for (name, found) in [("openapi", openapi()), ("asyncapi", asyncapi())] {
        let released: Value = serde_json::from_str(&file(&format!("released/{name}.json"))).unwrap();
        let breaks = match name {
            "openapi" => compatibility::of_rest(&released, &found),
            _ => compatibility::of_stream(&released, &found),
        };
        assert!(breaks.is_empty(), "callers of the released API would break:\n{}", breaks.join("\n"));
    }
}

#[test]
fn every_operation_is_described_whole() {
    let api = api();
    let mut ids = BTreeSet::new();
    for operation in api.operations() {
        let name = format!("{} {}", operation.method, operation.path);
        assert!(ids.insert(operation.id()), "{name}: another operation is called {}", operation.id());
        assert!(!operation.answers.is_empty(), "{name} has no answer");
        assert!(operation.summary.len() <= 60 && !operation.summary.ends_with('.'), "{name}: {}", operation.summary);
        let described: BTreeSet<&str> =
            operation.parameters.iter().filter(|given| given.place == Place::Path).map(|given| given.name).collect();
        let in_path: BTreeSet<&str> =
            operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(described, in_path, "{name}");
        let names: BTreeSet<&str> = operation.parameters.iter().map(|given| given.name).collect();
        assert_eq!(names.len(), operation.parameters.len(), "{name}: a parameter is described twice");
    }
}

/// A route that is added to axum's router directly has no description: only the list of descriptions may do it, and the
/// routes of pages.
#[test]
fn no_route_goes_past_the_descriptions() {
    fn check(folder: &Path, n_files: &mut usize) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check(&path, n_files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                *n_files += 1;
                let is_allowed = path.ends_with("http/api_router.rs") || path.ends_with("http/page.rs");
                let text = fs::read_to_string(&path).unwrap();
                let line = text.lines().find(|line| line.contains(".route(") || line.contains(".nest("));
                assert!(line.is_none() || is_allowed, "{}: {line:?} has no description", path.display());
            }
        }
    }
    let mut n_files = 0;
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut n_files);
    assert!(n_files > 40, "{n_files}");
}

#[test]
fn references_lead_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(target) = value["$ref"].as_str() {
                    let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target}"));
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                members.values().for_each(|value| check(value, document));
            }
            Value::Array(values) => values.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    for document in [openapi(), asyncapi()] {
        check(&document, &document);
    }
}

#[test]
fn decimals_are_texts_and_times_have_units() {
    let document = openapi();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Price"]["type"], "string");
    assert_eq!(schemas["Price"]["pattern"], r"^-?[0-9]+(\.[0-9]+)?$");
    let order = document["paths"]["/api/v1/orders/{order_id}"]["get"]["responses"]["200"]["content"]
        ["application/json"]["schema"]["$ref"]
        .as_str()
        .unwrap();
    let order = document.pointer(order.strip_prefix('#').unwrap()).unwrap();
    assert_eq!(order["properties"]["created_time_ms"]["type"], "integer", "{order}");
    assert!(order["properties"]["created_time"].is_null(), "{order}");
    assert!(order["required"].as_array().unwrap().contains(&"created_time_ms".into()), "{order}");
    // On the stream the same row has nanoseconds.
    assert!(!asyncapi()["components"]["schemas"]["OrderRow"]["properties"]["created_time"].is_null());
}

#[test]
fn every_channel_and_message_of_the_stream_is_there() {
    let document = asyncapi();
    for channel in Channel::ALL {
        let address = document["channels"][channel.as_str()]["address"].as_str().unwrap();
        assert!(address.starts_with(channel.as_str()), "{address}");
    }
    let examples = include_str!("../../../../docs/stream-protocol.md");
    let types = examples.lines().filter_map(|line| line.split_once(r#"{"type":""#)?.1.split('"').next());
    let types: BTreeSet<&str> = types.collect();
    assert!(types.len() >= 15, "{types:?}");
    for name in types {
        assert!(!document["components"]["messages"][name].is_null(), "{name}");
        assert!(!document["channels"]["stream"]["messages"][name].is_null(), "{name}");
    }
}

#[test]
fn refusals_of_callers_are_described() {
    let document = openapi();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let response = |status: &str, code: &str| {
                operation["responses"][status]["description"].as_str().is_some_and(|text| text.contains(code))
            };
            let access = operation["x-access"].as_str().unwrap();
            let at = format!("{method} {path} for {access}");
            assert_eq!(response("401", "`not_logged_in`"), access != "public", "{at}");
            let has_role = access == "trader" || access == "admin";
            assert!(response("403", "`forbidden`") || !has_role, "{at}");
            assert!(response("429", "`too_many_requests`") && response("503", "`timed_out`"), "{at}");
            assert_eq!(operation["responses"]["429"]["headers"]["Retry-After"]["schema"]["type"], "integer", "{at}");
        }
    }
}

#[test]
fn rows_of_rules_have_types() {
    let message = asyncapi()["components"]["messages"]["rules_item"].to_string();
    for name in ["RuleRow", "SignalRuleRow", "ChannelSummary", "AlertSettings"] {
        assert!(message.contains(&format!("#/components/schemas/{name}\"")), "{name} in {message}");
    }
}
