//! The AsyncAPI 3.0 document of the stream, made of the messages' and the channels' types.
//!
//! Everything goes through one WebSocket: the channel `stream` has the messages, and each of the other channels is what
//! the items of a `batch` are about. Only the JSON form. Not here: the binary form (`docs/stream-protocol.md`).

use desk::{
    performance::FigureRow,
    rows::{AccountRow, DeskEvent, OrderRow, PositionRow, RiskRow, StrategyRow},
};
use model::{
    alert::{
        channel::{ChannelRow, summary::ChannelSummary},
        command::AlertCommand,
        rule::{AlertRow, RuleRow},
        settings::AlertSettings,
        signal::Signal,
    },
    candle::Interval,
    trading::{command::DeskCommand, fill::Fill, strategy::LevelReport},
};
use schemars::{
    JsonSchema, Schema,
    transform::{RemoveRefSiblings, ReplacePrefixItems, ReplaceUnevaluatedProperties, Transform},
};
use serde_json::{Map, Value, json};
use topics::{
    channels::{
        Channel,
        book::BookData,
        candles::CandlesData,
        consolidated::ConsolidatedData,
        desk::{DeskLog, DeskRows},
        indicators::IndicatorsData,
        ladder::LadderData,
        operations::OperationsData,
        quality::QualityData,
        quote::QuoteData,
        replay::ReplayData,
        status::StatusData,
        system::SystemData,
        tape::TapeData,
    },
    limits::GROUP_TICKS,
    subject::SubjectKind,
    topic::{ParameterKind, Topic},
};
use wire::{
    PROTOCOL_VERSION,
    command::{Command, CommandResult},
    limits::{MAX_ITEMS, MAX_TEXT_BYTES, MAX_TOPICS_PER_MESSAGE},
    message::{
        Bye, Epoch, Hello, Ping, Pong, Refused, Reset, Resumed, SnapshotRequest, Subscribe, Subscribed, Unsubscribe,
        Unsubscribed, UpdateKind, Welcome,
    },
};

use super::schemas::Schemas;
use crate::alerts::signal_board::SignalRuleRow;

/// Returns the document.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let messages = messages(&mut schemas);
    let mut channels = Map::new();
    channels.insert("stream".to_owned(), stream(messages.keys()));
    let mut operations = operations();
    let mut all = messages;
    for channel in Channel::ALL {
        let message = format!("{channel}_item");
        let reference = json!({ "$ref": format!("#/components/messages/{message}") });
        channels.insert(channel.to_string(), topic_channel(channel, &message, &reference));
        let own = json!({ "$ref": format!("#/channels/{channel}/messages/{message}") });
        operations.insert(
            format!("send_{channel}"),
            json!({
                "action": "send",
                "channel": { "$ref": format!("#/channels/{channel}") },
                "summary": format!("Publishes the channel `{channel}` to its subscribers, as items of `batch`."),
                "messages": [own],
            }),
        );
        all.insert(message, item_message(channel, &mut schemas));
    }
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Truetape's stream",
            "version": env!("CARGO_PKG_VERSION"),
            "description": about(),
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:3000",
                "protocol": "ws",
                "description": "The default address. Behind a proxy: its host, its sub-path before `/ws`, and `wss`.",
                "security": [{ "$ref": "#/components/securitySchemes/token" }],
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": all,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A program's token in the handshake: `Authorization: Bearer …`. A server without \
                                    users, which listens on its own machine alone, asks for none.",
                },
            },
        },
    });
    schemas.finish(&mut document);
    for name in ["messages", "schemas"] {
        document["components"][name].as_object_mut().into_iter().flat_map(Map::values_mut).for_each(as_draft_07);
    }
    document
}

/// Brings schemas to the draft of JSON Schema that AsyncAPI is based on.
fn as_draft_07(value: &mut Value) {
    let schema = match value.get_mut("payload") {
        Some(payload) => payload,
        None => value,
    };
    if let Ok(schema) = <&mut Schema>::try_from(schema) {
        ReplaceUnevaluatedProperties::default().transform(schema);
        RemoveRefSiblings::default().transform(schema);
        ReplacePrefixItems::default().transform(schema);
    }
}

/// Returns the messages of client and server by their `type`.
fn messages(schemas: &mut Schemas) -> Map<String, Value> {
    let mut messages = Map::new();
    let mut add = |name: &str, text: &str, fields: Value| {
        let of_type = json!({
            "type": "object",
            "properties": { "type": { "type": "string", "const": name } },
            "required": ["type"],
        });
        let payload = json!({ "allOf": [of_type, fields] });
        messages.insert(name.to_owned(), json!({ "name": name, "summary": text, "payload": payload }));
    };
    add("hello", "Opens the conversation: the first message, once.", schemas.request::<Hello>());
    add("subscribe", "Requests topics.", schemas.request::<Subscribe>());
    add("unsubscribe", "Ends subscriptions.", schemas.request::<Unsubscribe>());
    add("snapshot", "Requests fresh snapshots of subscribed topics.", schemas.request::<SnapshotRequest>());
    add("command", "Sends a command.", command(schemas));
    add("ping", "Requests a pong.", schemas.request::<Ping>());
    add("welcome", "Answers hello.", schemas.answer::<Welcome>());
    add("subscribed", "Answers subscribe.", schemas.answer::<Subscribed>());
    add("unsubscribed", "Answers unsubscribe.", schemas.answer::<Unsubscribed>());
    add("refused", "Answers a request that cannot be carried out.", schemas.answer::<Refused>());
    add("batch", "Snapshots and deltas of one turn, in order.", batch(schemas));
    add("resumed", "These topics continue without a gap.", schemas.answer::<Resumed>());
    add("reset", "These topics start over with a snapshot.", schemas.answer::<Reset>());
    add("ack", "Answers a command that was carried out.", ack(schemas));
    add("pong", "Answers ping.", schemas.answer::<Pong>());
    add("bye", "The last message before the close frame.", schemas.answer::<Bye>());
    messages
}

