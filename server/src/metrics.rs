//! Metrics: every figure of the server, in the text forms of OpenMetrics and of Prometheus.
//!
//! The figures come from two places. [`counters`] are kept by the parts of the server as things happen. What exists anyway,
//! such as the counts of a feed or the memory of the process, is read when somebody asks ([`reading`]), so nothing is
//! counted twice. The System page and the health light use the same sources ([`crate::system`]).
//!
//! Labels are venues, lanes and words of fixed lists, never users, orders or addresses: a server has at most 200 series by
//! default. `docs/observability.md` lists all of them.
//!
//! # Layout
//! - [`counters`]: counts and timings of events · [`timing`]: a histogram · [`reading`]: figures read at a moment
//! - [`process`]: the process as the system sees it · [`scrape`]: readings as metrics

pub mod counters;
pub mod process;
pub mod reading;
pub mod scrape;
pub mod timing;

use std::sync::Arc;

use prometheus_client::{
    encoding::{prometheus_text, text},
    registry::Registry,
};

use self::{counters::Counters, reading::Sources};

/// A form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// OpenMetrics 1.0, with units.
    OpenMetrics,
    /// The older form of Prometheus, 0.0.4, which every tool reads.
    Prometheus,
}

/// All metrics. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    counters: Counters,
}

impl Metrics {
    /// Registers everything.
    pub fn new(counters: Counters, sources: Sources) -> Self {
        let mut registry = Registry::default();
        counters.register(registry.sub_registry_with_prefix(PREFIX));
        sources.publishing.lane_times().register(registry.sub_registry_with_prefix(PREFIX));
        registry.register_collector(Box::new(sources));
        Self { registry: Arc::new(registry), counters }
    }

    /// Returns the counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns all metrics as they are now.
    pub fn text(&self, form: TextForm) -> String {
        let mut page = String::new();
        let written = match form {
            TextForm::OpenMetrics => text::encode(&mut page, &self.registry),
            TextForm::Prometheus => prometheus_text::encode(&mut page, &self.registry),
        };
        debug_assert_eq!(written, Ok(()), "only the place that is written to can fail, and a string does not");
        page
    }
}

/// The beginning of our own names; those of the process are the same for every program.
const PREFIX: &str = "truetape";
