//! The OpenAPI document as a page: plain HTML, made once, with a style sheet of its own and no script.
//!
//! Every text of the document is escaped. Not here: the document ([`super::openapi`]), the page's route
//! ([`super::routes`]).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Returns the page of an OpenAPI document.
pub fn page(document: &Value) -> String {
    let mut html = String::with_capacity(1 << 18);
    // Writing to a text cannot fail.
    let _written = write_page(&mut html, document);
    html
}

fn write_page(html: &mut String, document: &Value) -> std::fmt::Result {
    let info = &document["info"];
    let (title, version) = (text(&info["title"]), text(&info["version"]));
    write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} API {version}</title>\n\
         <link rel=\"stylesheet\" href=\"docs.css\">\n</head>\n<body>\n<nav aria-label=\"Groups\">\n<ul>\n"
    )?;
    let operations = by_tag(document);
    for (tag, of_tag) in &operations {
        writeln!(html, "<li><a href=\"#{}\">{}</a><ul>", anchor(&tag["name"]), text(&tag["name"]))?;
        for (_, _, operation) in of_tag {
            writeln!(
                html,
                "<li><a href=\"#{}\">{}</a></li>",
                text(&operation["operationId"]),
                text(&operation["summary"])
            )?;
        }
        writeln!(html, "</ul></li>")?;
    }
    writeln!(html, "<li><a href=\"#schemas\">Schemas</a></li>\n</ul>\n</nav>\n<main>\n<h1>{title} API {version}</h1>")?;
    writeln!(
        html,
        "<p>{}</p>\n<p>For programs: <a href=\"openapi.json\">openapi.json</a>, \
         <a href=\"asyncapi.json\">asyncapi.json</a>.</p>",
        text(&info["description"])
    )?;
    for (tag, of_tag) in &operations {
        let (name, about) = (text(&tag["name"]), text(&tag["description"]));
        writeln!(html, "<section id=\"{}\">\n<h2>{name}</h2>\n<p>{about}</p>", anchor(&tag["name"]))?;
        for (path, method, operation) in of_tag {
            write_operation(html, path, method, operation)?;
        }
        writeln!(html, "</section>")?;
    }
    writeln!(html, "<section id=\"schemas\">\n<h2>Schemas</h2>")?;
    for (name, schema) in members(&document["components"]["schemas"]) {
        let id = escaped(name);
        writeln!(html, "<details id=\"schema-{id}\"><summary>{id}</summary>\n{}</details>", schema_text(schema))?;
    }
    html.write_str("</section>\n</main>\n</body>\n</html>\n")
}

fn write_operation(html: &mut String, path: &str, method: &str, operation: &Value) -> std::fmt::Result {
    let method = method.to_ascii_uppercase();
    writeln!(
        html,
        "<article id=\"{}\">\n<h3>{}</h3>\n<p><code class=\"request\"><b>{method}</b> {}</code> \
         <span class=\"access\">{}</span></p>",
        text(&operation["operationId"]),
        text(&operation["summary"]),
        escaped(path),
        text(&operation["x-access"]),
    )?;
    if !operation["description"].is_null() {
        writeln!(html, "<p>{}</p>", text(&operation["description"]))?;
    }
    if let Some(parameters) = operation["parameters"].as_array() {
        html.write_str(
            "<table>\n<thead><tr><th>Parameter</th><th>In</th><th>Form</th><th></th></tr></thead>\n<tbody>\n",
        )?;
        for parameter in parameters {
            let is_required = parameter["required"] == json!(true);
            writeln!(
                html,
                "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                text(&parameter["name"]),
                if is_required { " (required)" } else { "" },
                text(&parameter["in"]),
                form(&parameter["schema"]),
                text(&parameter["description"]),
            )?;
        }
        html.write_str("</tbody>\n</table>\n")?;
    }
    for (media_type, content) in members(&operation["requestBody"]["content"]) {
        writeln!(html, "<p>Body: <code>{}</code> {}</p>", escaped(media_type), form(&content["schema"]))?;
    }
    html.write_str("<table>\n<thead><tr><th>Status</th><th>Body</th><th></th></tr></thead>\n<tbody>\n")?;
    for (status, response) in members(&operation["responses"]) {
        let forms: Vec<String> = members(&response["content"])
            .map(|(media_type, content)| match content["schema"].is_null() {
                true => format!("<code>{}</code>", escaped(media_type)),
                false => form(&content["schema"]),
            })
            .collect();
        let (forms, about) = (forms.join(" or "), text(&response["description"]));
        writeln!(html, "<tr><td>{}</td><td>{forms}</td><td>{about}</td></tr>", escaped(status))?;
    }
    html.write_str("</tbody>\n</table>\n")?;
    writeln!(html, "<pre>{}</pre>\n</article>", escaped(&curl(path, &method, operation)))
}

/// Path, method and description of an operation.
type Described<'a> = (&'a str, &'a str, &'a Value);

