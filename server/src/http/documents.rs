//! The descriptions of the API: `GET /api/v1/openapi.json` and `/asyncapi.json` for programs, `/docs` for people.
//!
//! They are made once, of the routes' own descriptions and of the types. Not here: those descriptions (the resources'
//! own files).
//!
//! # Layout
//! - [`openapi`]: REST · [`asyncapi`]: the stream · [`schemas`]: the types of both · [`page`]: OpenAPI as a page

pub mod asyncapi;
pub mod openapi;
pub mod page;
pub mod schemas;

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    api,
    api_router::ApiRouter,
    operation::{Content, Needs, Operation, Shape, Tag},
};

/// Returns the routes of the documents.
pub fn routes() -> ApiRouter {
    let get = |path, summary| Operation::get(path, Needs::VIEWER, Tag::Documents, summary);
    let json = || vec![Content::json(Shape::Plain(json!({ "type": "object" })))];
    ApiRouter::default()
        .operation(get("/api/v1/openapi.json", "REST as OpenAPI").answer_of(200, "The document.", json()), send_openapi)
        .operation(
            get("/api/v1/asyncapi.json", "The stream as AsyncAPI").answer_of(200, "The document.", json()),
            send_asyncapi,
        )
        .operation(
            get("/api/v1/docs", "REST as a page").answer_of(200, "The page.", vec![Content::other("text/html")]),
            send_page,
        )
        .operation(
            get("/api/v1/docs.css", "Style of that page").answer_of(
                200,
                "The style.",
                vec![Content::other("text/css")],
            ),
            send_style,
        )
}

/// Returns the OpenAPI document, as it is sent.
pub fn openapi() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| pretty(&openapi::document(api().operations())));
    &DOCUMENT
}

/// Returns the AsyncAPI document, as it is sent.
pub fn asyncapi() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| pretty(&asyncapi::document()));
    &DOCUMENT
}

fn pretty(document: &Value) -> String {
    // A value in memory is JSON.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

async fn send_openapi() -> Response {
    sent("application/json", openapi())
}

async fn send_asyncapi() -> Response {
    sent("application/json", asyncapi())
}

async fn send_style() -> Response {
    sent("text/css; charset=utf-8", include_str!("documents/page.css"))
}

async fn send_page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| page::page(&openapi::document(api().operations())));
    let mut response = sent("text/html; charset=utf-8", &PAGE);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

fn sent(media_type: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
    (headers, Bytes::from_static(text.as_bytes())).into_response()
}

/// The page is text with a style: it runs nothing and reaches nothing.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
