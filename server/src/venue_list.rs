//! The venues built in, as the configuration must know them.

use venues::{
    registry::{self, VenueInfo},
    session::SessionConfig,
};

use crate::config::load::KnownVenue;

/// All venues with what is followed where no symbols are named.
pub fn known() -> Vec<KnownVenue> {
    registry::venues()
        .map(|info| KnownVenue { name: info.name.to_owned(), default_symbols: default_symbols(info) })
        .collect()
}

/// What is followed where no symbols are named: all of a made-up market, which is small and costs nothing. Of a real one
/// the user says what to follow.
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
