//! Data of channel `quality` in the binary form: the counters under one mask, what stands behind them under another.

use model::{histogram::Quantiles, proof::Checksum};

use topics::channels::quality::{
    BookProof, MALFORMED_SAMPLES, MalformedSample, QualityData, Resync, ResyncReason, latency::VenueClock,
};

use crate::{
    binary::{
        code_of,
        data::{BOOK_STATES, mask, newest, read_mask, when},
        reader::Reader,
        writer::Writer,
    },
    error::WireError,
};

pub(super) fn write(writer: &mut Writer, data: &QualityData) {
    let counters = || data.book.fields().chain(data.feed.fields());
    let bare = QualityData {
        book_state: data.book_state,
        book: data.book.clone(),
        feed: data.feed.clone(),
        ..QualityData::default()
    };
    let has_details = *data != bare;
    let present = [data.book_state.is_some()].into_iter().chain(counters().map(|field| field.is_some()));
    writer.unsigned(mask(present.chain([has_details])));
    if let Some(state) = data.book_state {
        writer.byte(code_of(&BOOK_STATES, &state));
    }
    counters().flatten().for_each(|count| writer.unsigned(count));
    if has_details {
        write_details(writer, data);
    }
}

/// What stands behind the counters: a mask of its own, so that both may grow.
fn write_details(writer: &mut Writer, data: &QualityData) {
    let BookProof { last_checksum, changed_ms, last_resync, late_trades } = &data.proof;
    let ways = [&data.latency.venue, &data.latency.server, &data.feed_latency.venue, &data.feed_latency.server];
    let present = [
        last_checksum.is_some(),
        changed_ms.is_some(),
        last_resync.is_some(),
        late_trades.is_some(),
        data.venue_clock.is_some(),
        data.venue_clock.is_some_and(|clock| clock.round_trip_us.is_some()),
        data.malformed_samples.is_some(),
        data.publish_time_us.is_some(),
    ];
    writer.unsigned(mask(present.into_iter().chain(ways.iter().map(|way| way.is_some()))));
    if let Some(checksum) = last_checksum {
        writer.unsigned(checksum.venue.into());
        writer.unsigned(checksum.own.into());
    }
    changed_ms.iter().for_each(|time| writer.time(*time));
    if let Some(resync) = last_resync {
        writer.time(resync.at_ms);
        writer.byte(code_of(&RESYNC_REASONS, &resync.reason));
    }
    late_trades.iter().for_each(|count| writer.unsigned(*count));
    if let Some(clock) = &data.venue_clock {
        writer.signed(clock.fastest_us);
        clock.round_trip_us.iter().for_each(|span| writer.unsigned(*span));
    }
    if let Some(samples) = &data.malformed_samples {
        let samples = newest(samples, MALFORMED_SAMPLES);
        writer.count(samples.len());
        for sample in samples {
            writer.time(sample.at_ms);
            writer.text(&sample.text);
        }
    }
    data.publish_time_us.iter().for_each(|time| writer.signed(*time));
    for way in ways.into_iter().flatten() {
        [way.p50_us, way.p95_us, way.p99_us, way.n].into_iter().for_each(|figure| writer.unsigned(figure));
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<QualityData, WireError> {
    let mask = read_mask(reader, 23)?;
    let mut data = QualityData {
        book_state: when(mask, 0, || reader.coded("book state", &BOOK_STATES))?,
        ..QualityData::default()
    };
    let fields = data.book.fields_mut().chain(data.feed.fields_mut());
    for (bit, field) in (1..).zip(fields) {
        *field = when(mask, bit, || reader.unsigned())?;
    }
    if mask & (1 << 22) != 0 {
        read_details(reader, &mut data)?;
    }
    Ok(data)
}

fn read_details(reader: &mut Reader<'_>, data: &mut QualityData) -> Result<(), WireError> {
    let mask = read_mask(reader, 12)?;
    data.proof = BookProof {
        last_checksum: when(mask, 0, || {
            Ok(Checksum { venue: reader.narrow("checksum")?, own: reader.narrow("checksum")? })
        })?,
        changed_ms: when(mask, 1, || reader.time())?,
        last_resync: when(mask, 2, || {
            Ok(Resync { at_ms: reader.time()?, reason: reader.coded("reason", &RESYNC_REASONS)? })
        })?,
        late_trades: when(mask, 3, || reader.unsigned())?,
    };
    data.venue_clock = when(mask, 4, || {
        Ok(VenueClock { fastest_us: reader.signed()?, round_trip_us: when(mask, 5, || reader.unsigned())? })
    })?;
    data.malformed_samples = when(mask, 6, || {
        let n_samples = reader.count("samples", MALFORMED_SAMPLES)?;
        (0..n_samples).map(|_| Ok(MalformedSample { at_ms: reader.time()?, text: reader.text()?.to_owned() })).collect()
    })?;
    data.publish_time_us = when(mask, 7, || reader.signed())?;
    let ways = [
        &mut data.latency.venue,
        &mut data.latency.server,
        &mut data.feed_latency.venue,
        &mut data.feed_latency.server,
    ];
    for (bit, way) in (8..).zip(ways) {
        *way = when(mask, bit, || {
            Ok(Quantiles {
                p50_us: reader.unsigned()?,
                p95_us: reader.unsigned()?,
                p99_us: reader.unsigned()?,
                n: reader.unsigned()?,
            })
        })?;
    }
    Ok(())
}

// Positions are the numbers on the wire: append only.
const RESYNC_REASONS: [ResyncReason; 5] = [
    ResyncReason::Gap,
    ResyncReason::Checksum,
    ResyncReason::Crossed,
    ResyncReason::Connection,
    ResyncReason::Contradiction,
];
