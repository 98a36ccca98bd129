//! Strategies for everything that crosses the socket.
//!
//! Over 500 lines: one short generator for each kind of payload and message.

use model::{
    candle::{Candle, Interval},
    decimal::{Price, Quantity},
    event::{AggressorSide, Level, TradeId},
    histogram::Quantiles,
    instrument::{InstrumentId, Venue},
    proof::{BookState, Checksum},
    sorted::SortedMap,
    status::{FeedMode, RestWeight, Silence, StreamState},
    time::Timestamp,
    trading::account::AccountId,
};
use proptest::{option, prelude::*};
use topics::{
    channels::{
        Channel, TopicData,
        book::BookData,
        candles::CandlesData,
        consolidated::{ConsolidatedData, LeftOut, VenueLevel, VenueStanding},
        desk::{DeskLog, DeskRows, RowText},
        indicators::{IndicatorRow, IndicatorsData},
        ladder::LadderData,
        operations::OperationsData,
        quality::{
            BookProof, BookQuality, FeedQuality, MALFORMED_SAMPLES, MalformedSample, QualityData, Resync, ResyncReason,
            latency::{LatencyData, VenueClock},
        },
        quote::QuoteData,
        replay::{PlayState, ReplayData, ReplayReport},
        status::{Breaker, ConnectionEntry, StatusData, StreamEntry},
        system::{Health, SystemData},
        tape::{TapeData, TapeTrade},
    },
    limits::GROUP_TICKS,
    topic::{Topic, TopicPattern},
};
use wire::{
    close_code::CloseCode,
    message::{
        Ack, Batch, Bye, ClientMessage, CommandRequest, Epoch, Hello, Item, JsonText, Ping, Pong, Position,
        RefusalCode, Refused, Reset, ResetReason, Resumed, ServerMessage, SnapshotRequest, StreamName, Subscribe,
        Subscribed, Unsubscribe, Unsubscribed, Update, UpdateKind, Welcome,
    },
};

pub(crate) fn price() -> impl Strategy<Value = Price> {
    let near = (6_160_000_i64..6_161_000).prop_map(|cents| Price::from_mantissa(cents.into(), 2).unwrap());
    let every =
        (any::<i64>(), 0_u32..=28).prop_map(|(mantissa, scale)| Price::from_mantissa(mantissa.into(), scale).unwrap());
    let wide = any::<i128>().prop_map(|mantissa| Price::from_mantissa(mantissa >> 32, 20).unwrap_or_default());
    prop_oneof![4 => near, 1 => every, 1 => wide]
}

pub(crate) fn size() -> impl Strategy<Value = Quantity> {
    let every = (any::<u32>(), 0_u32..=28)
        .prop_map(|(mantissa, scale)| Quantity::from_mantissa(mantissa.into(), scale).unwrap());
    prop_oneof![4 => (0_i64..1_000).prop_map(|lots| Quantity::from_mantissa(lots.into(), 5).unwrap()), 1 => every]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 1_763_668_000_000_i64..1_763_668_100_000, 1 => any::<i64>()]
}

fn side() -> impl Strategy<Value = AggressorSide> {
    prop::sample::select(vec![AggressorSide::Buyer, AggressorSide::Seller, AggressorSide::Unknown])
}

fn book_state() -> impl Strategy<Value = BookState> {
    use BookState::{Buffering, Empty, Live, Polled, Resyncing, Suspect, Unverified};
    prop::sample::select(vec![Empty, Buffering, Live, Suspect, Resyncing, Unverified, Polled])
}

fn mode() -> impl Strategy<Value = FeedMode> {
    prop::sample::select(vec![FeedMode::WebSocket, FeedMode::RestPolling, FeedMode::Simulated])
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    ("[a-z][a-z0-9_-]{0,8}", "[^\\pC*]\\PC{0,12}")
        .prop_map(|(venue, symbol)| InstrumentId::new(&Venue::new(&venue), &symbol))
}

