//! Questions to the subgraph and its answers: bars of hours and days, and swaps.
//!
//! Source: <https://docs.uniswap.org/api/subgraph/overview>, <https://thegraph.com/docs/en/subgraphs/querying/graphql-api/>.
//! Whole numbers and decimals are text; what went wrong is said with status 200. Not here: what is asked when
//! ([`super::history`]), what the figures mean ([`super::pool`]).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use crate::requests::Ask;

/// Where the session asks; the shell knows the address behind it.
pub(super) const PATH: &str = "/subgraph";
/// Rows of an answer, the most that a subgraph gives.
pub(super) const ROWS: usize = 1_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// One row an hour in which something happened.
    Hours,
    /// One row a day (UTC) on which something happened.
    Days,
    /// Each swap.
    Swaps,
}

/// The newest rows of a pool between two times in seconds, both included; newest first.
pub(super) fn ask(rows: Rows, pool: &str, from: i64, until: i64) -> Ask {
    let (list, time, fields) = match rows {
        Rows::Hours => ("poolHourDatas", "periodStartUnix", BAR_FIELDS),
        Rows::Days => ("poolDayDatas", "date", BAR_FIELDS),
        Rows::Swaps => ("swaps", "timestamp", "id logIndex amount0 amount1"),
    };
    // Times of swaps are whole numbers of any size, which GraphQL writes as text.
    let (kind, from, until) = match rows {
        Rows::Swaps => ("BigInt", json!(from.to_string()), json!(until.to_string())),
        Rows::Hours | Rows::Days => ("Int", json!(from), json!(until)),
    };
    let query = format!(
        "query($pool:String!,$from:{kind}!,$until:{kind}!){{_meta{{block{{timestamp}}}} rows:{list}(first:{ROWS},\
         orderBy:{time},orderDirection:desc,where:{{pool:$pool,{time}_gte:$from,{time}_lte:$until}}){{time:{time} {fields}}}}}"
    );
    let body = json!({ "query": query, "variables": { "pool": pool, "from": from, "until": until } });
    Ask { path: PATH.into(), query: Vec::new(), weight: 1, body: Some(body.to_string()) }
}

const BAR_FIELDS: &str = "open high low close volumeToken0 volumeToken1";

/// An answer, whatever it says.
///
/// ```json
/// {"data":{"_meta":{"block":{"timestamp":1750000000}},"rows":[…]}}
/// {"errors":[{"message":"auth error: API key not found"}]}
/// ```
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a, R: Deserialize<'de>"))]
pub(super) struct Answer<'a, R> {
    #[serde(default = "Option::default")]
    data: Option<Data<R>>,
    #[serde(borrow, default)]
    errors: Vec<GraphqlError<'a>>,
}

#[derive(Debug, Deserialize)]
struct Data<R> {
    #[serde(rename = "_meta")]
    meta: Meta,
    rows: Vec<R>,
}

#[derive(Debug, Deserialize)]
struct Meta {
    block: BlockOfMeta,
}

#[derive(Debug, Deserialize)]
struct BlockOfMeta {
    timestamp: i64,
}

#[derive(Debug, Deserialize)]
struct GraphqlError<'a> {
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

/// What the subgraph does not answer, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The key is missing, unknown, or not paid for.
    Credentials(String),
    /// Too many questions.
    Limit,
    /// Anything else: nobody serves the subgraph now, or it does not know the question.
    Other(String),
}

impl<R> Answer<'_, R> {
    /// Up to which time the subgraph knows the chain, in seconds, and its rows.
    ///
    /// # Errors
    /// `Some`: it says why not. `None`: it says nothing.
    pub(super) fn into_rows(self) -> Result<(i64, Vec<R>), Option<Refusal>> {
        match (self.errors.first(), self.data) {
            (Some(error), _) => Err(Some(Refusal::of(&error.message))),
            (None, Some(data)) => Ok((data.meta.block.timestamp, data.rows)),
            (None, None) => Err(None),
        }
    }
}

impl Refusal {
    fn of(message: &str) -> Self {
        let words = message.to_lowercase();
        let has = |part: &&str| words.contains(*part);
        let detail = message.chars().filter(|letter| !letter.is_control()).take(200).collect();
        if ["auth error", "api key", "payment required"].iter().any(has) {
            Self::Credentials(detail)
        } else if ["rate limit", "too many requests"].iter().any(has) {
            Self::Limit
        } else {
            Self::Other(detail)
        }
    }
}

/// A bar. Prices are token 0 for one token 1.
///
/// ```json
/// {"time":1653404400,"open":"1963.84","high":"1970.1","low":"1960","close":"1964.2","volumeToken0":"489410.948255","volumeToken1":"249.7"}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BarRow<'a> {
    pub(super) time: i64,
    #[serde(borrow)]
    pub(super) open: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) high: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) low: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) close: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) volume_token0: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) volume_token1: Cow<'a, str>,
}

/// A swap; amounts are signed as the pool sees them: negative is paid out.
///
/// ```json
/// {"time":"1653407760","id":"0x83…#346081","logIndex":"12","amount0":"-489410.948255","amount1":"249.795408163240098401"}
/// ```
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SwapRow<'a> {
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    /// Its place in the block; old swaps have none.
    #[serde(borrow, default)]
    pub(super) log_index: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) amount0: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) amount1: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_carry_their_variables() {
        let ask = ask(Rows::Swaps, "0xab", 5, 9);
        let body: serde_json::Value = serde_json::from_str(ask.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["variables"], json!({"pool": "0xab", "from": "5", "until": "9"}));
        let query = body["query"].as_str().unwrap();
        assert!(
            query.starts_with("query($pool:String!,$from:BigInt!,$until:BigInt!){_meta{block{timestamp}} rows:swaps(")
        );
        assert!(query.contains("where:{pool:$pool,timestamp_gte:$from,timestamp_lte:$until}){time:timestamp id "));
        assert_eq!(query.matches('{').count(), query.matches('}').count());
        let hours = super::ask(Rows::Hours, "0xab", 5, 9).body.unwrap();
        assert!(hours.contains(r#""from":5"#) && hours.contains("time:periodStartUnix open"), "{hours}");
    }

    #[test]
    fn refusals_come_with_status_200() {
        #[track_caller]
        fn check(body: &str, expected: Option<Refusal>) {
            let answer: Answer<'_, BarRow<'_>> = serde_json::from_str(body).unwrap();
            assert_eq!(answer.into_rows().unwrap_err(), expected, "{body}");
        }
        let said = |message: &str| format!(r#"{{"errors":[{{"message":"{message}"}}],"data":null}}"#);
        let key = "auth error: API key not found";
        check(&said(key), Some(Refusal::Credentials(key.into())));
        check(
            &said("payment required for subsequent requests"),
            Some(Refusal::Credentials("payment required for subsequent requests".into())),
        );
        check(&said("Too Many Requests"), Some(Refusal::Limit));
        check(&said("bad indexers: \\n{}"), Some(Refusal::Other("bad indexers: {}".into())));
        check("{}", None);
        check(r#"{"data":null}"#, None);
    }
}
