//! A subgraph: GraphQL at `/subgraph`, for rows of hours and days and for swaps, newest first.
//!
//! Source: <https://thegraph.com/docs/en/subgraphs/querying/graphql-api/>,
//! <https://docs.uniswap.org/api/subgraph/overview>. Whole numbers and decimals are text; prices are token 0 per token
//! 1; errors have status 200. It understands one list per query, `alias:list(first:N,…){alias:field …}`, with its
//! variables. Not here: the events of the chain ([`super::chain`]).

use serde_json::{Map, Value, json};

use super::chain::{BASE_DECIMALS, Chain, Pool, QUOTE_DECIMALS, Swap, block_at, block_time_s, slots_of};
use crate::{
    bars::{Bar, BarQuery, Quiet},
    core::Core,
    exchange::HttpRequest,
    fixed,
};

/// Maximum rows in an answer.
const MOST_ROWS: i64 = 1_000;
/// Decimals of an inverse price in whole tokens: more digits than a price has.
const INVERSE_DECIMALS: u32 = 26;

/// Returns the answer to a query.
pub(super) fn answer(core: &Core, chain: Chain<'_>, request: &HttpRequest) -> String {
    let key = request.headers.get("authorization").map(|text| text.trim_start_matches("Bearer "));
    match rows(core, chain, key, &request.body) {
        Ok(data) => json!({ "data": data }).to_string(),
        Err(words) => failed(&words),
    }
}

/// Returns the gateway's body for a status.
pub(super) fn refusal(status: u16) -> String {
    failed(if status == 429 { "too many requests" } else { "bad indexers" })
}

fn failed(words: &str) -> String {
    json!({ "errors": [{ "message": words }] }).to_string()
}

fn rows(core: &Core, chain: Chain<'_>, key: Option<&str>, body: &str) -> Result<Value, String> {
    // Without a configured key, any key or none is accepted.
    if core.key.as_deref().is_some_and(|wanted| key != Some(wanted)) {
        let why = if key.is_none() { "missing authorization header" } else { "API key not found" };
        return Err(format!("auth error: {why}"));
    }
    let asked: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let question = Question::read(&asked).ok_or("the question is not understood")?;
    let newest = chain.newest_block();
    let pool = chain.pool(&question.pool);
    let rows = match question.list.as_str() {
        "poolHourDatas" => pool.map(|pool| bars(chain, pool, &question, 3_600_000, "periodStartUnix")),
        "poolDayDatas" => pool.map(|pool| bars(chain, pool, &question, 86_400_000, "date")),
        "swaps" => pool.map(|pool| swaps(chain, pool, &question)),
        list => return Err(format!("Type `Query` has no field `{list}`")),
    };
    let rows = rows.unwrap_or_default().iter().map(|row| question.pick(row)).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "_meta": { "block": { "number": newest, "timestamp": block_time_s(newest) } }, question.alias: rows }))
}

fn bars(chain: Chain<'_>, pool: Pool<'_>, question: &Question, length_ms: i64, time: &str) -> Vec<Value> {
    let query = BarQuery {
        length_ms,
        start_ms: None,
        end_ms: Some(question.until.saturating_mul(1_000)),
        limit: question.first,
        quiet: Quiet::Skipped,
    };
    let bars = pool.asset.bars(chain.last_slot(), &query);
    let wanted = bars.iter().rev().filter(|bar| bar.open_ms / 1_000 >= question.from);
    wanted.map(|bar| bar_row(pool, bar, time)).collect()
}

fn swaps(chain: Chain<'_>, pool: Pool<'_>, question: &Question) -> Vec<Value> {
    let blocks = block_at(question.from)..=block_at(question.until).min(chain.newest_block());
    let slots = blocks.rev().flat_map(|block| slots_of(block).rev());
    let swaps = slots.map(|slot| pool.swap(slot));
    let is_inside = |swap: &Swap| (question.from..=question.until).contains(&block_time_s(swap.block));
    let n_rows = usize::try_from(question.first).unwrap_or_default();
    swaps.filter(is_inside).take(n_rows).map(|swap| swap_row(pool, &swap)).collect()
}

/// A query for one list.
struct Question {
    /// The name under which the rows are requested.
    alias: String,
    list: String,
    pool: String,
    /// Seconds, both inclusive.
    from: i64,
    until: i64,
    first: i64,
    /// Names of the fields, and the names under which they are requested.
    fields: Vec<(String, String)>,
}

