//! Parameters of a request's query and path, with the API's own errors.

use std::{collections::BTreeMap, ops::RangeInclusive, str::FromStr};

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use model::{candle::Interval, instrument::InstrumentId};

use super::error::ApiError;

/// A request's query parameters.
pub struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let bad = |remedy: &str| ApiError::BadParameter { parameter: "query", remedy: remedy.to_owned() };
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await else {
            return Err(bad("write name=value&name=value"));
        };
        let n_pairs = pairs.len();
        let parameters: BTreeMap<String, String> = pairs.into_iter().collect();
        // The server does not choose between two values of a parameter.
        if parameters.len() == n_pairs { Ok(Self(parameters)) } else { Err(bad("write each parameter once")) }
    }
}

/// The path's only parameter.
pub struct PathParameter(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathParameter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(parameter)) => Ok(Self(parameter)),
            Err(_) => Err(ApiError::BadParameter { parameter: "path", remedy: "write it in UTF-8".to_owned() }),
        }
    }
}

impl Parameters {
    /// Returns the required `instrument=venue:SYMBOL`.
    pub fn instrument(&self) -> Result<InstrumentId, ApiError> {
        let bad = |remedy: String| ApiError::BadParameter { parameter: "instrument", remedy };
        let text = self.0.get("instrument").ok_or_else(|| bad("write instrument=venue:SYMBOL".to_owned()))?;
        InstrumentId::parse(text).map_err(|error| bad(error.to_string()))
    }

    /// Returns `interval=1m`; one minute if it is missing.
    pub fn interval(&self) -> Result<Interval, ApiError> {
        self.0.get("interval").map_or(Ok(Interval::M1), |text| {
            Interval::from_str(text)
                .map_err(|error| ApiError::BadParameter { parameter: "interval", remedy: error.to_string() })
        })
    }

    /// Returns a whole number within `range`; `default` if it is missing.
    pub fn number(
        &self,
        parameter: &'static str,
        range: RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, ApiError> {
        self.0.get(parameter).map_or(Ok(default), |text| {
            text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| ApiError::BadParameter {
                parameter,
                remedy: format!("write a whole number from {} to {}", range.start(), range.end()),
            })
        })
    }

    /// Returns a parameter's text.
    pub fn text(&self, parameter: &str) -> Option<&str> {
        self.0.get(parameter).map(String::as_str)
    }
}
