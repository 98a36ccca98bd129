//! The description of an operation: a request that the server answers, with its parameters, its body, its answers and
//! its errors. OpenAPI and the page of the documents are made from it.
//!
//! Not here: the routes ([`super::api_router`]), the document's form ([`super::documents`]).

use std::ops::RangeInclusive;

use axum::http::Method;
use model::access::Role;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{documents::schemas::Schemas, error_code::ErrorCode};

/// The rights that an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: also before the login.
    Public,
    /// A login, with at least this role.
    Role(Role),
}

impl Needs {
    /// Readers of the market and the desk.
    pub const VIEWER: Self = Self::Role(Role::Viewer);
    /// Whoever trades, and manages rules and back-tests.
    pub const TRADER: Self = Self::Role(Role::Trader);
    /// Whoever changes the server.
    pub const ADMIN: Self = Self::Role(Role::Admin);

    /// Returns its word in the documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Role(role) => role.as_str(),
        }
    }
}

/// Groups of operations, in the order of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// Prices, books, candles, trades and the instruments themselves.
    Market,
    /// Feeds and venues.
    Feeds,
    /// Orders, fills, positions and accounts.
    Desk,
    /// Limits and the kill switch.
    Risk,
    /// Strategies and back-tests.
    Strategies,
    /// Rules, signals and alerts.
    Alerts,
    /// Recordings and their replay.
    Recordings,
    /// Users, logins and tokens.
    Access,
    /// The process itself.
    Server,
    /// The descriptions of the API.
    Documents,
}

impl Tag {
    /// All groups.
    pub const ALL: [Self; 10] = [
        Self::Market,
        Self::Feeds,
        Self::Desk,
        Self::Risk,
        Self::Strategies,
        Self::Alerts,
        Self::Recordings,
        Self::Access,
        Self::Server,
        Self::Documents,
    ];

    /// Returns the group's name and its one sentence.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Market => ("Market data", "Prices, books, candles and trades of the followed instruments."),
            Self::Feeds => ("Feeds and venues", "What is followed, and how the venues are reached."),
            Self::Desk => ("Trading desk", "Orders, fills, positions and accounts of the paper desk."),
            Self::Risk => ("Risk", "Limits, their use, and the kill switch."),
            Self::Strategies => ("Strategies", "Strategies that trade, and back-tests of recordings."),
            Self::Alerts => ("Signals and alerts", "Rules, what they found, and how it is delivered."),
            Self::Recordings => ("Recordings", "Recorded feeds and their replay."),
            Self::Access => ("Users and logins", "Who comes in: users, sessions, tokens and the audit log."),
            Self::Server => ("Server", "Health, and the stream."),
            Self::Documents => ("Documents", "The descriptions of the API."),
        }
    }
}

/// The source of a schema: a type of the API, or JSON Schema written by hand.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Asks the collection for the type's schema.
    Type(fn(&mut Schemas) -> Value),
    /// The schema itself.
    Plain(Value),
}

impl Shape {
    /// Returns the shape of a type that requests contain.
    pub fn request<T: JsonSchema>() -> Self {
        Self::Type(Schemas::request::<T>)
    }

    /// Returns the shape of a text of at most `max_length` characters.
    pub fn text(max_length: usize) -> Self {
        Self::Plain(json!({ "type": "string", "maxLength": max_length }))
    }

    /// Returns the shape of one of these words.
    pub fn words(words: &[&str]) -> Self {
        Self::Plain(json!({ "type": "string", "enum": words }))
    }

    /// Returns the shape of a whole number.
    pub fn number(range: RangeInclusive<usize>, default: Option<usize>) -> Self {
        let mut schema = json!({ "type": "integer", "minimum": range.start(), "maximum": range.end() });
        if let Some(default) = default {
            schema["default"] = json!(default);
        }
        Self::Plain(schema)
    }

    /// Returns the shape of a moment in milliseconds since the epoch.
    pub fn millis() -> Self {
        Self::Plain(json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX }))
    }
}

/// The place of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the query.
    Query,
    /// In the path.
    Path,
    /// In a header.
    Header,
}

/// A parameter of an operation.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its place.
    pub place: Place,
    /// One sentence.
    pub text: &'static str,
    /// True if it must be there.
    pub is_required: bool,
    /// Its form.
    pub shape: Shape,
}

/// Returns a query parameter that must be there.
pub fn required(name: &'static str, text: &'static str, shape: Shape) -> Parameter {
    Parameter { name, place: Place::Query, text, is_required: true, shape }
}

/// Returns a query parameter that may be absent.
pub fn optional(name: &'static str, text: &'static str, shape: Shape) -> Parameter {
    Parameter { name, place: Place::Query, text, is_required: false, shape }
}

/// The body of a request or of an answer, by its media type.
#[derive(Clone, Debug)]
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// The form; `None` for text and bytes.
    pub shape: Option<Shape>,
}

impl Content {
    /// Returns a body of JSON.
    pub fn json(shape: Shape) -> Self {
        Self { media_type: "application/json", shape: Some(shape) }
    }

    /// Returns a body that is not JSON.
    pub fn other(media_type: &'static str) -> Self {
        Self { media_type, shape: None }
    }
}

