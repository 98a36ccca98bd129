//! The routes of programs, each with its description: none can be added without one, nor without what it needs of its
//! caller, which is checked here.
//!
//! Not here: the routes of pages ([`super::page`]), the documents that are made of the descriptions
//! ([`super::documents`]).

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{MethodFilter, on},
};
use tower_http::compression::{CompressionLayer, predicate::SizeAbove};

use super::{AppState, entry, operation::Operation};

/// Routes with their descriptions.
#[derive(Default)]
pub struct ApiRouter {
    router: Router<AppState>,
    operations: Vec<Operation>,
}

impl ApiRouter {
    /// Adds the route of an operation.
    ///
    /// # Panics
    /// The path has a route for the method already, or the method is not one of HTTP.
    #[must_use]
    pub fn operation<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(operation.method.clone()).expect("invariant: a method of HTTP");
        let needs = operation.access;
        let admit = middleware::from_fn(move |request, next| entry::admit(needs, request, next));
        self.router = self.router.route(operation.path, on(filter, handler).route_layer(admit));
        self.operations.push(operation);
        self
    }

    /// Adds all routes of another list.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// Compresses the answers of all routes so far for callers who accept it. Small ones stay as they are: they take one
    /// round trip either way.
    #[must_use]
    pub fn compressed(mut self) -> Self {
        let layer = CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(COMPRESS_ABOVE));
        self.router = self.router.layer(layer);
        self
    }

    /// Returns the descriptions, in the order of their addition.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Returns the routes.
    pub fn into_router(self) -> Router<AppState> {
        self.router
    }
}

const COMPRESS_ABOVE: u64 = 1_024;