pub(crate) fn quote() -> impl Strategy<Value = QuoteData> {
    let prices = prop::array::uniform6(option::of(price()));
    let sizes = prop::array::uniform3(option::of(size()));
    let times = prop::array::uniform3(option::of(time()));
    let gone = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (prices, sizes, times, option::of(side()), gone).prop_map(|(prices, sizes, times, last_side, gone)| QuoteData {
        bid: prices[0].filter(|_| !gone.0),
        ask: prices[1].filter(|_| !gone.1),
        last: prices[2],
        day_open: prices[3],
        day_high: prices[4],
        day_low: prices[5],
        bid_size: sizes[0].filter(|_| !gone.0),
        ask_size: sizes[1].filter(|_| !gone.1),
        is_bid_gone: gone.0,
        is_ask_gone: gone.1,
        day_volume: sizes[2],
        venue_time_ms: times[0],
        receive_time_us: times[1],
        publish_time_us: times[2],
        last_side,
    })
}

fn tape() -> impl Strategy<Value = TapeData> {
    let id = prop_oneof![any::<u64>().prop_map(TradeId::Sequence), text().prop_map(|text| TradeId::Text(text.into()))];
    let trade = (id, price(), size(), side(), time());
    let trade = trade.prop_map(|(id, price, size, aggressor_side, venue_time_ms)| TapeTrade {
        id,
        price,
        size,
        aggressor_side,
        venue_time_ms,
    });
    prop::collection::vec(trade, 0..20).prop_map(|trades| TapeData { trades })
}

fn book() -> impl Strategy<Value = BookData> {
    let levels = || {
        let level = (price(), size()).prop_map(|(price, quantity)| Level { price, quantity });
        prop::collection::vec(level, 0..25)
    };
    let times = prop::array::uniform3(option::of(time()));
    (book_state(), levels(), levels(), times, option::of(any::<u64>())).prop_map(
        |(state, bids, asks, times, last_update_id)| BookData {
            state,
            bids,
            asks,
            venue_time_ms: times[0],
            receive_time_us: times[1],
            publish_time_us: times[2],
            last_update_id,
        },
    )
}

fn candles() -> impl Strategy<Value = CandlesData> {
    let bar = (-9_000_000_000_000_i64..9_000_000_000_000, prop::array::uniform4(price()), size(), option::of(size()));
    let bar = bar.prop_map(|(open_ms, [open, high, low, close], volume, buy_volume)| Candle {
        open_time: Timestamp::from_millis(open_ms),
        open,
        high,
        low,
        close,
        volume,
        buy_volume,
    });
    prop::collection::vec(bar, 0..20).prop_map(|bars| CandlesData { bars })
}

fn quality() -> impl Strategy<Value = QualityData> {
    let counters = || prop::collection::vec(option::of(any::<u64>()), 12);
    let counted = (option::of(book_state()), counters(), counters()).prop_map(|(book_state, book, feed)| QualityData {
        book_state,
        book: BookQuality {
            updates: book[0],
            gaps: book[1],
            duplicates: book[2],
            resyncs: book[3],
            crossed: book[4],
            checksums_ok: book[5],
            checksums_bad: book[6],
            quote_matches: book[7],
            quote_mismatches: book[8],
        },
        feed: FeedQuality {
            frames: feed[0],
            malformed: feed[1],
            unknown: feed[2],
            trades: feed[3],
            quotes: feed[4],
            books: feed[5],
            others: feed[6],
            gaps: feed[7],
            duplicates: feed[8],
            out_of_order: feed[9],
            resyncs: feed[10],
            reconnects: feed[11],
        },
        ..QualityData::default()
    });
    let latency = || (option::of(quantiles()), option::of(quantiles())).prop_map(latency_data);
    let clock = (any::<i64>(), option::of(any::<u64>()));
    let clock = clock.prop_map(|(fastest_us, round_trip_us)| VenueClock { fastest_us, round_trip_us });
    let sample = (time(), text()).prop_map(|(at_ms, text)| MalformedSample { at_ms, text });
    let samples = prop::collection::vec(sample, 0..=MALFORMED_SAMPLES);
    let details = (proof(), latency(), latency(), option::of(clock), option::of(samples), option::of(time()));
    (counted, option::of(details)).prop_map(|(counted, details)| match details {
        Some((proof, latency, feed_latency, venue_clock, malformed_samples, publish_time_us)) => {
            QualityData { proof, latency, feed_latency, venue_clock, malformed_samples, publish_time_us, ..counted }
        }
        None => counted,
    })
}

