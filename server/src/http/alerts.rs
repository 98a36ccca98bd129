//! Signals and alerts by REST: `GET /api/v1/alerts`, `/api/v1/rules`, `/api/v1/signals`, `/api/v1/alert_channels`,
//! `/api/v1/alert_conditions`, `/api/v1/push_key`; every change is a command, `POST /api/v1/alerts`.
//!
//! Not here: what commands do (`server::alerts`).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use model::alert::{
    channel::ChannelRow,
    command::{AlertCommand, AlertReply},
    condition::kinds::{CONDITION_KINDS, ConditionKind},
    rule::AlertRow,
    rule_id::RuleId,
    signal::Signal,
};
use schemars::JsonSchema;
use serde::Serialize;
use topics::channels::desk::RowText;
use wire::command::CommandResult;

use super::{
    api_router::ApiRouter,
    body::JsonBody,
    commands::CommandSource,
    error::ApiError,
    operation::{Needs, Operation, Shape, Tag, optional, required},
    parameters::Parameters,
};
use crate::{
    alerts::handle::AlertsHandle,
    commands::{CommandFailure, CommandRouter},
};

/// Returns the routes of signals and alerts.
pub fn routes() -> ApiRouter {
    let get = |path, summary| Operation::get(path, Needs::VIEWER, Tag::Alerts, summary);
    ApiRouter::default()
        .operation(
            Operation::get("/api/v1/alert_channels", Needs::ADMIN, Tag::Alerts, "Settings of channels")
                .text("With their addresses, for those who may change them; of secrets, whether they are set.")
                .answer::<Channels>("All channels, by identity.")
                .refusals(),
            channels,
        )
        .operation(
            get("/api/v1/alert_conditions", "Conditions of alert rules")
                .text("Every kind of condition with its fields, from which forms can be made.")
                .answer::<Vec<ConditionKind>>("All kinds."),
            conditions,
        )
        .operation(
            get("/api/v1/alerts", "Alerts")
                .query([
                    optional("before", "Only those with a smaller number.", Shape::number(0..=usize::MAX, None)),
                    optional("limit", "The most alerts.", Shape::number(1..=MAX_LIMIT, Some(DEFAULT_LIMIT))),
                ])
                .answer::<Alerts>("Alerts, newest first.")
                .refusals(),
            list,
        )
        .operation(
            Operation::post("/api/v1/alerts", Needs::TRADER, Tag::Alerts, "Change rules, channels and alerts")
                .text(
                    "One command, an object with one member named after it. Commands of channels and of quiet hours need \
                     the role admin.",
                )
                .command()
                .body::<AlertCommand>()
                .answer::<AlertReply>("What came of it.")
                .refusals(),
            command,
        )
        .operation(
            get("/api/v1/push_key", "Key for Web Push").answer::<PushKey>("The key that browsers subscribe with."),
            push_key,
        )
        .operation(
            get("/api/v1/rules", "Rules and channels")
                .text("The rows of the topic `rules`: keys begin with `alert/`, `signal/` or `channel/`. Of a channel's \
                       address it has the host alone.")
                .answer::<BTreeMap<String, RowText>>("The rows by key.")
                .refusals(),
            rules,
        )
        .operation(
            get("/api/v1/signals", "Signals of a rule")
                .query([required("rule", "A signal rule.", Shape::request::<RuleId>())])
                .answer::<Signals>("Its last 100 signals, oldest first.")
                .refusals(),
            signals,
        )
}

/// Alerts, newest first.
#[derive(Serialize, JsonSchema)]
pub struct Alerts {
    alerts: Vec<AlertRow>,
}

/// `GET /api/v1/alerts?before=4711&limit=100`: at most 1,000 alerts before a number.
pub async fn list(State(alerts): State<AlertsHandle>, parameters: Parameters) -> Result<Json<Alerts>, ApiError> {
    let limit = parameters.number("limit", 1..=MAX_LIMIT, DEFAULT_LIMIT)?;
    let before = match parameters.number("before", 0..=usize::MAX, 0)? {
        0 => None,
        before => Some(before as u64),
    };
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    Ok(Json(Alerts { alerts: alerts.alerts(before, limit).await? }))
}

/// The rows of the topic `rules`, by key.
pub async fn rules(State(alerts): State<AlertsHandle>) -> Result<Json<BTreeMap<String, RowText>>, ApiError> {
    Ok(Json(alerts.rules().await?))
}

/// Channels with their settings.
#[derive(Serialize, JsonSchema)]
pub struct Channels {
    channels: Vec<ChannelRow>,
}

/// `GET /api/v1/alert_channels`.
pub async fn channels(State(alerts): State<AlertsHandle>) -> Result<Json<Channels>, ApiError> {
    Ok(Json(Channels { channels: alerts.channels().await? }))
}

/// The newest signals of a rule, oldest first.
#[derive(Serialize, JsonSchema)]
pub struct Signals {
    signals: Vec<Signal>,
}

/// `GET /api/v1/signals?rule=cross-1`: its last 100.
pub async fn signals(State(alerts): State<AlertsHandle>, parameters: Parameters) -> Result<Json<Signals>, ApiError> {
    let bad = |remedy: String| ApiError::BadParameter { parameter: "rule", remedy };
    let missing = || bad("name a signal rule, as in rule=cross-1; /api/v1/rules lists them".to_owned());
    let rule = RuleId::parse(parameters.text("rule").ok_or_else(missing)?).map_err(|error| bad(error.to_string()))?;
    Ok(Json(Signals { signals: alerts.signals(rule.as_str()).await? }))
}

/// Lists the conditions of rules, from which forms are made.
pub async fn conditions() -> Json<&'static [ConditionKind]> {
    Json(CONDITION_KINDS)
}

/// The key that browsers subscribe with.
#[derive(Serialize, JsonSchema)]
pub struct PushKey {
    key: String,
}

/// `GET /api/v1/push_key`.
pub async fn push_key(State(alerts): State<AlertsHandle>) -> Json<PushKey> {
    Json(PushKey { key: alerts.push_key().to_owned() })
}

/// `POST /api/v1/alerts`: one command, `{"save_alert":{"rule":{…}}}`.
pub async fn command(
    State(router): State<CommandRouter>,
    CommandSource { caller, key }: CommandSource,
    JsonBody(command): JsonBody<AlertCommand>,
) -> Result<Json<AlertReply>, ApiError> {
    match router.run(caller, key, command).await {
        Ok(CommandResult::Alerts(reply)) => Ok(Json(*reply)),
        Ok(_) => Err(ApiError::ShuttingDown),
        Err(failure) => match &*failure {
            CommandFailure::Desk(refusal) => Err(refusal.clone().into()),
            _ => Err(failure.into()),
        },
    }
}

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;
