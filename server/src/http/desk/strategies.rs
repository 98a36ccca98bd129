//! `GET /api/v1/strategies`: the strategies of an account with their levels. `POST /api/v1/strategies` with
//! `{"strategy_id","kind","account","instrument","settings":{…}}`: starts one. `POST /api/v1/strategies/preview` with
//! `{"kind":"grid","instrument","settings":{…}}`: what a grid would do. `POST /api/v1/strategies/{id}/pause` and
//! `/resume`; `/stop` with `{"choice":"cancel|keep|flatten"}`.

use std::{borrow::Cow, marker::PhantomData};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use desk::rows::StrategyRow;
use model::{
    instrument::InstrumentId,
    trading::{
        account::AccountId,
        command::{DeskCommand, DeskReply, OneStrategy, StartStrategy, StopStrategy},
        refusal::{DenyCode, Refusal},
        strategy::{LevelReport, StopChoice, StrategyEntry, StrategyId},
    },
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strategy::grid::{preview::GridPreview, settings::GridSettings};

use super::{
    answer, command, look,
    request::{self, DeskBody},
};
use crate::{
    commands::CommandRouter,
    desk::handle::DeskHandle,
    http::{
        api_router::ApiRouter,
        commands::CommandSource,
        error::ApiError,
        operation::{Needs, Operation, Shape, Tag},
        parameters::{Parameters, PathParameter},
    },
};

/// Returns the routes of strategies.
pub fn routes() -> ApiRouter {
    let post = |path, summary| Operation::post(path, Needs::TRADER, Tag::Strategies, summary).refusals();
    let one = |path, summary| {
        post(path, summary)
            .path("strategy_id", "The strategy.", Shape::request::<StrategyId>())
            .query([request::account()])
            .command()
            .in_millis::<WithSettings<StrategyEntry>>("The strategy then.")
    };
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/strategies", Needs::VIEWER, Tag::Strategies, "Strategies")
                .query([request::account()])
                .in_millis::<Vec<WithSettings<StrategyLevels>>>("Strategies by name, those that ended included.")
                .refusals(),
            list,
        )
        .operation(
            post("/api/v1/strategies", "Start a strategy")
                .command()
                .body::<StartStrategy>()
                .created::<WithSettings<StrategyEntry>>("The strategy."),
            start,
        )
        .operation(
            Operation::post("/api/v1/strategies/preview", Needs::VIEWER, Tag::Strategies, "What a grid would do")
                .text("Nothing is started.")
                .body::<PreviewStrategy>()
                .in_millis::<GridPreview>("The levels, the capital that they need, and the fees.")
                .refusals(),
            preview,
        )
        .operation(one("/api/v1/strategies/{strategy_id}/pause", "Pause a strategy"), pause)
        .operation(one("/api/v1/strategies/{strategy_id}/resume", "Let a paused strategy go on"), resume)
        .operation(one("/api/v1/strategies/{strategy_id}/stop", "Stop a strategy for good").body::<Stop>(), stop)
}

/// The schema of a strategy whose settings are JSON, not a text that contains it.
struct WithSettings<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for WithSettings<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("settings as JSON of {}", T::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        if let Some(Value::Object(settings)) = schema.pointer_mut("/properties/settings") {
            settings.remove("type");
        }
        schema
    }
}

/// A strategy with its levels.
#[derive(Serialize, JsonSchema)]
struct StrategyLevels {
    #[serde(flatten)]
    row: StrategyRow,
    levels: Vec<LevelReport>,
}

/// A strategy that is not started.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewStrategy {
    /// Not needed, for whoever sends the body of a start.
    #[serde(default, rename = "strategy_id")]
    _strategy_id: Option<StrategyId>,
    kind: String,
    #[serde(default)]
    account: Option<AccountId>,
    instrument: InstrumentId,
    settings: Value,
}

/// Handling of a stopped strategy's orders and position.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    choice: StopChoice,
}

/// Lists strategies by name, those that ended included.
pub async fn list(State(desk): State<DeskHandle>, parameters: Parameters) -> Result<Response, ApiError> {
    let rows = look(&desk, parameters.account(&desk)?, |desk, account, _| {
        let own = desk.state().strategies.values().filter(|entry| entry.account == account.account.account);
        let rows = own.map(|entry| {
            let (row, levels) = desk.strategy_row(entry);
            with_settings(StrategyLevels { row, levels })
        });
        rows.collect::<Vec<_>>()
    });
    Ok(answer::json(rows.await?))
}

/// Starts a strategy.
pub async fn start(
    State(router): State<CommandRouter>,
    source: CommandSource,
    DeskBody(start): DeskBody<StartStrategy>,
) -> Result<Response, ApiError> {
    let entry = entry(command(&router, source, DeskCommand::StartStrategy(Box::new(start))).await?);
    Ok((StatusCode::CREATED, answer::json(entry)).into_response())
}

/// Shows what a grid would do.
pub async fn preview(
    State(desk): State<DeskHandle>,
    DeskBody(preview): DeskBody<PreviewStrategy>,
) -> Result<Response, ApiError> {
    let PreviewStrategy { kind, account, instrument, settings, .. } = preview;
    let bad = |message: String| Refusal::new(DenyCode::BadStrategy, message);
    if kind != "grid" {
        return Err(bad(format!("{kind} has no preview; grid has one")).into());
    }
    let settings: GridSettings =
        serde_json::from_value(settings).map_err(|error| bad(format!("the settings cannot be read: {error}")))?;
    let id = instrument.clone();
    let preview = desk.look_at_market(account.as_ref(), &id, move |desk, _| desk.preview_grid(&settings, &instrument));
    Ok(answer::json(preview.await??))
}

/// Pauses a strategy.
pub async fn pause(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(name): PathParameter,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let one = OneStrategy { account: parameters.named_account()?, strategy_id: strategy(&name)? };
    Ok(answer::json(entry(command(&router, source, DeskCommand::PauseStrategy(one)).await?)))
}

/// Lets a paused strategy go on.
pub async fn resume(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(name): PathParameter,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let one = OneStrategy { account: parameters.named_account()?, strategy_id: strategy(&name)? };
    Ok(answer::json(entry(command(&router, source, DeskCommand::ResumeStrategy(one)).await?)))
}

/// Stops a strategy for good.
pub async fn stop(
    State(router): State<CommandRouter>,
    source: CommandSource,
    PathParameter(name): PathParameter,
    parameters: Parameters,
    DeskBody(Stop { choice }): DeskBody<Stop>,
) -> Result<Response, ApiError> {
    let stop = StopStrategy { account: parameters.named_account()?, strategy_id: strategy(&name)?, choice };
    Ok(answer::json(entry(command(&router, source, DeskCommand::StopStrategy(stop)).await?)))
}

fn strategy(name: &str) -> Result<StrategyId, ApiError> {
    StrategyId::parse(name).map_err(|error| Refusal::new(DenyCode::UnknownStrategy, error.to_string()).into())
}

/// Returns a reply without the strategy's memory, which only the strategy reads.
fn entry(reply: DeskReply) -> Value {
    match reply {
        DeskReply::Strategy(entry) => with_settings(StrategyEntry { memory: Default::default(), ..*entry }),
        other => answer::shown(other),
    }
}

/// Shows settings as JSON, not as a text that contains it.
fn with_settings(value: impl Serialize) -> Value {
    let mut shown = answer::shown(value);
    if let Some(settings) = shown["settings"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        shown["settings"] = settings;
    }
    shown
}
