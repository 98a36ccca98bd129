//! The built-in venues, as needed by the configuration.

use venues::{
    registry::{self, VenueInfo},
    session::SessionConfig,
};

use crate::config::load::KnownVenue;

/// Returns all venues with the symbols followed by default.
pub fn known() -> Vec<KnownVenue> {
    registry::venues()
        .map(|info| KnownVenue { name: info.name.to_owned(), default_symbols: default_symbols(info) })
        .collect()
}

/// Returns the symbols followed if none are named: all of a simulated market, which is small and costs nothing. For a
/// real venue the user names the symbols.
pub fn default_symbols(info: &VenueInfo) -> Vec<String> {
    if !info.capabilities.is_simulated {
        return Vec::new();
    }
    let session = registry::open(info.name, &SessionConfig::default());
    session.map_or_else(
        |_| Vec::new(),
        |session| session.instruments().iter().map(|instrument| instrument.id.symbol().to_owned()).collect(),
    )
}
