//! Data of the channels in the binary form: a bit mask of the fields that are present, then these fields.

use model::{
    candle::Candle,
    event::{AggressorSide, Level, TradeId},
    instrument::{InstrumentId, Venue},
    proof::BookState,
    status::{FeedMode, RestWeight, Silence, StreamState},
    time::Timestamp,
};

use topics::{
    channels::{
        Channel, TopicData,
        book::BookData,
        candles::CandlesData,
        consolidated::{ConsolidatedData, LeftOut, VenueLevel, VenueStanding},
        quote::QuoteData,
        status::{Breaker, ConnectionEntry, StatusData, StreamEntry},
        system::SystemData,
        tape::{TapeData, TapeTrade},
    },
    limits::{MAX_BARS, MAX_ENTRIES, MAX_LEVELS},
};

use crate::{
    binary::{
        code_of, quality,
        reader::Reader,
        writer::{Writer, zigzag},
    },
    error::WireError,
};

pub(crate) fn write(writer: &mut Writer, data: &TopicData) {
    writer.byte(code_of(&Channel::ALL, &data.channel()));
    match data {
        TopicData::Quote(data) => write_quote(writer, data),
        TopicData::Tape(data) => write_tape(writer, data),
        TopicData::Book(data) => write_book(writer, data),
        TopicData::Candles(data) => write_candles(writer, data),
        TopicData::Quality(data) => quality::write(writer, data),
        TopicData::Status(data) => write_status(writer, data),
        TopicData::System(data) => write_system(writer, data),
        TopicData::Consolidated(data) => write_consolidated(writer, data),
    }
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Result<TopicData, WireError> {
    let data = match reader.coded("channel", &Channel::ALL)? {
        Channel::Quote => TopicData::Quote(read_quote(reader)?),
        Channel::Tape => TopicData::Tape(read_tape(reader)?),
        Channel::Book => TopicData::Book(read_book(reader)?),
        Channel::Candles => TopicData::Candles(read_candles(reader)?),
        Channel::Quality => TopicData::Quality(Box::new(quality::read(reader)?)),
        Channel::Status => TopicData::Status(read_status(reader)?),
        Channel::System => TopicData::System(read_system(reader)?),
        Channel::Consolidated => TopicData::Consolidated(read_consolidated(reader)?),
    };
    reader.end()?;
    Ok(data)
}

/// Bits of the options that are present, the first one lowest.
pub(super) fn mask(present: impl IntoIterator<Item = bool>) -> u64 {
    present.into_iter().enumerate().fold(0, |mask, (bit, is_present)| mask | (u64::from(is_present) << bit))
}

/// Reads where bit `bit` is set.
pub(super) fn when<T>(
    mask: u64,
    bit: u32,
    read: impl FnOnce() -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    if mask & (1 << bit) == 0 { Ok(None) } else { read().map(Some) }
}

pub(super) fn read_mask(reader: &mut Reader<'_>, n_bits: u32) -> Result<u64, WireError> {
    let mask = reader.unsigned()?;
    if mask >> n_bits == 0 { Ok(mask) } else { Err(WireError::UnknownCode { what: "field mask", found: mask }) }
}

/// Venue, receive and publish time. Venue time is in milliseconds, so the base changes its unit behind it.
fn write_times(writer: &mut Writer, venue_ms: Option<i64>, receive_us: Option<i64>, publish_us: Option<i64>) {
    if let Some(venue_ms) = venue_ms {
        writer.time(venue_ms);
        writer.rebase_time(venue_ms.wrapping_mul(1_000));
    }
    [receive_us, publish_us].into_iter().flatten().for_each(|time_us| writer.time(time_us));
}

fn read_venue_time(reader: &mut Reader<'_>) -> Result<i64, WireError> {
    let venue_ms = reader.time()?;
    reader.rebase_time(venue_ms.wrapping_mul(1_000));
    Ok(venue_ms)
}

fn write_quote(writer: &mut Writer, data: &QuoteData) {
    let prices = [data.bid, data.ask, data.last, data.day_open, data.day_high, data.day_low];
    let sizes = [data.bid_size, data.ask_size, data.day_volume];
    let times = [data.venue_time_ms, data.receive_time_us, data.publish_time_us];
    let present = prices.iter().map(Option::is_some).chain(sizes.iter().map(Option::is_some));
    let present = present.chain(times.iter().map(Option::is_some)).chain([data.last_side.is_some()]);
    writer.unsigned(mask(present));
    prices.into_iter().flatten().for_each(|price| writer.price(price));
    sizes.into_iter().flatten().for_each(|size| writer.size(size));
    write_times(writer, data.venue_time_ms, data.receive_time_us, data.publish_time_us);
    if let Some(side) = data.last_side {
        writer.byte(code_of(&SIDES, &side));
    }
}

fn read_quote(reader: &mut Reader<'_>) -> Result<QuoteData, WireError> {
    let mask = read_mask(reader, 13)?;
    Ok(QuoteData {
        bid: when(mask, 0, || reader.price())?,
        ask: when(mask, 1, || reader.price())?,
        last: when(mask, 2, || reader.price())?,
        day_open: when(mask, 3, || reader.price())?,
        day_high: when(mask, 4, || reader.price())?,
        day_low: when(mask, 5, || reader.price())?,
        bid_size: when(mask, 6, || reader.size())?,
        ask_size: when(mask, 7, || reader.size())?,
        day_volume: when(mask, 8, || reader.size())?,
        venue_time_ms: when(mask, 9, || read_venue_time(reader))?,
        receive_time_us: when(mask, 10, || reader.time())?,
        publish_time_us: when(mask, 11, || reader.time())?,
        last_side: when(mask, 12, || reader.coded("side", &SIDES))?,
    })
}

/// Each trade: id and side in one number, price, size, time. Numbered ids are relative to the one before.
fn write_tape(writer: &mut Writer, data: &TapeData) {
    let trades = newest(&data.trades, MAX_ENTRIES);
    writer.count(trades.len());
    let mut number_before = 0_u64;
    for trade in trades {
        let side = code_of(&SIDES, &trade.aggressor_side);
        match &trade.id {
            TradeId::Sequence(number) => {
                writer.byte(side << 1);
                writer.unsigned(zigzag(number.wrapping_sub(number_before) as i64));
                number_before = *number;
            }
            TradeId::Text(text) => {
                writer.byte((side << 1) | 1);
                writer.text(text);
            }
        }
        writer.price(trade.price);
        writer.size(trade.size);
        writer.time(trade.venue_time_ms);
    }
}

fn read_tape(reader: &mut Reader<'_>) -> Result<TapeData, WireError> {
    let n_trades = reader.count("trades", MAX_ENTRIES)?;
    let mut trades = Vec::with_capacity(n_trades);
    let mut number_before = 0_u64;
    for _ in 0..n_trades {
        let head = reader.byte()?;
        let side = SIDES.get(usize::from(head >> 1)).copied();
        let aggressor_side = side.ok_or(WireError::UnknownCode { what: "side", found: u64::from(head >> 1) })?;
        let id = if head & 1 == 0 {
            number_before = number_before.wrapping_add(reader.signed()? as u64);
            TradeId::Sequence(number_before)
        } else {
            TradeId::Text(reader.text()?.into())
        };
        trades.push(TapeTrade {
            id,
            aggressor_side,
            price: reader.price()?,
            size: reader.size()?,
            venue_time_ms: reader.time()?,
        });
    }
    Ok(TapeData { trades })
}

fn write_book(writer: &mut Writer, data: &BookData) {
    writer.byte(code_of(&BOOK_STATES, &data.state));
    let (bids, asks) = (best(&data.bids), best(&data.asks));
    writer.unsigned(mask([
        !bids.is_empty(),
        !asks.is_empty(),
        data.venue_time_ms.is_some(),
        data.receive_time_us.is_some(),
        data.publish_time_us.is_some(),
        data.last_update_id.is_some(),
    ]));
    for levels in [bids, asks].into_iter().filter(|levels| !levels.is_empty()) {
        writer.count(levels.len());
        for level in levels {
            writer.price(level.price);
            writer.size(level.quantity);
        }
    }
    write_times(writer, data.venue_time_ms, data.receive_time_us, data.publish_time_us);
    if let Some(id) = data.last_update_id {
        writer.unsigned(id);
    }
}

fn read_book(reader: &mut Reader<'_>) -> Result<BookData, WireError> {
    let state = reader.coded("book state", &BOOK_STATES)?;
    let mask = read_mask(reader, 6)?;
    Ok(BookData {
        state,
        bids: when(mask, 0, || read_levels(reader))?.unwrap_or_default(),
        asks: when(mask, 1, || read_levels(reader))?.unwrap_or_default(),
        venue_time_ms: when(mask, 2, || read_venue_time(reader))?,
        receive_time_us: when(mask, 3, || reader.time())?,
        publish_time_us: when(mask, 4, || reader.time())?,
        last_update_id: when(mask, 5, || reader.unsigned())?,
    })
}

fn read_levels(reader: &mut Reader<'_>) -> Result<Vec<Level>, WireError> {
    let n_levels = reader.count("levels", MAX_LEVELS)?;
    (0..n_levels).map(|_| Ok(Level { price: reader.price()?, quantity: reader.size()? })).collect()
}

/// Bars of one interval are mostly the same distance apart, so the distance is written relative to the one before.
fn write_candles(writer: &mut Writer, data: &CandlesData) {
    let bars = newest(&data.bars, MAX_BARS);
    writer.count(bars.len());
    let (mut before, mut step) = (0_i64, 0_i64);
    for bar in bars {
        let open_ms = bar.open_time.as_millis();
        let next_step = open_ms.wrapping_sub(before);
        writer.signed(next_step.wrapping_sub(step));
        (before, step) = (open_ms, next_step);
        [bar.open, bar.high, bar.low, bar.close].into_iter().for_each(|price| writer.price(price));
        writer.size(bar.volume);
        writer.byte(u8::from(bar.buy_volume.is_some()));
        bar.buy_volume.into_iter().for_each(|size| writer.size(size));
    }
}

fn read_candles(reader: &mut Reader<'_>) -> Result<CandlesData, WireError> {
    let n_bars = reader.count("bars", MAX_BARS)?;
    let mut bars = Vec::with_capacity(n_bars);
    let (mut open_ms, mut step) = (0_i64, 0_i64);
    for _ in 0..n_bars {
        step = step.wrapping_add(reader.signed()?);
        open_ms = open_ms.wrapping_add(step);
        bars.push(Candle {
            open_time: Timestamp::from_millis(open_ms),
            open: reader.price()?,
            high: reader.price()?,
            low: reader.price()?,
            close: reader.price()?,
            volume: reader.size()?,
            buy_volume: when(u64::from(reader.byte()?), 0, || reader.size())?,
        });
    }
    Ok(CandlesData { bars })
}

fn write_status(writer: &mut Writer, data: &StatusData) {
    let streams = oldest(&data.streams);
    writer.count(streams.len());
    for entry in streams {
        writer.text(&entry.instrument.to_string());
        writer.byte(code_of(&STREAM_STATES, &entry.state));
        writer.byte(code_of(&MODES, &entry.mode));
        writer.unsigned(mask([
            entry.is_simulated,
            entry.age_ms.is_some(),
            entry.last_update_ms.is_some(),
            entry.cause.is_some(),
            entry.next_attempt_ms.is_some(),
            entry.price_decimals.is_some(),
            entry.size_decimals.is_some(),
            entry.silence.is_some(),
            entry.is_replay,
        ]));
        writer.unsigned(entry.updates);
        writer.unsigned(tenths(entry.rate));
        entry.age_ms.into_iter().for_each(|age_ms| writer.unsigned(age_ms));
        entry.last_update_ms.into_iter().for_each(|time| writer.time(time));
        entry.cause.iter().for_each(|cause| writer.text(cause));
        entry.next_attempt_ms.into_iter().for_each(|time| writer.time(time));
        [entry.price_decimals, entry.size_decimals].into_iter().flatten().for_each(|n| writer.unsigned(n.into()));
        entry.silence.iter().for_each(|silence| writer.byte(code_of(&SILENCES, silence)));
    }
    let connections = oldest(&data.connections);
    writer.count(connections.len());
    for entry in connections {
        writer.text(entry.venue.as_str());
        writer.byte(code_of(&MODES, &entry.mode));
        writer.unsigned(mask([
            entry.is_connected,
            entry.cause.is_some(),
            entry.next_attempt_ms.is_some(),
            entry.last_frame_ms.is_some(),
            entry.breaker_until_ms.is_some(),
            entry.rest_weight.is_some(),
        ]));
        entry.cause.iter().for_each(|cause| writer.text(cause));
        [entry.next_attempt_ms, entry.last_frame_ms, entry.breaker_until_ms]
            .into_iter()
            .flatten()
            .for_each(|time| writer.time(time));
        if let Some(weight) = entry.rest_weight {
            [weight.used, weight.limit].into_iter().for_each(|figure| writer.unsigned(figure.into()));
        }
        writer.byte(code_of(&BREAKERS, &entry.breaker));
        [entry.n_open.into(), entry.reconnects, entry.gaps, entry.malformed]
            .into_iter()
            .for_each(|count| writer.unsigned(count));
    }
    writer.count(oldest(&data.removed_streams).len());
    oldest(&data.removed_streams).iter().for_each(|instrument| writer.text(&instrument.to_string()));
    writer.count(oldest(&data.removed_connections).len());
    oldest(&data.removed_connections).iter().for_each(|venue| writer.text(venue.as_str()));
}

fn read_status(reader: &mut Reader<'_>) -> Result<StatusData, WireError> {
    let n_streams = reader.count("streams", MAX_ENTRIES)?;
    let streams = (0..n_streams).map(|_| read_stream_entry(reader)).collect::<Result<_, _>>()?;
    let n_connections = reader.count("connections", MAX_ENTRIES)?;
    let connections = (0..n_connections).map(|_| read_connection_entry(reader)).collect::<Result<_, _>>()?;
    let n_removed = reader.count("streams", MAX_ENTRIES)?;
    let removed_streams = (0..n_removed).map(|_| read_instrument(reader)).collect::<Result<_, _>>()?;
    let n_removed = reader.count("connections", MAX_ENTRIES)?;
    let removed_connections =
        (0..n_removed).map(|_| Ok(Venue::new(reader.text()?))).collect::<Result<_, WireError>>()?;
    Ok(StatusData { streams, connections, removed_streams, removed_connections })
}

fn read_stream_entry(reader: &mut Reader<'_>) -> Result<StreamEntry, WireError> {
    let instrument = read_instrument(reader)?;
    let state = reader.coded("stream state", &STREAM_STATES)?;
    let mode = reader.coded("mode", &MODES)?;
    let mask = read_mask(reader, 9)?;
    Ok(StreamEntry {
        instrument,
        state,
        mode,
        is_simulated: mask & 1 == 1,
        is_replay: mask & 1 << 8 != 0,
        updates: reader.unsigned()?,
        rate: f64::from(reader.narrow("rate")?) / 10.0,
        age_ms: when(mask, 1, || reader.unsigned())?,
        last_update_ms: when(mask, 2, || reader.time())?,
        cause: when(mask, 3, || reader.text().map(str::to_owned))?,
        next_attempt_ms: when(mask, 4, || reader.time())?,
        price_decimals: when(mask, 5, || reader.narrow("decimals"))?,
        size_decimals: when(mask, 6, || reader.narrow("decimals"))?,
        silence: when(mask, 7, || reader.coded("silence", &SILENCES))?,
    })
}

fn read_connection_entry(reader: &mut Reader<'_>) -> Result<ConnectionEntry, WireError> {
    let venue = Venue::new(reader.text()?);
    let mode = reader.coded("mode", &MODES)?;
    let mask = read_mask(reader, 6)?;
    Ok(ConnectionEntry {
        venue,
        mode,
        is_connected: mask & 1 == 1,
        cause: when(mask, 1, || reader.text().map(str::to_owned))?,
        next_attempt_ms: when(mask, 2, || reader.time())?,
        last_frame_ms: when(mask, 3, || reader.time())?,
        breaker_until_ms: when(mask, 4, || reader.time())?,
        rest_weight: when(mask, 5, || {
            Ok(RestWeight { used: reader.narrow("weight")?, limit: reader.narrow("weight")? })
        })?,
        breaker: reader.coded("breaker", &BREAKERS)?,
        n_open: reader.narrow("connections")?,
        reconnects: reader.unsigned()?,
        gaps: reader.unsigned()?,
        malformed: reader.unsigned()?,
    })
}

fn read_instrument(reader: &mut Reader<'_>) -> Result<InstrumentId, WireError> {
    InstrumentId::parse(reader.text()?).map_err(|_| WireError::OutOfRange { what: "instrument" })
}

fn write_system(writer: &mut Writer, data: &SystemData) {
    writer.unsigned(mask([
        data.version.is_some(),
        data.uptime_ms.is_some(),
        data.clients.is_some(),
        data.notice.is_some(),
    ]));
    data.version.iter().for_each(|version| writer.text(version));
    [data.uptime_ms, data.clients].into_iter().flatten().for_each(|number| writer.unsigned(number));
    data.notice.iter().for_each(|notice| writer.text(notice));
}

fn read_system(reader: &mut Reader<'_>) -> Result<SystemData, WireError> {
    let mask = read_mask(reader, 4)?;
    Ok(SystemData {
        version: when(mask, 0, || reader.text().map(str::to_owned))?,
        uptime_ms: when(mask, 1, || reader.unsigned())?,
        clients: when(mask, 2, || reader.unsigned())?,
        notice: when(mask, 3, || reader.text().map(str::to_owned))?,
    })
}

fn write_consolidated(writer: &mut Writer, data: &ConsolidatedData) {
    writer.unsigned(mask([data.is_simulated, data.bid.is_some(), data.ask.is_some(), data.publish_time_us.is_some()]));
    for level in [&data.bid, &data.ask].into_iter().flatten() {
        writer.text(&level.instrument.to_string());
        writer.price(level.price);
        writer.size(level.size);
    }
    data.publish_time_us.into_iter().for_each(|time_us| writer.time(time_us));
    let venues = oldest(&data.venues);
    writer.count(venues.len());
    for venue in venues {
        writer.text(&venue.instrument.to_string());
        writer.byte(code_of(&STANDINGS, &venue.left_out));
    }
}

fn read_consolidated(reader: &mut Reader<'_>) -> Result<ConsolidatedData, WireError> {
    let mask = read_mask(reader, 4)?;
    let (bid, ask) = (when(mask, 1, || read_venue_level(reader))?, when(mask, 2, || read_venue_level(reader))?);
    let publish_time_us = when(mask, 3, || reader.time())?;
    let n_venues = reader.count("venues", MAX_ENTRIES)?;
    let venue =
        |_| Ok(VenueStanding { instrument: read_instrument(reader)?, left_out: reader.coded("standing", &STANDINGS)? });
    let venues = (0..n_venues).map(venue).collect::<Result<_, WireError>>()?;
    Ok(ConsolidatedData { bid, ask, venues, is_simulated: mask & 1 == 1, publish_time_us })
}

fn read_venue_level(reader: &mut Reader<'_>) -> Result<VenueLevel, WireError> {
    Ok(VenueLevel { instrument: read_instrument(reader)?, price: reader.price()?, size: reader.size()? })
}

/// A rate in tenths; what is no rate is 0.
fn tenths(rate: f64) -> u64 {
    // The cast saturates, and turns NaN into 0.
    u64::from((rate * 10.0).round() as u32)
}

pub(super) fn newest<T>(rows: &[T], limit: usize) -> &[T] {
    &rows[rows.len().saturating_sub(limit)..]
}

fn oldest<T>(rows: &[T]) -> &[T] {
    &rows[..rows.len().min(MAX_ENTRIES)]
}

fn best(levels: &[Level]) -> &[Level] {
    &levels[..levels.len().min(MAX_LEVELS)]
}

// Positions are the numbers on the wire: append only.
const SIDES: [AggressorSide; 3] = [AggressorSide::Buyer, AggressorSide::Seller, AggressorSide::Unknown];
pub(super) const BOOK_STATES: [BookState; 6] = [
    BookState::Empty,
    BookState::Buffering,
    BookState::Live,
    BookState::Suspect,
    BookState::Resyncing,
    BookState::Unverified,
];
const STREAM_STATES: [StreamState; 4] =
    [StreamState::Initialising, StreamState::Live, StreamState::Stale, StreamState::Failed];
const SILENCES: [Silence; 4] = [Silence::QuietBesideOthers, Silence::QuietByVenue, Silence::Unexplained, Silence::Dead];
const BREAKERS: [Breaker; 3] = [Breaker::Closed, Breaker::Open, Breaker::HalfOpen];
/// Counted, then the reasons for which a venue is left out.
const STANDINGS: [Option<LeftOut>; LeftOut::ALL.len() + 1] = {
    let mut table = [None; LeftOut::ALL.len() + 1];
    let mut reason_idx = 0;
    while reason_idx < LeftOut::ALL.len() {
        table[reason_idx + 1] = Some(LeftOut::ALL[reason_idx]);
        reason_idx += 1;
    }
    table
};
const MODES: [FeedMode; 3] = [FeedMode::WebSocket, FeedMode::RestPolling, FeedMode::Simulated];