fn latency_data((venue, server): (Option<Quantiles>, Option<Quantiles>)) -> LatencyData {
    LatencyData { venue, server }
}

fn quantiles() -> impl Strategy<Value = Quantiles> {
    prop::array::uniform4(any::<u64>()).prop_map(|[p50_us, p95_us, p99_us, n]| Quantiles { p50_us, p95_us, p99_us, n })
}

fn proof() -> impl Strategy<Value = BookProof> {
    use ResyncReason::{Checksum as Mismatch, Connection, Contradiction, Crossed, Gap};
    let reason = prop::sample::select(vec![Gap, Mismatch, Crossed, Connection, Contradiction]);
    let checksum = (any::<u32>(), any::<u32>()).prop_map(|(venue, own)| Checksum { venue, own });
    let resync = (time(), reason).prop_map(|(at_ms, reason)| Resync { at_ms, reason });
    let counts = prop::array::uniform2(option::of(any::<u64>()));
    (option::of(checksum), option::of(time()), option::of(resync), counts).prop_map(
        |(last_checksum, changed_ms, last_resync, [late_trades, wrong_stamps])| BookProof {
            last_checksum,
            changed_ms,
            last_resync,
            late_trades,
            wrong_stamps,
        },
    )
}

fn silence() -> impl Strategy<Value = Silence> {
    use Silence::{Dead, QuietBesideOthers, QuietByVenue, Unexplained};
    prop::sample::select(vec![QuietBesideOthers, QuietByVenue, Unexplained, Dead])
}

fn status() -> impl Strategy<Value = StatusData> {
    use StreamState::{Failed, Initialising, Live, Stale};
    let state = prop::sample::select(vec![Initialising, Live, Stale, Failed]);
    let numbers = (any::<u64>(), any::<u32>(), option::of(any::<u64>()), any::<bool>(), any::<bool>());
    let stream = (instrument(), state, mode(), numbers, (option::of(time()), option::of(time())), option::of(text()));
    let stream = (stream, option::of(any::<u32>()), option::of(any::<u32>()), option::of(silence())).prop_map(
        |(
            (instrument, state, mode, (updates, tenths, age_ms, is_simulated, is_replay), times, cause),
            price_decimals,
            size_decimals,
            silence,
        )| {
            StreamEntry {
                instrument,
                state,
                mode,
                updates,
                rate: f64::from(tenths) / 10.0,
                age_ms,
                last_update_ms: times.0,
                cause,
                next_attempt_ms: times.1,
                is_simulated,
                is_replay,
                price_decimals,
                size_decimals,
                silence,
            }
        },
    );
    let venue = || "[a-z]{1,8}".prop_map(|name: String| Venue::new(&name));
    let times = (option::of(time()), option::of(time()), option::of(time()));
    let breaker = prop::sample::select(vec![Breaker::Closed, Breaker::Open, Breaker::HalfOpen]);
    let weight = option::of((any::<u32>(), any::<u32>()).prop_map(|(used, limit)| RestWeight { used, limit }));
    let counts = (any::<u32>(), any::<u64>(), any::<u64>(), any::<u64>());
    let connection = (venue(), any::<bool>(), mode(), option::of(text()), times, breaker, weight, counts);
    let connection = connection.prop_map(|(venue, is_connected, mode, cause, times, breaker, rest_weight, counts)| {
        ConnectionEntry {
            venue,
            is_connected,
            mode,
            cause,
            next_attempt_ms: times.0,
            last_frame_ms: times.1,
            n_open: counts.0,
            reconnects: counts.1,
            gaps: counts.2,
            malformed: counts.3,
            breaker,
            breaker_until_ms: times.2,
            rest_weight,
        }
    });
    let lists = (prop::collection::vec(stream, 0..6), prop::collection::vec(connection, 0..4));
    (lists, prop::collection::vec(instrument(), 0..3), prop::collection::vec(venue(), 0..3)).prop_map(
        |((streams, connections), removed_streams, removed_connections)| StatusData {
            streams,
            connections,
            removed_streams,
            removed_connections,
        },
    )
}

