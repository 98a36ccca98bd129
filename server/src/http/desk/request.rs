//! Common parts of requests to the desk: bodies, the account, filters and pages.

use axum::{
    Json,
    extract::{FromRequest, Request},
};
use model::{
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        order::{OrderId, Side},
        refusal::{DenyCode, Refusal},
    },
};
use serde::de::DeserializeOwned;
use serde_json::json;
use store::lists::{Cursor, Filter, MAX_ROWS, Paging, Sort};

use super::super::{
    body,
    error::ApiError,
    operation::{Parameter, Shape, optional},
    parameters::Parameters,
};
use crate::desk::handle::DeskHandle;

/// A JSON body for the desk; one that cannot be read is refused as the desk refuses, and names the field.
pub struct DeskBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for DeskBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Json::from_request(request, state).await.map(|Json(body)| Self(body)).map_err(|rejection| {
            body::refusal(&rejection, |detail| {
                let detail = TYPE_PREFIXES.iter().find_map(|prefix| detail.strip_prefix(prefix)).unwrap_or(&detail);
                Refusal::new(DenyCode::BadRequest, format!("the body cannot be read: {detail}")).into()
            })
        })
    }
}

/// Describes `account`.
pub fn account() -> Parameter {
    optional("account", "The account; absent: the default one.", Shape::request::<AccountId>())
}

/// Describes `instrument`.
pub fn instrument() -> Parameter {
    optional("instrument", "Only of this instrument.", Shape::request::<InstrumentId>())
}

/// Describes the filter and the page of a list.
pub fn filter_and_page() -> Vec<Parameter> {
    vec![
        account(),
        instrument(),
        optional("side", "Only of this side.", Shape::words(&["buy", "sell"])),
        optional("from_ms", "Not before this moment, in milliseconds since the epoch.", Shape::millis()),
        optional("until_ms", "Before this moment.", Shape::millis()),
        optional(
            "cursor",
            "The header `next-cursor` of the page before; a replay's lists have one page.",
            Shape::Plain(json!({ "type": "string", "pattern": "^[0-9a-f]{1,16}\\.[0-9]{1,18}$" })),
        ),
        optional("order", "Newest first, or oldest first.", Shape::words(&["desc", "asc"])),
        limit(),
        format(),
    ]
}

/// Describes `limit`.
pub fn limit() -> Parameter {
    optional("limit", "The most rows.", Shape::number(1..=MAX_ROWS as usize, Some(DEFAULT_ROWS)))
}

/// Describes `format`.
pub fn format() -> Parameter {
    optional("format", "JSON, or a table of CSV.", Shape::words(&["json", "csv"]))
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An array of objects.
    Json,
    /// A table.
    Csv,
}

impl Parameters {
    /// Returns `account=`, or the default account.
    pub fn account(&self, desk: &DeskHandle) -> Result<AccountId, ApiError> {
        Ok(self.named_account()?.unwrap_or_else(|| desk.default_account().clone()))
    }

    /// Returns `account=`.
    pub fn named_account(&self) -> Result<Option<AccountId>, ApiError> {
        self.read("account", AccountId::parse)
    }

    /// Returns the filter of a list: `account`, `instrument`, `side`, `order_id`, `from_ms`, `until_ms`.
    pub fn filter(&self, account: AccountId) -> Result<Filter, ApiError> {
        Ok(Filter {
            account: Some(account),
            instrument: self.read("instrument", InstrumentId::parse)?,
            side: self.choice("side", &[("buy", Side::Buy), ("sell", Side::Sell)])?,
            order_id: self.read("order_id", OrderId::parse)?,
            is_open: self.choice("state", &[("open", true), ("closed", false)])?,
            from: self.millis("from_ms")?,
            until: self.millis("until_ms")?,
        })
    }

    /// Returns the page that is wanted: `limit`, `cursor`, `order`, `sort`.
    pub fn paging(&self) -> Result<Paging, ApiError> {
        let sorts = [("time", Sort::Time), ("net_pnl", Sort::NetPnl), ("value", Sort::Value)];
        Ok(Paging {
            limit: self.limit()?,
            cursor: self.read("cursor", |text| {
                Cursor::parse(text).ok_or("write the value of the header next-cursor of the page before")
            })?,
            sort: self.choice("sort", &sorts)?.unwrap_or_default(),
            is_descending: self.is_descending(true)?,
        })
    }

    /// Returns `limit`.
    pub fn limit(&self) -> Result<u32, ApiError> {
        let limit = self.number("limit", 1..=MAX_ROWS as usize, DEFAULT_ROWS)?;
        Ok(u32::try_from(limit).unwrap_or(MAX_ROWS))
    }

    /// Returns whether `order` is `desc`.
    pub fn is_descending(&self, default: bool) -> Result<bool, ApiError> {
        Ok(self.choice("order", &[("asc", false), ("desc", true)])?.unwrap_or(default))
    }

    /// Returns `format=`.
    pub fn form(&self) -> Result<Form, ApiError> {
        Ok(self.choice("format", &[("json", Form::Json), ("csv", Form::Csv)])?.unwrap_or(Form::Json))
    }

    /// Returns a time in milliseconds since the epoch.
    pub fn millis(&self, parameter: &'static str) -> Result<Option<Timestamp>, ApiError> {
        let wrong = "write milliseconds since 1970-01-01 UTC, as in 1723161600000";
        self.read(parameter, |text| text.parse().map(Timestamp::from_millis).map_err(|_| wrong))
    }

    fn read<T, E: ToString>(
        &self,
        parameter: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ApiError> {
        let read = self.text(parameter).map(read).transpose();
        read.map_err(|error| ApiError::BadParameter { parameter, remedy: error.to_string() })
    }

    fn choice<T: Copy>(&self, parameter: &'static str, choices: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        self.read(parameter, |text| {
            let found = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            found.ok_or_else(|| format!("write {}", names.join(" or ")))
        })
    }
}

/// Rows of a page, unless a number is given.
const DEFAULT_ROWS: usize = 100;
/// Prefixes of the JSON reader's messages, in front of the field; of no help to the caller.
const TYPE_PREFIXES: [&str; 2] =
    ["Failed to deserialize the JSON body into the target type: ", "Failed to parse the request body as JSON: "];
