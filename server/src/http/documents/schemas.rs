//! The schemas of a document: collected from the types while it is made, then added to it under `components/schemas`.
//!
//! A type may have three forms: as requests contain it (what has a default may be absent), as answers contain it, and as
//! the desk's answers contain it, with times in milliseconds. Forms that are equal share a name. Not here: the types'
//! own schemas, which schemars derives from serde's attributes.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::http::desk::answer::is_time;

/// The schemas of a document.
pub struct Schemas {
    answers: SchemaGenerator,
    in_millis: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Schemas {
    /// Creates an empty collection.
    pub fn new() -> Self {
        let settings = |form: &Form| {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = format!("/{}", form.place).into())
        };
        Self {
            answers: settings(&ANSWERS).for_serialize().into_generator(),
            in_millis: settings(&IN_MILLIS).for_serialize().into_generator(),
            requests: settings(&REQUESTS).for_deserialize().into_generator(),
        }
    }

    /// Returns the schema of a type in answers.
    pub fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().to_value()
    }

    /// Returns the schema of a type in answers that show times in milliseconds.
    pub fn in_millis<T: JsonSchema>(&mut self) -> Value {
        self.in_millis.subschema_for::<T>().to_value()
    }

    /// Returns the schema of a type in requests.
    pub fn request<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().to_value()
    }

    /// Adds the schemas to the document and points its references there.
    pub fn finish(mut self, document: &mut Value) {
        let mut named = Map::new();
        let forms = [
            (ANSWERS, self.answers.take_definitions(false)),
            (IN_MILLIS, self.in_millis.take_definitions(false)),
            (REQUESTS, self.requests.take_definitions(false)),
        ];
        for (form, mut definitions) in forms {
            definitions.values_mut().for_each(plain_words);
            if form.place == IN_MILLIS.place {
                definitions.values_mut().for_each(times_in_millis);
            }
            let different = differing(&named, &definitions, &form);
            let new_name = |name: &str| match different.contains(name) {
                true => format!("{name}{}", form.suffix),
                false => name.to_owned(),
            };
            for (name, mut definition) in definitions {
                point_to(&mut definition, &form, &new_name);
                named.insert(new_name(&name), definition);
            }
            point_to(document, &form, &new_name);
        }
        document["components"]["schemas"] = Value::Object(named);
    }
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

/// One of a type's forms: where its references point until the end, and what is added to a name that is taken.
struct Form {
    place: &'static str,
    suffix: &'static str,
}

const ANSWERS: Form = Form { place: "answers", suffix: "" };
const IN_MILLIS: Form = Form { place: "in_millis", suffix: "InMillis" };
const REQUESTS: Form = Form { place: "requests", suffix: "Request" };

/// Returns the names whose definitions differ from the known ones of the same name, themselves or in what they refer to.
fn differing(known: &Map<String, Value>, definitions: &Map<String, Value>, form: &Form) -> BTreeSet<String> {
    let same_name = |name: &str| name.to_owned();
    let mut references = BTreeMap::new();
    let mut different = BTreeSet::new();
    for (name, definition) in definitions {
        let mut pointing = definition.clone();
        references.insert(name, point_to(&mut pointing, form, &same_name));
        if known.get(name).is_some_and(|known| *known != pointing) {
            different.insert(name.clone());
        }
    }
    loop {
        let refers = |name: &String| references[name].iter().any(|target| different.contains(target));
        let more: Vec<String> =
            definitions.keys().filter(|name| !different.contains(*name) && refers(name)).cloned().collect();
        if more.is_empty() {
            return different;
        }
        different.extend(more);
    }
}