fn system() -> impl Strategy<Value = SystemData> {
    let texts = (option::of(text()), option::of(text()), option::of(text()));
    let health = option::of(prop::sample::select(Health::ALL.to_vec()));
    (texts, option::of(any::<u64>()), option::of(any::<u64>()), health).prop_map(
        |((version, notice, health_cause), uptime_ms, clients, health)| SystemData {
            version,
            uptime_ms,
            clients,
            notice,
            health,
            health_cause,
        },
    )
}

fn consolidated() -> impl Strategy<Value = ConsolidatedData> {
    let level = || {
        let level = (instrument(), price(), size());
        option::of(level.prop_map(|(instrument, price, size)| VenueLevel { instrument, price, size }))
    };
    let standing = (instrument(), option::of(prop::sample::select(LeftOut::ALL.to_vec())));
    let standing = standing.prop_map(|(instrument, left_out)| VenueStanding { instrument, left_out });
    let venues = prop::collection::vec(standing, 0..5);
    (level(), level(), venues, any::<bool>(), option::of(time())).prop_map(
        |(bid, ask, venues, is_simulated, publish_time_us)| ConsolidatedData {
            bid,
            ask,
            venues,
            is_simulated,
            publish_time_us,
        },
    )
}

pub(crate) fn item() -> impl Strategy<Value = Item> {
    let interval = prop::sample::select(Interval::ALL.to_vec());
    let data = prop_oneof![
        (instrument(), quote()).prop_map(|(id, data)| (Topic::quote(&id), TopicData::Quote(data))).boxed(),
        (instrument(), tape()).prop_map(|(id, data)| (Topic::tape(&id), TopicData::Tape(data))).boxed(),
        (instrument(), book()).prop_map(|(id, data)| (Topic::book(&id), TopicData::Book(data))).boxed(),
        (prop::sample::select(GROUP_TICKS.to_vec()), instrument(), book())
            .prop_map(|(n_ticks, id, book)| (Topic::ladder(n_ticks, &id), TopicData::Ladder(LadderData { book })))
            .boxed(),
        (interval, instrument(), candles())
            .prop_map(|(interval, id, data)| (Topic::candles(interval, &id), TopicData::Candles(data))),
        (prop::sample::select(Interval::ALL.to_vec()), instrument(), indicators())
            .prop_map(|(interval, id, data)| {
                (Topic::indicators(interval, "bb(20,2.5)", &id), TopicData::Indicators(data))
            })
            .boxed(),
        // Boxed: by value the generators of a message's items would need more stack than a test has.
        (instrument(), quality())
            .prop_map(|(id, data)| (Topic::quality(&id), TopicData::Quality(Box::new(data))))
            .boxed(),
        status().prop_map(|data| (Topic::STATUS, TopicData::Status(data))).boxed(),
        system().prop_map(|data| (Topic::SYSTEM, TopicData::System(data))).boxed(),
        (option::of(text()), option::of(text()))
            .prop_map(|(notice, health_cause)| {
                (Topic::OPERATIONS, TopicData::Operations(OperationsData { notice, health_cause }))
            })
            .boxed(),
        replay().prop_map(|data| (Topic::REPLAY, TopicData::Replay(data))).boxed(),
        (prop::sample::select(vec![0, 1, 2, 3, 4]), desk_rows())
            .prop_map(|(nth, rows)| {
                let (channel, data) = match nth {
                    0 => (Channel::Dashboard, TopicData::Dashboard(rows)),
                    1 => (Channel::Orders, TopicData::Orders(rows)),
                    2 => (Channel::Positions, TopicData::Positions(rows)),
                    3 => (Channel::Performance, TopicData::Performance(rows)),
                    _ => (Channel::Strategies, TopicData::Strategies(rows)),
                };
                (Topic::desk(channel, &AccountId::parse("paper").unwrap()), data)
            })
            .boxed(),
        (prop::sample::select(vec![0, 1, 2]), desk_rows())
            .prop_map(|(nth, rows)| match nth {
                0 => (Topic::ALERTS, TopicData::Alerts(rows)),
                1 => (Topic::ALERT_CHANNELS, TopicData::AlertChannels(rows)),
                _ => (Topic::RULES, TopicData::Rules(rows)),
            })
            .boxed(),
        desk_log().prop_map(|log| (Topic::SIGNALS, TopicData::Signals(log))).boxed(),
        (any::<bool>(), desk_log())
            .prop_map(|(is_trades, log)| {
                let (channel, data) = match is_trades {
                    true => (Channel::Trades, TopicData::Trades(log)),
                    false => (Channel::Events, TopicData::Events(log)),
                };
                (Topic::desk(channel, &AccountId::parse("paper").unwrap()), data)
            })
            .boxed(),
        ("[A-Z]{1,6}/[A-Z]{1,6}", consolidated())
            .prop_map(|(pair, data)| (Topic::consolidated(&pair), TopicData::Consolidated(data)))
            .boxed(),
    ];
    let kind = prop::sample::select(vec![UpdateKind::Snapshot, UpdateKind::Delta]);
    let item = (data, kind, text(), any::<u64>());
    item.prop_map(|((topic, data), kind, epoch, offset)| {
        let epoch = (kind == UpdateKind::Snapshot).then(|| Epoch::new(&epoch));
        Item { stream: 0, update: Update { kind, epoch, topic, offset, data } }
    })
    .boxed()
}

