//! A [`Reading`] as metrics, made for each scrape.

use std::fmt;

use model::histogram::DELAY_BOUNDS_US;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use super::{
    process,
    reading::{FeedReading, Reading, STATES, Sources},
    timing::encode_histogram,
};

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let reading = self.read();
        let mut page = Page(encoder);
        process_of(&reading, &mut page)?;
        server_of(&reading, &mut page)?;
        feeds_of(&reading.feeds, &mut page)
    }
}

/// Names that every program has.
fn process_of(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let Some(process) = reading.process else { return Ok(()) };
    let bytes = Some(Unit::Bytes);
    page.counter("process_cpu", Some(Unit::Seconds), "Processor time, user and system", process.cpu_s)?;
    page.gauge("process_resident_memory", bytes, "Memory in use", process.resident_bytes as f64)?;
    page.gauge("process_open_fds", None, "Open files and sockets", process.open_files as f64)?;
    if let Some(max_files) = process::max_files() {
        page.gauge("process_max_fds", None, "The most files that may be open", max_files as f64)?;
    }
    page.gauge("process_threads", None, "Threads", process.threads as f64)?;
    let started = reading.started.as_millis() as f64 / 1_000.0;
    page.gauge("process_start_time", Some(Unit::Seconds), "When the process started, in Unix time", started)
}

fn server_of(reading: &Reading, page: &mut Page<'_>) -> fmt::Result {
    let Reading { places, hub, files, .. } = reading;
    let version = [([("version", env!("CARGO_PKG_VERSION"))], 1.0)];
    page.gauges("truetape_build_info", None, "The version, with the value 1", version)?;
    page.counter("truetape_log_errors", None, "Lines of the log at the level of errors", reading.n_log_errors as f64)?;
    let help = "When the server's certificate expires, in Unix time; none without TLS of its own";
    let expiry = "truetape_certificate_expiry_timestamp";
    page.family(expiry, Some(Unit::Seconds), help, MetricType::Gauge, |mut metric| {
        match reading.certificate_expires {
            Some(at) => metric.encode_gauge(&(at.as_millis() as f64 / 1_000.0)),
            None => Ok(()),
        }
    })?;
    let in_use = places.map(|(kind, n_used, _)| ([("place", kind)], n_used as f64));
    page.gauges("truetape_connections_open", None, "Open connections, by kind of place", in_use)?;
    let limits = places.map(|(kind, _, n_places)| ([("place", kind)], n_places as f64));
    page.gauges("truetape_connections_limit", None, "Places for connections, by kind", limits)?;
    page.gauge("truetape_stream_sessions", None, "Stream sessions", reading.n_sessions as f64)?;
    page.gauge("truetape_stream_clients", None, "Sessions that have said hello", reading.n_clients as f64)?;
    page.gauge("truetape_hub_subscribers", None, "Subscribers, with parts of the server", hub.n_subscribers as f64)?;
    page.gauge("truetape_hub_streams", None, "Topics that are published, by lane", hub.n_streams as f64)?;
    let bytes = || Some(Unit::Bytes);
    page.gauge("truetape_hub_history", bytes(), "Updates kept for clients that return", hub.history_bytes as f64)?;
    page.gauge("truetape_hub_queue", bytes(), "Updates that wait for subscribers", reading.queued_bytes as f64)?;
    page.counter("truetape_hub_deliveries", None, "Updates put in queues", hub.n_delivered as f64)?;
    let conflated = "Times that a slow subscriber lost a queue to a snapshot";
    page.counter("truetape_hub_conflations", None, conflated, hub.n_conflated as f64)?;
    if let Some(n_waiting) = reading.desk_queue {
        page.gauge("truetape_desk_queue_length", None, "Requests that wait for the paper desk", n_waiting as f64)?;
    }
    let sizes = files.iter().map(|(file, n_bytes)| ([("file", *file)], *n_bytes as f64));
    page.gauges("truetape_store_file", bytes(), "Databases with their logs", sizes)?;
    if let Some(free) = reading.disk_free {
        page.gauge("truetape_disk_free", bytes(), "Free space of the data folder's disk", free as f64)?;
    }
    Ok(())
}