/// Points the references of a form to the definitions' last place; returns the names that they have in the form.
fn point_to(value: &mut Value, form: &Form, new_name: &impl Fn(&str) -> String) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                let target = value.as_str().filter(|_| key == "$ref").and_then(|text| text.strip_prefix("#/"));
                match target.and_then(|text| text.strip_prefix(form.place)?.strip_prefix('/')).map(str::to_owned) {
                    Some(name) => {
                        *value = Value::from(format!("#/components/schemas/{}", new_name(&name)));
                        names.insert(name);
                    }
                    None => names.extend(point_to(value, form, new_name)),
                }
            }
        }
        Value::Array(values) => names.extend(values.iter_mut().flat_map(|value| point_to(value, form, new_name))),
        _ => {}
    }
    names
}

/// Takes the marks of code documentation out of descriptions: links and the ends of lines.
fn plain_words(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                match value.as_str().filter(|_| key == "description") {
                    Some(text) => *value = Value::from(without_links(text)),
                    None => plain_words(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(plain_words),
        _ => {}
    }
}

fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (inside, after))) =
        rest.split_once("[`").and_then(|(before, link)| Some((before, link.split_once("`]")?)))
    {
        plain += before;
        let name = inside.rsplit("::").next().unwrap_or(inside);
        plain += &format!("`{name}`");
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain += rest;
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Renames times as the desk's answers show them.
fn times_in_millis(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                *properties = std::mem::take(properties).into_iter().map(time_in_millis).collect();
            }
            if let Some(Value::Array(required)) = members.get_mut("required") {
                for name in required {
                    if let Some(text) = name.as_str().filter(|text| is_time(text)) {
                        *name = Value::from(format!("{text}_ms"));
                    }
                }
            }
            members.values_mut().for_each(times_in_millis);
        }
        Value::Array(values) => values.iter_mut().for_each(times_in_millis),
        _ => {}
    }
}

fn time_in_millis((name, schema): (String, Value)) -> (String, Value) {
    if !is_time(&name) {
        return (name, schema);
    }
    let is_nullable = schema["anyOf"].as_array().is_some_and(|forms| forms.contains(&json!({ "type": "null" })));
    let kind = if is_nullable { json!(["integer", "null"]) } else { json!("integer") };
    let mut millis = json!({ "type": kind, "format": "int64" });
    let text = schema["description"].as_str().unwrap_or_default();
    millis["description"] = Value::from(format!("{text} Milliseconds since the epoch.").trim_start());
    (name + "_ms", millis)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    /// A part.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Part {
        #[serde(default)]
        size: u32,
    }

    /// Has a [`crate::Part`] and a
    /// [time](x).
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Whole {
        part: Part,
        begin_time: Option<i64>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Same {
        name: String,
    }

    #[test]
    fn forms_that_differ_have_names_of_their_own() {
        let mut schemas = Schemas::new();
        let mut document = json!({
            "answer": schemas.answer::<Whole>(),
            "request": schemas.request::<Whole>(),
            "in_millis": schemas.in_millis::<Whole>(),
            "same": [schemas.answer::<Same>(), schemas.request::<Same>(), schemas.in_millis::<Same>()],
        });
        schemas.finish(&mut document);
        let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        assert_eq!(document["answer"], named("Whole"));
        assert_eq!(document["request"], named("WholeRequest"));
        assert_eq!(document["in_millis"], named("WholeInMillis"));
        assert_eq!(document["same"], json!([named("Same"), named("Same"), named("Same")]));
        let known = &document["components"]["schemas"];
        // The whole differs because its part does.
        assert_eq!(known["WholeRequest"]["properties"]["part"], named("PartRequest"));
        assert_eq!(known["WholeInMillis"]["properties"]["part"], named("Part"));
        assert_eq!(known["Part"]["required"], json!(["size"]));
        assert!(known["PartRequest"]["required"].is_null());
        assert!(known["WholeInMillis"]["properties"]["begin_time_ms"].is_object(), "{known}");
        assert_eq!(known["WholeInMillis"]["required"], json!(["part", "begin_time_ms"]));
        assert_eq!(known["Whole"]["description"], "Has a `Part` and a [time](x).");
        assert!(known["PartInMillis"].is_null() && known["SameRequest"].is_null(), "{known}");
    }
}