/// An answer that is no error.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// One sentence.
    pub text: &'static str,
    /// Its forms; empty for an answer without a body.
    pub contents: Vec<Content>,
    /// Headers that matter, with their meanings.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// The description of an operation.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, its parameters in braces.
    pub path: &'static str,
    /// The least access.
    pub access: Needs,
    /// The group.
    pub tag: Tag,
    /// The title, a few words.
    pub summary: &'static str,
    /// More about it; empty if the title says all.
    pub text: &'static str,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The forms of its body; empty: it has none.
    pub bodies: Vec<Content>,
    /// The answers that are no errors.
    pub answers: Vec<Answer>,
    /// The codes of its errors, besides those of every operation.
    pub errors: Vec<ErrorCode>,
    /// True if the desk's refusals are among its errors.
    pub has_refusals: bool,
}

impl Operation {
    /// Describes a `GET`.
    pub fn get(path: &'static str, access: Needs, tag: Tag, summary: &'static str) -> Self {
        Self::new(Method::GET, path, access, tag, summary)
    }

    /// Describes a `POST`.
    pub fn post(path: &'static str, access: Needs, tag: Tag, summary: &'static str) -> Self {
        Self::new(Method::POST, path, access, tag, summary)
    }

    /// Describes any request.
    pub fn new(method: Method, path: &'static str, access: Needs, tag: Tag, summary: &'static str) -> Self {
        let (parameters, bodies, answers, errors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { method, path, access, tag, summary, text: "", parameters, bodies, answers, errors, has_refusals: false }
    }

    /// Says more about it.
    #[must_use]
    pub fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    /// Takes these query parameters.
    #[must_use]
    pub fn query(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self.errors(&[ErrorCode::BadParameter])
    }

    /// Takes a header.
    #[must_use]
    pub fn header_parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Takes a parameter in its path.
    #[must_use]
    pub fn path(mut self, name: &'static str, text: &'static str, shape: Shape) -> Self {
        self.parameters.push(Parameter { name, place: Place::Path, text, is_required: true, shape });
        self
    }

    /// Takes a body of JSON.
    #[must_use]
    pub fn body<T: JsonSchema>(self) -> Self {
        self.body_of(Content::json(Shape::request::<T>()))
    }

    /// Takes a body.
    #[must_use]
    pub fn body_of(mut self, content: Content) -> Self {
        self.bodies.push(content);
        self.errors(&[ErrorCode::BodyTooLarge, ErrorCode::BodyTooSlow])
    }

    /// Is a command: it takes an idempotency key, and its caller needs a role.
    #[must_use]
    pub fn command(mut self) -> Self {
        self.parameters.push(Parameter {
            name: "Idempotency-Key",
            place: Place::Header,
            text: "The caller's own name for the request: sent again with the same name, it is answered as before and not \
                   carried out again.",
            is_required: false,
            shape: Shape::Plain(json!({ "type": "string", "pattern": "^[!-~]{1,64}$" })),
        });
        self.errors(&[ErrorCode::BadParameter, ErrorCode::Forbidden, ErrorCode::KeyReused])
    }

    /// Answers 200 with JSON.
    #[must_use]
    pub fn answer<T: JsonSchema>(self, text: &'static str) -> Self {
        self.answer_of(200, text, vec![Content::json(Shape::Type(Schemas::answer::<T>))])
    }

    /// Answers 200 with JSON, its times in milliseconds.
    #[must_use]
    pub fn in_millis<T: JsonSchema>(self, text: &'static str) -> Self {
        self.answer_of(200, text, vec![Content::json(Shape::Type(Schemas::in_millis::<T>))])
    }

    /// Answers 201 with JSON, its times in milliseconds.
    #[must_use]
    pub fn created<T: JsonSchema>(self, text: &'static str) -> Self {
        self.answer_of(201, text, vec![Content::json(Shape::Type(Schemas::in_millis::<T>))])
    }

    /// Answers 204 without content.
    #[must_use]
    pub fn no_content(self, text: &'static str) -> Self {
        self.answer_of(204, text, Vec::new())
    }

    /// Answers with one of these forms.
    #[must_use]
    pub fn answer_of(mut self, status: u16, text: &'static str, contents: Vec<Content>) -> Self {
        self.answers.push(Answer { status, text, contents, headers: Vec::new() });
        self
    }

    /// The newest answer has this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, text: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, text));
        }
        self
    }

    /// May fail with these codes.
    #[must_use]
    pub fn errors(mut self, codes: &[ErrorCode]) -> Self {
        self.errors.extend(codes);
        self
    }

    /// May be refused by the desk.
    #[must_use]
    pub fn refusals(mut self) -> Self {
        self.has_refusals = true;
        self
    }

    /// Returns the operation's name for generated clients: `get_recordings_name`.
    pub fn id(&self) -> String {
        let path = self.path.strip_prefix("/api/v1").unwrap_or(self.path);
        let words = path.split(['/', '-', '.', '_']).map(|word| word.trim_matches(['{', '}']));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("{}_{}", self.method.as_str().to_ascii_lowercase(), words.join("_"))
    }
}