fn feeds_of(feeds: &[FeedReading], page: &mut Page<'_>) -> fmt::Result {
    let each = |of: fn(&FeedReading) -> f64| feeds.iter().map(move |feed| ([("venue", feed.venue.as_str())], of(feed)));
    let connected = "1 while a feed has its data's way open";
    page.gauges("truetape_feed_connected", None, connected, each(|feed| f64::from(u8::from(feed.is_connected))))?;
    page.gauges("truetape_feed_connections", None, "Open connections", each(|feed| f64::from(feed.n_open)))?;
    let streams = feeds.iter().flat_map(|feed| {
        let by_state = STATES.into_iter().zip(feed.streams);
        by_state.map(|(state, n)| ([("venue", feed.venue.as_str()), ("state", state.as_str())], n as f64))
    });
    page.gauges("truetape_feed_streams", None, "Followed instruments, by state", streams)?;
    let events = "Trades, quotes, changes of books, and all other events";
    page.counters("truetape_feed_events", None, events, each(|feed| feed.n_events as f64))?;
    page.counters("truetape_feed_messages", None, "Messages", each(|feed| feed.counters.frames as f64))?;
    page.counters("truetape_feed_received", Some(Unit::Bytes), "Bytes of messages", each(|feed| feed.n_bytes as f64))?;
    let malformed = "Messages that could not be read";
    page.counters("truetape_feed_malformed", None, malformed, each(|feed| feed.counters.malformed as f64))?;
    page.counters("truetape_feed_gaps", None, "Gaps in sequences", each(|feed| feed.counters.gaps as f64))?;
    let resyncs = "Order books that were fetched again";
    page.counters("truetape_feed_resyncs", None, resyncs, each(|feed| feed.counters.resyncs as f64))?;
    let reconnects = "Connections opened after the first";
    page.counters("truetape_feed_reconnects", None, reconnects, each(|feed| feed.counters.reconnects as f64))?;
    let last = feeds.iter().filter_map(|feed| {
        let at = feed.last_message?.as_millis() as f64 / 1_000.0;
        Some(([("venue", feed.venue.as_str())], at))
    });
    let help = "When the last message came, in Unix time";
    page.gauges("truetape_feed_last_message_timestamp", Some(Unit::Seconds), help, last)?;
    let help = "Time from the venue's stamp to the arrival, above that of the fastest message";
    page.family("truetape_feed_delay", Some(Unit::Seconds), help, MetricType::Histogram, |mut family| {
        feeds.iter().try_for_each(|feed| {
            let label = [("venue", feed.venue.as_str())];
            encode_histogram(family.encode_family(&label)?, &DELAY_BOUNDS_US, &feed.delays.counts, feed.delays.sum_us)
        })
    })
}

/// The text of a scrape.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn family(
        &mut self,
        name: &str,
        unit: Option<Unit>,
        help: &str,
        kind: MetricType,
        write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write(self.0.encode_descriptor(name, &format!("{help}."), unit.as_ref(), kind)?)
    }

    fn gauge(&mut self, name: &str, unit: Option<Unit>, help: &str, value: f64) -> fmt::Result {
        self.family(name, unit, help, MetricType::Gauge, |mut metric| metric.encode_gauge(&value))
    }

    fn counter(&mut self, name: &str, unit: Option<Unit>, help: &str, value: f64) -> fmt::Result {
        self.family(name, unit, help, MetricType::Counter, |mut metric| {
            metric.encode_counter::<NoLabelSet, f64, f64>(&value, None)
        })
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        unit: Option<Unit>,
        help: &str,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        self.family(name, unit, help, MetricType::Gauge, |mut family| {
            values.into_iter().try_for_each(|(label, value)| family.encode_family(&label)?.encode_gauge(&value))
        })
    }

    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        unit: Option<Unit>,
        help: &str,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        self.family(name, unit, help, MetricType::Counter, |mut family| {
            values.into_iter().try_for_each(|(label, value)| {
                family.encode_family(&label)?.encode_counter::<NoLabelSet, f64, f64>(&value, None)
            })
        })
    }
}