/// Returns the operations of each tag.
fn by_tag(document: &Value) -> Vec<(&Value, Vec<Described<'_>>)> {
    let of_tag = |tag: &Value| {
        let all = members(&document["paths"]).flat_map(|(path, methods)| {
            members(methods).map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        });
        all.filter(|(_, _, operation)| operation["tags"][0] == tag["name"]).collect()
    };
    document["tags"].as_array().into_iter().flatten().map(|tag| (tag, of_tag(tag))).collect()
}

/// Returns a request as a shell would make it; the server's address and the token are variables.
fn curl(path: &str, method: &str, operation: &Value) -> String {
    let mut query = Vec::new();
    let mut path = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = match name {
            "instrument" => "demo:BTC-SIM",
            "venue" => "demo",
            "order_id" => "17",
            "fill_id" => "17-1",
            "path" => "/api/v3/depth",
            _ => "NAME",
        };
        if parameter["in"] == "path" {
            path = path.replace(&format!("{{{name}}}"), example);
        } else if parameter["in"] == "query" && parameter["required"] == json!(true) {
            query.push(format!("{name}={example}"));
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let method = if method == "GET" { String::new() } else { format!("-X {method} ") };
    let token = if operation["x-access"] == "public" { "" } else { "-H \"Authorization: Bearer $TRUETAPE_TOKEN\" " };
    let body = match operation["requestBody"].is_null() {
        true => "",
        false => "-H 'Content-Type: application/json' -d @body.json ",
    };
    format!("curl {method}{token}{body}\"$TRUETAPE_URL{path}{query}\"")
}

/// Returns a schema in a few words, with links to named ones.
fn form(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for (kind, separator) in [("anyOf", " or "), ("oneOf", " or "), ("allOf", " and ")] {
        if let Some(forms) = schema[kind].as_array() {
            return forms.iter().map(form).collect::<Vec<_>>().join(separator);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("<code>{}</code>", text(word))).collect::<Vec<_>>().join(" ");
    }
    if schema["type"] == "array" {
        return format!("array of {}", form(&schema["items"]));
    }
    let mut words = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any JSON".to_owned(),
    };
    for (name, title) in [
        ("minimum", "from"),
        ("maximum", "to"),
        ("maxLength", "at most, in characters:"),
        ("default", "default"),
        ("pattern", "as"),
    ] {
        if !schema[name].is_null() {
            let value = schema[name].as_str().map_or_else(|| schema[name].to_string(), str::to_owned);
            words += &format!(", {title} {value}");
        }
    }
    escaped(&words)
}

/// Returns a schema as JSON, its references as links.
fn schema_text(schema: &Value) -> String {
    let about = text(&schema["description"]);
    let pretty = escaped(&serde_json::to_string_pretty(schema).unwrap_or_default());
    let mut linked = String::new();
    let mut rest = pretty.as_str();
    while let Some((before, (name, after))) =
        rest.split_once(REFERENCE).and_then(|(before, after)| Some((before, after.split_once("&quot;")?)))
    {
        linked += &format!("{before}<a href=\"#schema-{name}\">{name}</a>&quot;");
        rest = after;
    }
    linked += rest;
    format!("<p>{about}</p>\n<pre>{linked}</pre>\n")
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Returns a text of the document, escaped; what stands between backticks is code.
fn text(value: &Value) -> String {
    let parts = value.as_str().unwrap_or_default().split('`');
    let coded = parts.enumerate().map(|(idx, part)| match idx % 2 {
        0 => escaped(part),
        _ => format!("<code>{}</code>", escaped(part)),
    });
    coded.collect()
}

fn anchor(name: &Value) -> String {
    let name = name.as_str().unwrap_or_default().to_ascii_lowercase();
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const REFERENCE: &str = "#/components/schemas/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_document_are_never_markup() {
        let evil = "<script>alert(\"1\")</script> `a<b` & more";
        let document = json!({
            "info": { "title": evil, "version": evil, "description": evil },
            "tags": [{ "name": "T<a>", "description": evil }],
            "paths": { "/a/{x}": { "get": {
                "operationId": "get_a_x",
                "tags": ["T<a>"],
                "summary": evil,
                "parameters": [{ "name": evil, "in": "query", "required": true, "description": evil, "schema": {} }],
                "responses": { "200": {
                    "description": evil,
                    "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Some" } } },
                } },
            } } },
            "components": { "schemas": { "Some": {
                "description": evil,
                "properties": { "other": { "$ref": "#/components/schemas/Other" } },
            } } },
        });
        let html = page(&document);
        assert!(!html.contains("<script") && !html.contains("a<b"), "{html}");
        assert!(html.contains("<code>a&lt;b</code> &amp; more"), "{html}");
        for link in
            ["<a href=\"#schema-Some\">Some</a>", "<a href=\"#schema-Other\">Other</a>", "<a href=\"#get_a_x\">"]
        {
            assert!(html.contains(link), "{link}: {html}");
        }
    }
}
