//! The venues built in, as the configuration must know them.

use venues::{registry, session::SessionConfig};

use crate::config::load::KnownVenue;

/// All venues with what is followed where no symbols are named.
pub fn known() -> Vec<KnownVenue> {
    registry::venues()
        .map(|info| KnownVenue {
            name: info.name.to_owned(),
            // A made-up market is small and costs nothing: all of it. Of a real one the user says what to follow.
            default_symbols: if info.capabilities.is_simulated { all_symbols(info.name) } else { Vec::new() },
        })
        .collect()
}

fn all_symbols(venue: &str) -> Vec<String> {
    let session = registry::open(venue, &SessionConfig::default());
    session.map_or_else(
        |_| Vec::new(),
        |session| session.instruments().iter().map(|instrument| instrument.id.symbol().to_owned()).collect(),
    )
}