/// Sixteenths: serde_json may read other numbers from text with an error in the last bit.
fn indicators() -> impl Strategy<Value = IndicatorsData> {
    let value = option::of(any::<i32>().prop_map(|sixteenths| f64::from(sixteenths) / 16.0));
    let row = (any::<i32>(), prop::collection::vec(value, 0..6));
    let row = row.prop_map(|(open_ms, values)| IndicatorRow { open_ms: i64::from(open_ms), values });
    prop::collection::vec(row, 0..5).prop_map(|rows| IndicatorsData { rows })
}

fn row() -> impl Strategy<Value = RowText> {
    (any::<u32>(), text()).prop_map(|row| RowText::of(&row).unwrap())
}

fn desk_rows() -> impl Strategy<Value = DeskRows> {
    let rows = prop::collection::btree_map("[a-z0-9/]{1,9}", row(), 0..4);
    (rows, prop::collection::vec("[a-z0-9]{1,9}", 0..3)).prop_map(|(by_key, removed)| {
        let mut rows = SortedMap::new();
        for (key, row) in by_key {
            rows.insert(key, row);
        }
        DeskRows { rows, removed }
    })
}

fn desk_log() -> impl Strategy<Value = DeskLog> {
    prop::collection::vec((any::<u64>(), row()), 0..4).prop_map(|entries| DeskLog { entries })
}

fn replay() -> impl Strategy<Value = ReplayData> {
    let state = prop::sample::select(vec![PlayState::Playing, PlayState::Paused, PlayState::Seeking, PlayState::Ended]);
    let files = prop::collection::vec(text(), 0..3);
    let report = (files, state, (time(), time(), time()), 1_u32..=200, any::<u64>(), any::<bool>(), option::of(text()));
    let report = report.prop_map(|(files, state, (start_ms, end_ms, position_ms), half_speed, n, is_behind, hash)| {
        let venue = Venue::new("demo").as_replay();
        ReplayReport {
            files,
            instruments: vec![InstrumentId::new(&venue, "A:B")],
            venue,
            state,
            start_ms,
            end_ms,
            position_ms,
            speed: f64::from(half_speed) / 2.0,
            is_behind,
            n_entries: n,
            n_events: n / 2,
            n_bad_lines: n / 3,
            events_sha256: hash,
        }
    });
    option::of(report).prop_map(|replay| ReplayData { replay })
}

fn topic() -> impl Strategy<Value = Topic> {
    item().prop_map(|item| item.update.topic).boxed()
}

/// Numbers are given in order, from 1.
fn names() -> impl Strategy<Value = Vec<StreamName>> {
    prop::collection::vec(topic(), 0..5)
        .prop_map(|topics| (1..).zip(topics).map(|(stream, topic)| StreamName { topic, stream }).collect())
}

