//! The subject of a topic.

use std::{fmt, sync::Arc};

use model::instrument::{InstrumentId, Venue};

/// The subject of a topic's data. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The server itself; nothing follows the channel.
    Server,
    /// One instrument: `venue:symbol`. Everything after the venue's colon is the symbol, which may contain colons.
    Instrument(InstrumentId),
    /// One pair over all venues: `all:BTC/USD`.
    Pair(Arc<str>),
    /// One paper account: `account:name`.
    Account(Arc<str>),
}

/// The kind of subject common to all topics of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// [`Subject::Server`].
    Server,
    /// [`Subject::Instrument`].
    Instrument,
    /// [`Subject::Pair`].
    Pair,
    /// [`Subject::Account`].
    Account,
}

/// One subject, or all of a kind; for instruments, all of one venue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectPattern {
    /// A single subject.
    One(Subject),
    /// All instruments of a venue: `venue:*`.
    Venue(Venue),
    /// All pairs: `all:*`.
    Pairs,
    /// All accounts: `account:*`.
    Accounts,
}

impl Subject {
    /// Returns the kind.
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Server => SubjectKind::Server,
            Self::Instrument(_) => SubjectKind::Instrument,
            Self::Pair(_) => SubjectKind::Pair,
            Self::Account(_) => SubjectKind::Account,
        }
    }
}

impl SubjectPattern {
    /// Parses the text after a channel's colon; `None` if there is no colon.
    ///
    /// # Errors
    /// A description of the error.
    pub fn parse(kind: SubjectKind, text: Option<&str>) -> Result<Self, &'static str> {
        let (scope, name) = match (kind, text) {
            (SubjectKind::Server, None) => return Ok(Self::One(Subject::Server)),
            (SubjectKind::Server, Some(_)) => return Err("this channel takes no subject"),
            (_, text) => text.and_then(|text| text.split_once(':')).ok_or_else(|| kind.remedy())?,
        };
        if scope.is_empty() || !scope.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) {
            return Err(match kind {
                SubjectKind::Instrument => "a venue's name is lower case",
                _ => kind.remedy(),
            });
        }
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err("the symbol is missing or not printable");
        }
        let is_every = name == EVERY;
        match (kind, scope) {
            (SubjectKind::Instrument, ALL_VENUES | ACCOUNT) => Err(kind.remedy()),
            (SubjectKind::Instrument, venue) => {
                let venue = Venue::new(venue);
                Ok(if is_every {
                    Self::Venue(venue)
                } else {
                    Self::One(Subject::Instrument(InstrumentId::new(&venue, name)))
                })
            }
            (SubjectKind::Pair, ALL_VENUES) => {
                Ok(if is_every { Self::Pairs } else { Self::One(Subject::Pair(name.into())) })
            }
            (SubjectKind::Account, ACCOUNT) => {
                Ok(if is_every { Self::Accounts } else { Self::One(Subject::Account(name.into())) })
            }
            (SubjectKind::Server | SubjectKind::Pair | SubjectKind::Account, _) => Err(kind.remedy()),
        }
    }

    /// Returns true if the pattern includes `subject`.
    pub fn is_match(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::One(one), subject) => one == subject,
            (Self::Venue(venue), Subject::Instrument(instrument)) => venue == instrument.venue(),
            (Self::Pairs, Subject::Pair(_)) | (Self::Accounts, Subject::Account(_)) => true,
            _ => false,
        }
    }
}

impl SubjectKind {
    fn remedy(self) -> &'static str {
        match self {
            Self::Server => "this channel takes no subject",
            Self::Instrument => "needs a venue and a symbol, as in quote:demo:AAABBB",
            Self::Pair => "needs all and a pair, as in consolidated:all:AAA/BBB",
            Self::Account => "needs account and a name, as in orders:account:paper",
        }
    }
}

