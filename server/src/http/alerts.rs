//! Signals and alerts by REST: `GET /api/v1/alerts`, `/api/v1/rules`, `/api/v1/signals`, `/api/v1/alert_conditions`,
//! `/api/v1/push_key`; every change is a command, `POST /api/v1/alerts`.
//!
//! Not here: what commands do (`server::alerts`).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use model::alert::{
    command::{AlertCommand, AlertReply},
    condition::kinds::{CONDITION_KINDS, ConditionKind},
    rule::AlertRow,
    signal::Signal,
};
use serde::Serialize;
use topics::channels::desk::RowText;
use wire::command::CommandResult;

use super::{body::JsonBody, commands::IdempotencyKey, error::ApiError, parameters::Parameters};
use crate::{
    alerts::handle::AlertsHandle,
    commands::{Caller, CommandFailure, CommandRouter},
};

/// Alerts, newest first.
#[derive(Serialize)]
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

/// The newest signals of a rule, oldest first.
#[derive(Serialize)]
pub struct Signals {
    signals: Vec<Signal>,
}

/// `GET /api/v1/signals?rule=cross-1`: its last 100.
pub async fn signals(State(alerts): State<AlertsHandle>, parameters: Parameters) -> Result<Json<Signals>, ApiError> {
    let rule = parameters.text("rule").ok_or_else(|| ApiError::BadParameter {
        parameter: "rule",
        remedy: "name a signal rule, as in rule=cross-1; /api/v1/rules lists them".to_owned(),
    })?;
    Ok(Json(Signals { signals: alerts.signals(rule).await? }))
}

/// Lists the conditions of rules, from which forms are made.
pub async fn conditions() -> Json<&'static [ConditionKind]> {
    Json(CONDITION_KINDS)
}

/// The key that browsers subscribe with.
#[derive(Serialize)]
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
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(command): JsonBody<AlertCommand>,
) -> Result<Json<AlertReply>, ApiError> {
    match router.run(Caller::OWNER, key, command).await {
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