fn command(schemas: &mut Schemas) -> Value {
    let commands = [schemas.request::<Command>(), schemas.request::<DeskCommand>(), schemas.request::<AlertCommand>()];
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "integer", "minimum": 0, "description": "The client's number for this request." },
            "key": {
                "type": "string",
                "maxLength": MAX_TEXT_BYTES,
                "description": "The client's own name for the command: sent again with it, it is answered as before and \
                                not carried out again.",
            },
            "command": { "description": "An object with one member, named after the command.", "anyOf": commands },
        },
        "required": ["id", "command"],
    })
}

fn ack(schemas: &mut Schemas) -> Value {
    json!({
        "type": "object",
        "properties": { "id": { "type": "integer", "minimum": 0 }, "result": schemas.answer::<CommandResult>() },
        "required": ["id", "result"],
    })
}

fn batch(schemas: &mut Schemas) -> Value {
    let items: Vec<Value> = Channel::ALL.into_iter().map(|channel| item(channel, schemas)).collect();
    json!({
        "type": "object",
        "properties": { "items": { "type": "array", "maxItems": MAX_ITEMS, "items": { "anyOf": items } } },
        "required": ["items"],
    })
}

/// Returns the schema of an item of a channel.
fn item(channel: Channel, schemas: &mut Schemas) -> Value {
    let mut topic = json!({ "allOf": [schemas.answer::<Topic>()] });
    topic["pattern"] = json!(format!("^{channel}($|[.:])"));
    json!({
        "type": "object",
        "properties": {
            "kind": schemas.answer::<UpdateKind>(),
            "topic": topic,
            "epoch": schemas.answer::<Epoch>(),
            "offset": { "type": "integer", "minimum": 0 },
            "data": data(channel, schemas),
        },
        "required": ["kind", "topic", "offset", "data"],
    })
}

/// Returns the schema of a channel's payload.
fn data(channel: Channel, schemas: &mut Schemas) -> Value {
    match channel {
        Channel::Quote => schemas.answer::<QuoteData>(),
        Channel::Tape => schemas.answer::<TapeData>(),
        Channel::Book => schemas.answer::<BookData>(),
        Channel::Candles => schemas.answer::<CandlesData>(),
        Channel::Quality => schemas.answer::<QualityData>(),
        Channel::Status => schemas.answer::<StatusData>(),
        Channel::System => schemas.answer::<SystemData>(),
        Channel::Operations => schemas.answer::<OperationsData>(),
        Channel::Consolidated => schemas.answer::<ConsolidatedData>(),
        Channel::Replay => schemas.answer::<ReplayData>(),
        Channel::Ladder => schemas.answer::<LadderData>(),
        Channel::Indicators => schemas.answer::<IndicatorsData>(),
        Channel::Dashboard => {
            let rows = [schemas.answer::<AccountRow>(), schemas.answer::<RiskRow>()];
            rows_of(json!({ "anyOf": rows }), schemas)
        }
        Channel::Strategies => {
            let rows = [schemas.answer::<StrategyRow>(), schemas.answer::<LevelReport>()];
            rows_of(json!({ "anyOf": rows }), schemas)
        }
        Channel::Orders => table::<OrderRow>(schemas),
        Channel::Positions => table::<PositionRow>(schemas),
        Channel::Performance => table::<FigureRow>(schemas),
        Channel::Alerts => table::<AlertRow>(schemas),
        // By the beginning of their keys: `alert/`, `signal/`, `channel/`, `settings`.
        Channel::Rules => {
            let rows = [
                schemas.answer::<RuleRow>(),
                schemas.answer::<SignalRuleRow<'static>>(),
                schemas.answer::<ChannelSummary>(),
                schemas.answer::<AlertSettings>(),
            ];
            rows_of(json!({ "type": "object", "anyOf": rows }), schemas)
        }
        Channel::AlertChannels => table::<ChannelRow>(schemas),
        Channel::Trades => log::<Fill>(schemas),
        Channel::Events => log::<DeskEvent>(schemas),
        Channel::Signals => log::<Signal>(schemas),
    }
}

fn table<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    let row = schemas.answer::<T>();
    rows_of(row, schemas)
}