fn json_text() -> impl Strategy<Value = JsonText> {
    prop::sample::select(vec![r#"{"a":[1,"x"]}"#, "null", "[]", r#""text""#])
        .prop_map(|text| JsonText::parse(text).unwrap())
}

pub(crate) fn server_message() -> impl Strategy<Value = ServerMessage> {
    use RefusalCode as Code;
    let codes = vec![
        Code::BadMessage,
        Code::UnknownType,
        Code::UnknownTopic,
        Code::NotSubscribed,
        Code::TooManyTopics,
        Code::TooLarge,
        Code::UnsupportedProtocol,
        Code::UnknownCommand,
        Code::OutOfTurn,
        Code::RateLimited,
        Code::Forbidden,
        Code::Unavailable,
        Code::UnknownVenue,
        Code::BadSymbols,
        Code::TooManySymbols,
        Code::NeedsToken,
        Code::AlreadyRunning,
        Code::NotRunning,
        Code::BadParameter,
        Code::UnknownRecording,
        Code::Conflict,
        Code::Storage,
        Code::NothingPlays,
        Code::KeyReused,
        Code::UnknownSymbol,
        Code::Denied,
        Code::Unknown,
    ];
    let reason =
        prop::sample::select(vec![ResetReason::EpochChanged, ResetReason::HistoryExceeded, ResetReason::Unknown]);
    prop_oneof![
        (any::<u32>(), text(), text(), time()).prop_map(|(protocol, epoch, client, server_time_ms)| {
            ServerMessage::Welcome(Welcome { protocol, epoch: Epoch::new(&epoch), client, server_time_ms })
        }),
        (any::<u64>(), names()).prop_map(|(id, topics)| ServerMessage::Subscribed(Subscribed { id, topics })),
        (any::<u64>(), prop::collection::vec(topic(), 0..5))
            .prop_map(|(id, topics)| ServerMessage::Unsubscribed(Unsubscribed { id, topics })),
        (option::of(any::<u64>()), prop::sample::select(codes), text())
            .prop_map(|(id, code, message)| ServerMessage::Refused(Refused { id, code, message })),
        prop::collection::vec(item(), 0..6).prop_map(|items| ServerMessage::Batch(Batch { items })),
        (names(), any::<u64>(), any::<u64>()).prop_map(|(topics, replayed, lost)| ServerMessage::Resumed(Resumed {
            topics,
            replayed,
            lost
        })),
        (names(), reason).prop_map(|(topics, reason)| ServerMessage::Reset(Reset { topics, reason })),
        (any::<u64>(), json_text()).prop_map(|(id, result)| ServerMessage::Ack(Ack { id, result })),
        (any::<i64>(), time()).prop_map(|(t, server_time_ms)| ServerMessage::Pong(Pong { t, server_time_ms })),
        (any::<u16>(), text()).prop_map(|(code, reason)| ServerMessage::Bye(Bye { code: CloseCode(code), reason })),
    ]
}

pub(crate) fn client_message() -> impl Strategy<Value = ClientMessage> {
    let patterns = || {
        let pattern = topic().prop_map(|topic| match (topic.to_string().split_once(':'), topic.venue()) {
            (Some((head, _)), Some(venue)) if venue.as_str().len() % 2 == 0 => {
                TopicPattern::parse(&format!("{head}:{venue}:*")).unwrap()
            }
            _ => TopicPattern::from(topic),
        });
        prop::collection::vec(pattern, 0..6)
    };
    let lane = || option::of(1..=u32::MAX);
    let position = (text(), any::<u64>(), lane()).prop_map(|(epoch, offset, lane_ms)| Position {
        epoch: Epoch::new(&epoch),
        offset,
        lane_ms,
    });
    let resume = prop::collection::btree_map(topic(), position, 0..5);
    prop_oneof![
        (any::<u32>(), resume).prop_map(|(lane_ms, resume)| ClientMessage::Hello(Hello {
            protocol: 1,
            lane_ms,
            resume
        })),
        (any::<u64>(), patterns(), lane()).prop_map(|(id, topics, lane_ms)| ClientMessage::Subscribe(Subscribe {
            id,
            topics,
            lane_ms
        })),
        (any::<u64>(), patterns()).prop_map(|(id, topics)| ClientMessage::Unsubscribe(Unsubscribe { id, topics })),
        (any::<u64>(), patterns()).prop_map(|(id, topics)| ClientMessage::Snapshot(SnapshotRequest { id, topics })),
        (any::<u64>(), option::of("[a-z\"]{1,9}"), json_text())
            .prop_map(|(id, key, command)| ClientMessage::Command(CommandRequest { id, key, command })),
        any::<i64>().prop_map(|t| ClientMessage::Ping(Ping { t })),
    ]
}