impl Question {
    fn read(asked: &Value) -> Option<Self> {
        let query = asked["query"].as_str()?;
        let (head, rest) = query.split_once("(first:")?;
        let (alias, list) = named(head.rsplit([' ', '}', '{']).next()?);
        let (first, _) = rest.split_once(',')?;
        let (_, members) = rest.rsplit_once('{')?;
        let fields = members.trim_end_matches('}').split(' ').filter(|field| !field.is_empty()).map(named);
        let variables = &asked["variables"];
        // Times of swaps are whole numbers of any size, written as text.
        let seconds = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
        Some(Self {
            alias,
            list,
            pool: variables["pool"].as_str()?.to_owned(),
            from: seconds(&variables["from"])?,
            until: seconds(&variables["until"])?,
            first: first.parse::<i64>().ok()?.clamp(1, MOST_ROWS),
            fields: fields.collect(),
        })
    }

    /// Returns the requested fields.
    fn pick(&self, row: &Value) -> Result<Value, String> {
        let pick = |(alias, name): &(String, String)| match row.get(name) {
            Some(value) => Ok((alias.clone(), value.clone())),
            None => Err(format!("Type `{}` has no field `{name}`", self.list)),
        };
        Ok(self.fields.iter().map(pick).collect::<Result<Map<_, _>, _>>()?.into())
    }
}

/// Returns alias and name of `alias:name`, or the name twice.
fn named(text: &str) -> (String, String) {
    let (alias, name) = text.split_once(':').unwrap_or((text, text));
    (alias.to_owned(), name.to_owned())
}

fn bar_row(pool: Pool<'_>, bar: &Bar, time: &str) -> Value {
    let price = |price: i128| if pool.is_quote_first() { fixed::shortest(price) } else { inverse(price) };
    // When the price is inverted, the highest is the lowest.
    let [low, high] = pool.in_order(bar.high, bar.low).map(price);
    let [volume0, volume1] = pool.in_order(bar.volume, bar.quote_volume).map(fixed::shortest);
    json!({
        time: bar.open_ms / 1_000,
        "open": price(bar.open),
        "high": high,
        "low": low,
        "close": price(bar.close),
        "volumeToken0": volume0,
        "volumeToken1": volume1,
        "txCount": bar.n_trades.to_string(),
    })
}

fn swap_row(pool: Pool<'_>, swap: &Swap) -> Value {
    let [decimals0, decimals1] = pool.in_order(BASE_DECIMALS, QUOTE_DECIMALS);
    json!({
        "id": format!("{}#{}", swap.hash, swap.log),
        "timestamp": block_time_s(swap.block).to_string(),
        "logIndex": swap.log.to_string(),
        "amount0": decimal(swap.amount0, decimals0),
        "amount1": decimal(swap.amount1, decimals1),
    })
}

/// Writes smallest units as whole tokens.
fn decimal(parts: i128, decimals: u32) -> String {
    let sign = if parts < 0 { "-" } else { "" };
    let width = decimals as usize + 1;
    let digits = format!("{:0>width$}", parts.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    format!("{sign}{whole}.{fraction}")
}

/// Returns one over a price with twelve decimals.
fn inverse(price: i128) -> String {
    let parts = 10_i128.pow(12 + INVERSE_DECIMALS).checked_div(price).unwrap_or(0);
    decimal(parts, INVERSE_DECIMALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_whole_tokens() {
        for (parts, decimals, expected) in [(1, 8, "0.00000001"), (-150_000_000, 8, "-1.50000000"), (0, 2, "0.00")] {
            assert_eq!(decimal(parts, decimals), expected);
        }
        assert_eq!(inverse(4 * fixed::ONE).trim_end_matches('0'), "0.25");
        assert_eq!(inverse(0).trim_end_matches('0'), "0.");
    }

    #[test]
    fn a_question_is_read_or_refused() {
        let asked = |query: &str| json!({ "query": query, "variables": { "pool": "0xb0", "from": 5, "until": "9" } });
        let query = "query($pool:String!){_meta{block{timestamp}} rows:swaps(first:7,orderBy:timestamp,where:{pool:$pool}){t:timestamp id}}";
        let question = Question::read(&asked(query)).unwrap();
        assert_eq!((question.alias.as_str(), question.list.as_str(), question.first), ("rows", "swaps", 7));
        assert_eq!((question.from, question.until), (5, 9));
        let row = json!({ "timestamp": "5", "id": "x", "other": 1 });
        assert_eq!(question.pick(&row), Ok(json!({ "t": "5", "id": "x" })));
        assert!(question.pick(&json!({ "id": "x" })).unwrap_err().contains("no field `timestamp`"));
        for wrong in ["", "{swaps}", "{swaps(first:x,){id}}"] {
            assert!(Question::read(&asked(wrong)).is_none(), "{wrong}");
        }
    }
}