fn rows_of(row: Value, schemas: &mut Schemas) -> Value {
    json!({ "allOf": [
        schemas.answer::<DeskRows>(),
        { "type": "object", "properties": { "rows": { "type": "object", "additionalProperties": row } } },
    ] })
}

fn log<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    let entry = json!({ "type": "array", "prefixItems": [{ "type": "integer" }, schemas.answer::<T>()] });
    json!({ "allOf": [
        schemas.answer::<DeskLog>(),
        { "type": "object", "properties": { "entries": { "type": "array", "items": entry } } },
    ] })
}

fn item_message(channel: Channel, schemas: &mut Schemas) -> Value {
    json!({
        "name": format!("{channel}_item"),
        "summary": format!("An item of `batch` about the channel `{channel}`."),
        "payload": item(channel, schemas),
    })
}

/// Returns the channel of the WebSocket itself.
fn stream<'a>(names: impl Iterator<Item = &'a String>) -> Value {
    let messages: Map<String, Value> =
        names.map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") }))).collect();
    json!({
        "address": "/ws",
        "title": "The WebSocket",
        "messages": messages,
        "bindings": { "ws": {
            "method": "GET",
            "query": {
                "type": "object",
                "properties": { "format": { "type": "string", "const": "json" } },
                "required": ["format"],
            },
            "bindingVersion": "0.1.0",
        } },
    })
}

/// Returns the channel of a topic; its address is what `subscribe` names.
fn topic_channel(channel: Channel, message: &str, reference: &Value) -> Value {
    let mut address = channel.to_string();
    let mut parameters = Map::new();
    let mut add = |name: &str, parameter: Value| parameters.insert(name.to_owned(), parameter);
    let interval = json!({ "description": "The length of a bar.", "enum": Interval::ALL.map(Interval::as_str) });
    match channel.parameter_kind() {
        ParameterKind::None => {}
        ParameterKind::Interval => {
            address += ".{interval}";
            add("interval", interval);
        }
        ParameterKind::Group => {
            address += ".{group}";
            let sizes = GROUP_TICKS.map(|n_ticks| n_ticks.to_string());
            add("group", json!({ "description": "The size of a group, in ticks.", "enum": sizes }));
        }
        ParameterKind::Indicator => {
            address += ".{interval}.{indicator}";
            add("interval", interval);
            add("indicator", json!({ "description": "An indicator with its parameters.", "examples": ["rsi(14)"] }));
        }
    }
    match channel.subject_kind() {
        SubjectKind::Server => {}
        SubjectKind::Instrument => {
            address += ":{instrument}";
            add("instrument", json!({ "description": "Venue and symbol.", "examples": ["demo:BTC-SIM"] }));
        }
        SubjectKind::Pair => {
            address += ":all:{pair}";
            add("pair", json!({ "description": "A pair over all venues.", "examples": ["BTC/USD"] }));
        }
        SubjectKind::Account => {
            address += ":account:{account}";
            add("account", json!({ "description": "An account of the desk.", "examples": ["paper"] }));
        }
    }
    let treatment = match channel.is_state() {
        true => "A slow reader skips to a snapshot.",
        false => "Every item counts: a reader that is too slow is told by `reset`.",
    };
    json!({
        "address": address,
        "description": format!("A topic to subscribe to on the WebSocket, with the role {}. {treatment}", channel.needs()),
        "parameters": parameters,
        "messages": { message: reference },
    })
}

/// Returns the conversations of the WebSocket. The server is the one that this document describes: it receives requests
/// and sends answers.
fn operations() -> Map<String, Value> {
    let of_stream = |name: &str| json!({ "$ref": format!("#/channels/stream/messages/{name}") });
    let stream = json!({ "$ref": "#/channels/stream" });
    let mut operations = Map::new();
    for (request, answers) in [
        ("hello", &["welcome", "resumed", "reset", "refused"][..]),
        ("subscribe", &["subscribed", "refused"]),
        ("unsubscribe", &["unsubscribed", "refused"]),
        ("snapshot", &["batch", "refused"]),
        ("command", &["ack", "refused"]),
        ("ping", &["pong"]),
    ] {
        let answers: Vec<Value> = answers.iter().map(|name| of_stream(name)).collect();
        let operation = json!({
            "action": "receive",
            "channel": stream,
            "messages": [of_stream(request)],
            "reply": { "channel": stream, "messages": answers },
        });
        operations.insert(format!("receive_{request}"), operation);
    }
    for message in ["batch", "reset", "bye"] {
        let operation = json!({ "action": "send", "channel": stream, "messages": [of_stream(message)] });
        operations.insert(format!("send_{message}"), operation);
    }
    operations
}

fn about() -> String {
    format!(
        "Topics over one WebSocket, version {PROTOCOL_VERSION} of the protocol. A client says `hello`, subscribes to topics \
         and gets snapshots and deltas as items of `batch`; a delta has the changed parts alone. At most \
         {MAX_TOPICS_PER_MESSAGE} topics a message. After a lost connection `hello` names the last position of each topic, \
         and nothing is lost. `docs/stream-protocol.md` has the rules, the limits and the close codes. Prices and sizes are \
         texts with all their digits."
    )
}
