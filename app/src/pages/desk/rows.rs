//! The rows of the desk's channels and of those of alerts, read from their JSON.

use serde::de::DeserializeOwned;
use topics::{channels::Channel, topic::Topic};

use crate::{live::model::LiveModel, pages::desk::account::account};

/// Returns the account's topic of a channel.
pub fn topic(channel: Channel) -> Topic {
    Topic::desk(channel, &account())
}

/// Returns the rows of a channel with their keys, in the order of the keys; `None` until they have arrived.
///
/// # Errors
/// A row of another form, as a server of another version may send.
pub fn read_rows<T: DeserializeOwned>(
    model: &LiveModel,
    channel: Channel,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<(String, T)>>, String> {
    read_rows_of(model, &topic(channel), is_wanted)
}

/// Returns the same of any topic with rows.
///
/// # Errors
/// A row of another form.
pub fn read_rows_of<T: DeserializeOwned>(
    model: &LiveModel,
    topic: &Topic,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Option<Vec<(String, T)>>, String> {
    let Some(rows) = model.desk_rows(topic) else { return Ok(None) };
    let wanted = rows.rows.iter().filter(|(key, _)| is_wanted(key));
    wanted.map(|(key, row)| Ok((key.clone(), row.read().map_err(unreadable)?))).collect::<Result<_, _>>().map(Some)
}

/// Returns one row of a channel: `None` until rows have arrived, `Some(None)` if there is none with that key.
///
/// # Errors
/// A row of another form.
pub fn read_row<T: DeserializeOwned>(
    model: &LiveModel,
    channel: Channel,
    key: &str,
) -> Result<Option<Option<T>>, String> {
    let Some(rows) = model.desk_rows(&topic(channel)) else { return Ok(None) };
    rows.rows.get(key).map(|row| row.read().map_err(unreadable)).transpose().map(Some)
}

/// Returns the entries of a log, newest first; `None` until it has arrived.
///
/// # Errors
/// An entry of another form.
pub fn read_log<T: DeserializeOwned>(
    model: &LiveModel,
    channel: Channel,
    n_most: usize,
) -> Result<Option<Vec<T>>, String> {
    let Some(log) = model.desk_log(&topic(channel)) else { return Ok(None) };
    let newest = log.entries.iter().rev().take(n_most);
    newest.map(|(_, row)| row.read().map_err(unreadable)).collect::<Result<_, _>>().map(Some)
}

/// The `serde_json` sentence names fields of Rust; a reader can only reload.
pub fn unreadable(_: serde_json::Error) -> String {
    "the server sends rows that this page cannot read; reload the page, it may have been updated".to_owned()
}

#[cfg(test)]
mod tests {
    use model::time::Now;
    use topics::channels::{
        TopicData,
        desk::{DeskRows, RowText},
    };
    use wire::message::{Update, UpdateKind};

    use super::*;

    fn model_with(rows: &[(&str, u32)]) -> LiveModel {
        let mut data = DeskRows::default();
        for (key, value) in rows {
            data.rows.insert((*key).to_owned(), RowText::of(value).unwrap());
        }
        let mut model = LiveModel::default();
        let update = Update {
            kind: UpdateKind::Snapshot,
            topic: topic(Channel::Orders),
            epoch: None,
            offset: 1,
            data: TopicData::Orders(data),
        };
        model.apply(update, Now::default());
        model
    }

    #[test]
    fn no_rows_yet_and_no_such_row_are_told_apart() {
        assert_eq!(read_row::<u32>(&LiveModel::default(), Channel::Orders, "1"), Ok(None));
        let model = model_with(&[("1", 10)]);
        assert_eq!(read_row::<u32>(&model, Channel::Orders, "1"), Ok(Some(Some(10))));
        assert_eq!(read_row::<u32>(&model, Channel::Orders, "2"), Ok(Some(None)));
    }

    #[test]
    fn a_row_of_another_form_is_an_error() {
        let model = model_with(&[("1", 10)]);
        assert!(read_rows::<String>(&model, Channel::Orders, |_| true).is_err());
        assert_eq!(read_rows::<String>(&model, Channel::Orders, |_| false), Ok(Some(Vec::new())));
    }
}