/// Writes a colon before the subject; nothing for the server.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => Ok(()),
            Self::Instrument(instrument) => write!(f, ":{instrument}"),
            Self::Pair(pair) => write!(f, ":{ALL_VENUES}:{pair}"),
            Self::Account(name) => write!(f, ":{ACCOUNT}:{name}"),
        }
    }
}

impl fmt::Display for SubjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(subject) => subject.fmt(f),
            Self::Venue(venue) => write!(f, ":{venue}:{EVERY}"),
            Self::Pairs => write!(f, ":{ALL_VENUES}:{EVERY}"),
            Self::Accounts => write!(f, ":{ACCOUNT}:{EVERY}"),
        }
    }
}

/// Replaces the venue in topics over all venues; no venue has this name.
const ALL_VENUES: &str = "all";
/// Replaces the venue in topics of an account; no venue has this name.
const ACCOUNT: &str = "account";
/// Replaces a symbol, pair or name: matches all.
const EVERY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_read_and_show() {
        #[track_caller]
        fn check(kind: SubjectKind, text: &str, expected: SubjectPattern) {
            assert_eq!(SubjectPattern::parse(kind, text.strip_prefix(':')), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        let one = SubjectPattern::One;
        let kraken = Venue::new("kraken");
        let instrument = |symbol| one(Subject::Instrument(InstrumentId::new(&kraken, symbol)));
        check(SubjectKind::Server, "", one(Subject::Server));
        check(SubjectKind::Instrument, ":kraken:BTC/USD", instrument("BTC/USD"));
        check(SubjectKind::Instrument, ":kraken:A:B", instrument("A:B"));
        check(SubjectKind::Instrument, ":kraken:*", SubjectPattern::Venue(kraken.clone()));
        check(SubjectKind::Pair, ":all:BTC/USD", one(Subject::Pair("BTC/USD".into())));
        check(SubjectKind::Pair, ":all:*", SubjectPattern::Pairs);
        check(SubjectKind::Account, ":account:paper", one(Subject::Account("paper".into())));
        check(SubjectKind::Account, ":account:*", SubjectPattern::Accounts);
    }

    #[test]
    fn a_subject_of_another_kind_is_refused_with_the_remedy() {
        #[track_caller]
        fn check(kind: SubjectKind, text: Option<&str>, expected: &str) {
            assert_eq!(SubjectPattern::parse(kind, text).unwrap_err(), expected, "{text:?}");
        }
        check(SubjectKind::Server, Some("demo:A"), "this channel takes no subject");
        for text in [None, Some("demo"), Some("all:A"), Some("account:A")] {
            check(SubjectKind::Instrument, text, "needs a venue and a symbol, as in quote:demo:AAABBB");
        }
        check(SubjectKind::Instrument, Some("Demo:A"), "a venue's name is lower case");
        check(SubjectKind::Instrument, Some("demo:"), "the symbol is missing or not printable");
        for text in [None, Some("A/B"), Some("demo:A/B"), Some("All:A/B")] {
            check(SubjectKind::Pair, text, "needs all and a pair, as in consolidated:all:AAA/BBB");
        }
        for text in [None, Some("paper"), Some("demo:paper")] {
            check(SubjectKind::Account, text, "needs account and a name, as in orders:account:paper");
        }
    }

    #[test]
    fn a_pattern_takes_its_own_kind_in() {
        let instrument = Subject::Instrument(InstrumentId::parse("demo:A").unwrap());
        let (pair, account) = (Subject::Pair("A/B".into()), Subject::Account("paper".into()));
        let venue = SubjectPattern::Venue(Venue::new("demo"));
        for (pattern, expected) in [
            (venue, [true, false, false]),
            (SubjectPattern::Venue(Venue::new("other")), [false; 3]),
            (SubjectPattern::Pairs, [false, true, false]),
            (SubjectPattern::Accounts, [false, false, true]),
            (SubjectPattern::One(pair.clone()), [false, true, false]),
        ] {
            let found = [&instrument, &pair, &account].map(|subject| pattern.is_match(subject));
            assert_eq!(found, expected, "{pattern}");
        }
    }
}
