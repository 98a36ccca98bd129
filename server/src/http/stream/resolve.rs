//! Resolves patterns to topics.

use indicators::spec::Spec;
use model::{instrument::InstrumentId, trading::account::AccountId};
use topics::{
    subject::{Subject, SubjectPattern},
    topic::{Topic, TopicPattern},
};

use crate::{feed::directory::Directory, publish::is_replay};

/// Returns the topics that match a pattern.
///
/// # Errors
/// No feed has a matching topic, and the text suggests others; or no indicator is so called.
pub fn topics(directory: &Directory, pattern: &TopicPattern) -> Result<Vec<Topic>, String> {
    if let Some(spec) = pattern.indicator() {
        Spec::parse(spec).map_err(|error| format!("{pattern}: {error}"))?;
    }
    let topics: Vec<Topic> = match pattern.subject() {
        SubjectPattern::One(subject) => {
            let is_known = match subject {
                Subject::Server => true,
                Subject::Instrument(instrument) => directory.contains(instrument),
                Subject::Pair(pair) => directory.pairs().contains(&**pair),
                Subject::Account(name) => directory.accounts().iter().any(|account| account.as_str() == &**name),
            };
            pattern.topic().filter(|_| is_known).into_iter().collect()
        }
        SubjectPattern::Venue(_) => {
            let of = |id: &InstrumentId| pattern.topic_of(Subject::Instrument(id.clone()));
            directory.ids().iter().filter_map(of).collect()
        }
        // No pairs may be known yet: that is not an error.
        SubjectPattern::Pairs => {
            let of = |pair: &String| pattern.topic_of(Subject::Pair(pair.as_str().into()));
            return Ok(directory.pairs().iter().filter_map(of).collect());
        }
        SubjectPattern::Accounts => {
            let of = |account: &AccountId| pattern.topic_of(Subject::Account(account.as_str().into()));
            directory.accounts().iter().filter_map(of).collect()
        }
    };
    if topics.is_empty() { Err(unknown(directory, pattern)) } else { Ok(topics) }
}

fn unknown(directory: &Directory, topic: &TopicPattern) -> String {
    if matches!(topic.subject(), SubjectPattern::Accounts | SubjectPattern::One(Subject::Account(_))) {
        if matches!(topic.subject(), SubjectPattern::One(Subject::Account(name)) if is_replay(name)) {
            return format!("no recording plays, so there is no {topic}; load one first");
        }
        let accounts: Vec<String> = directory.accounts().iter().map(ToString::to_string).collect();
        return match accounts.is_empty() {
            true => "this server has no trading desk".to_owned(),
            false => format!("the desk has no account for {topic}; its accounts are {}", accounts.join(", ")),
        };
    }
    let subject = topic.subject().to_string();
    let nearest = directory.nearest(subject.trim_start_matches(':').trim_end_matches(":*"));
    let ids = directory.ids();
    let followed: Vec<String> = ids.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    let more = match ids.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        n_more => format!(" and {n_more} more"),
    };
    match nearest.first() {
        Some(nearest) => format!("no feed has {topic}; did you mean {nearest}?"),
        None => format!("no feed has {topic}; followed are {}{more}", followed.join(", ")),
    }
}

/// Instruments named in an error, which has little space on a page; `/api/v1/instruments` lists all of them.
const MAX_LISTED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_is_followed() {
        let directory = Directory::default();
        ["demo:AAABBB", "demo:CCCDDD", "other:X"]
            .iter()
            .for_each(|id| directory.expect(InstrumentId::parse(id).unwrap()));
        #[track_caller]
        fn check(directory: &Directory, pattern: &str, expected: Result<&[&str], &str>) {
            let found = topics(directory, &TopicPattern::parse(pattern).unwrap());
            let found = found.map(|topics| topics.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(
                found,
                expected.map(|topics| topics.iter().map(ToString::to_string).collect()).map_err(str::to_owned)
            );
        }
        check(&directory, "quote:demo:AAABBB", Ok(&["quote:demo:AAABBB"]));
        check(&directory, "candles.1m:demo:*", Ok(&["candles.1m:demo:AAABBB", "candles.1m:demo:CCCDDD"]));
        check(&directory, "status", Ok(&["status"]));
        check(&directory, "indicators.1m.sma(9):demo:AAABBB", Ok(&["indicators.1m.sma(9):demo:AAABBB"]));
        let unknown = topics(&directory, &TopicPattern::parse("indicators.1m.smaa(9):demo:AAABBB").unwrap());
        assert!(unknown.is_err_and(|words| words.contains("smaa") && words.contains("sma")));
        check(&directory, "book:demo:AAABBC", Err("no feed has book:demo:AAABBC; did you mean demo:AAABBB?"));
        check(
            &directory,
            "book:none:*",
            Err("no feed has book:none:*; followed are demo:AAABBB, demo:CCCDDD, other:X"),
        );
        check(&directory, "orders:account:paper", Err("this server has no trading desk"));
        directory.set_accounts(["paper", "second"].map(|name| AccountId::parse(name).unwrap()).into());
        check(&directory, "orders:account:paper", Ok(&["orders:account:paper"]));
        check(&directory, "positions:account:*", Ok(&["positions:account:paper", "positions:account:second"]));
        check(
            &directory,
            "orders:account:papre",
            Err("the desk has no account for orders:account:papre; its accounts are paper, second"),
        );
        ["other:Y", "other:Z"].iter().for_each(|id| directory.expect(InstrumentId::parse(id).unwrap()));
        check(
            &directory,
            "book:none:*",
            Err("no feed has book:none:*; followed are demo:AAABBB, demo:CCCDDD, other:X and 2 more"),
        );
    }
}
