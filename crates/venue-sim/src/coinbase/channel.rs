//! The public channels, with the name used in subscriptions and the name used in frames.

/// A subscribed channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Candles,
    Heartbeats,
    Level2,
    MarketTrades,
    Status,
    Ticker,
    TickerBatch,
}

/// All of them.
const ALL: [Channel; 7] = [
    Channel::Candles,
    Channel::Heartbeats,
    Channel::Level2,
    Channel::MarketTrades,
    Channel::Status,
    Channel::Ticker,
    Channel::TickerBatch,
];

impl Channel {
    /// Returns the channel with that name in a subscription.
    pub(super) fn read(name: &str) -> Option<Self> {
        ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Returns the channel with that name in frames.
    pub(super) fn of_wire(name: &str) -> Option<Self> {
        ALL.into_iter().find(|channel| channel.wire() == name)
    }

    /// Returns its name in a subscription.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Candles => "candles",
            Self::Heartbeats => "heartbeats",
            Self::Level2 => "level2",
            Self::MarketTrades => "market_trades",
            Self::Status => "status",
            Self::Ticker => "ticker",
            Self::TickerBatch => "ticker_batch",
        }
    }

    /// Returns its name in frames.
    pub(super) fn wire(self) -> &'static str {
        match self {
            Self::Level2 => "l2_data",
            other => other.name(),
        }
    }

    /// Returns the name of an event's list of entries, on channels whose entries are recorded.
    pub(super) fn list(self) -> Option<&'static str> {
        match self {
            Self::Candles => Some("candles"),
            Self::MarketTrades => Some("trades"),
            Self::Ticker | Self::TickerBatch => Some("tickers"),
            Self::Heartbeats | Self::Level2 | Self::Status => None,
        }
    }

    /// Returns the stream of one product.
    pub(super) fn stream(self, product: &str) -> String {
        format!("{}/{product}", self.name())
    }

    /// Returns the channel and product of a stream.
    pub(super) fn of_stream(stream: &str) -> Option<(Self, &str)> {
        let (name, product) = stream.split_once('/')?;
        Some((Self::read(name)?, product))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for channel in ALL {
            assert_eq!(Channel::of_stream(&channel.stream("A-B")), Some((channel, "A-B")));
            assert_eq!(Channel::of_wire(channel.wire()), Some(channel));
        }
        assert_eq!(Channel::read("l2_data"), None);
        assert_eq!(Channel::read("user"), None);
    }
}
