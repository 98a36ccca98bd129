//! The tables of `docs/alerts.md` are those of the lists in the code.

use std::{env, fmt::Write, fs, path::Path};

use model::alert::{
    condition::kinds::{CONDITION_KINDS, Field, FieldKind},
    template::PLACEHOLDERS,
};

/// A table that the code writes, between its mark and the next end.
fn replaced(document: &str, mark: &str, table: &str) -> String {
    let begin = document.find(&format!("<!-- {mark}:")).unwrap();
    let begin = begin + document[begin..].find('\n').unwrap() + 1;
    let end = begin + document[begin..].find("<!-- end -->").unwrap();
    format!("{}{table}{}", &document[..begin], &document[end..])
}

fn conditions() -> String {
    let mut table = String::from("| `kind` | fires | fields |\n|---|---|---|\n");
    for kind in CONDITION_KINDS {
        let fields: Vec<String> = kind.fields.iter().map(field).collect();
        writeln!(table, "| `{}` | {} | {} |", kind.name, kind.summary, fields.join(", ")).unwrap();
    }
    table
}

fn field(field: &Field) -> String {
    let takes = match field.kind {
        FieldKind::Choice(choices) => {
            choices.iter().map(|(value, _)| format!("`{value}`")).collect::<Vec<_>>().join(" ")
        }
        FieldKind::Integer { min, max } => format!("{min} to {max}"),
        FieldKind::Number { min, max } if max < f64::MAX => format!("{min} to {max}"),
        _ => String::new(),
    };
    let parts = [field.unit.to_owned(), takes, if field.is_optional { "optional".to_owned() } else { String::new() }];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { format!("`{}`", field.name) } else { format!("`{}` ({})", field.name, parts.join("; ")) }
}

fn placeholders() -> String {
    let mut table = String::from("| placeholder | |\n|---|---|\n");
    for (name, what) in PLACEHOLDERS {
        writeln!(table, "| `{{{name}}}` | {what} |").unwrap();
    }
    table
}

#[test]
fn the_document_has_the_lists_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/alerts.md");
    let document = fs::read_to_string(&path).unwrap();
    let expected = replaced(&replaced(&document, "conditions", &conditions()), "placeholders", &placeholders());
    if env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, &expected).unwrap();
        return;
    }
    let differs = document.lines().zip(expected.lines()).position(|(line, other)| line != other);
    assert!(
        document == expected,
        "docs/alerts.md differs in line {:?}; INSTA_UPDATE=always cargo test -p alerts --test alerts document writes it",
        differs.map(|line| line + 1)
    );
}
