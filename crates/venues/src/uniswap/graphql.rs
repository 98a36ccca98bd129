//! Queries to the subgraph and its answers: candles of hours and days, and swaps.
//!
//! Source: <https://docs.uniswap.org/api/subgraph/overview>,
//! <https://thegraph.com/docs/en/subgraphs/querying/graphql-api/>. Whole numbers and decimals are text; errors have
//! status 200. Not here: which queries are made when ([`super::history`]), the meaning of the numbers
//! ([`super::pool`]).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use crate::kit::requests::RestRequest;

/// The path of the session's requests; the shell knows the address.
pub(super) const PATH: &str = "/subgraph";
/// Rows in an answer, the maximum of a subgraph.
pub(super) const ROWS: usize = 1_000;

/// The requested rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// One row for each hour with activity.
    Hours,
    /// One row for each day (UTC) with activity.
    Days,
    /// Each swap.
    Swaps,
}

/// Requests the newest rows of a pool between two times in seconds, both included; newest first.
pub(super) fn request(rows: Rows, pool: &str, from: i64, until: i64) -> RestRequest {
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
    RestRequest { path: PATH.into(), query: Vec::new(), weight: 1, body: Some(body.to_string()) }
}

const BAR_FIELDS: &str = "open high low close volumeToken0 volumeToken1";

/// An answer of any kind.
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

/// A refusal of the subgraph, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The key is missing, unknown, or not paid for.
    Credentials(String),
    /// Too many queries.
    Limit,
    /// Anything else: the subgraph has no provider now, or it does not know the query.
    Other(String),
}

impl<R> Answer<'_, R> {
    /// Returns the time up to which the subgraph knows the chain, in seconds, and its rows.
    ///
    /// # Errors
    /// `Some`: the stated reason. `None`: no reason was stated.
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

/// A candle. Prices are token 0 per token 1.
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

/// A swap; amounts are signed from the pool's view: negative amounts are paid out.
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
    /// Its index in the block; old swaps have none.
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
        #[track_caller]
        fn check(rows: Rows, kind: &str, list: &str, fields: &str, times: [serde_json::Value; 2]) {
            let ask = request(rows, "0xab", 5, 9);
            assert_eq!((ask.path.as_ref(), ask.weight), ("/subgraph", 1));
            let body: serde_json::Value = serde_json::from_str(ask.body.as_deref().unwrap()).unwrap();
            let [from, until] = times;
            assert_eq!(body["variables"], json!({"pool": "0xab", "from": from, "until": until}));
            let head = format!("query($pool:String!,$from:{kind}!,$until:{kind}!){{_meta{{block{{timestamp}}}} ");
            assert_eq!(body["query"], format!("{head}rows:{list}{{time:{fields}}}}}"));
        }
        let bar = "open high low close volumeToken0 volumeToken1";
        let list = |name: &str, time: &str| {
            let newest_first = format!("first:1000,orderBy:{time},orderDirection:desc");
            format!("{name}({newest_first},where:{{pool:$pool,{time}_gte:$from,{time}_lte:$until}})")
        };
        let hours = list("poolHourDatas", "periodStartUnix");
        check(Rows::Hours, "Int", &hours, &format!("periodStartUnix {bar}"), [json!(5), json!(9)]);
        check(Rows::Days, "Int", &list("poolDayDatas", "date"), &format!("date {bar}"), [json!(5), json!(9)]);
        let swaps = list("swaps", "timestamp");
        let fields = "timestamp id logIndex amount0 amount1";
        check(Rows::Swaps, "BigInt", &swaps, fields, [json!("5"), json!("9")]);
    }

    #[test]
    fn an_answer_says_how_far_the_subgraph_knows_the_chain() {
        let rows = r#"[{"time":60,"open":"1","high":"2","low":"0.5","close":"1.5","volumeToken0":"7","volumeToken1":"8","more":0}]"#;
        let data = format!(r#""data":{{"_meta":{{"block":{{"timestamp":1750000000}}}},"rows":{rows}}}"#);
        let body = format!("{{{data}}}");
        let (known_until, rows) = serde_json::from_str::<Answer<'_, BarRow<'_>>>(&body).unwrap().into_rows().unwrap();
        assert_eq!((known_until, rows.len(), rows[0].time), (1_750_000_000, 1, 60));
        let BarRow { open, high, low, close, volume_token0, volume_token1, .. } = &rows[0];
        assert_eq!([open, high, low, close, volume_token0, volume_token1], ["1", "2", "0.5", "1.5", "7", "8"]);
        // Rows beside an error are not complete.
        let body = format!(r#"{{{data},"errors":[{{"message":"out of time"}}]}}"#);
        let answer: Answer<'_, BarRow<'_>> = serde_json::from_str(&body).unwrap();
        assert_eq!(answer.into_rows().unwrap_err(), Some(Refusal::Other("out of time".into())));
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
        for message in ["API Key is disabled", "auth error: missing authorization header"] {
            check(&said(message), Some(Refusal::Credentials(message.into())));
        }
        check(&said("Too Many Requests"), Some(Refusal::Limit));
        check(&said("rate limit exceeded"), Some(Refusal::Limit));
        check(&said("bad indexers: \\n{}"), Some(Refusal::Other("bad indexers: {}".into())));
        check(&said(&"x".repeat(1_000)), Some(Refusal::Other("x".repeat(200))));
        check("{}", None);
        check(r#"{"data":null}"#, None);
    }
}
