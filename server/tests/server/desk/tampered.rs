//! A file in which a fill was changed, with everything else as it was: the server starts, and names the difference.

use std::{fs, path::Path};

use topics::topic::Topic;
use wire::Encoding;

use super::rest::{Folder, Rest, resting, serve, stop};
use crate::client::Client;

/// Gives every copy of a text in a file another one of the same length. Returns the number of copies.
fn replace(path: &Path, text: &str, by: &str) -> usize {
    assert_eq!(text.len(), by.len());
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, found)| *found == text.as_bytes())
        .map(|(at, _)| at)
        .collect();
    for at in &places {
        bytes[*at..*at + by.len()].copy_from_slice(by.as_bytes());
    }
    fs::write(path, bytes).unwrap();
    places.len()
}

/// Returns what the channel of events shows within its first snapshot and the turns after it.
async fn events(server: &server::serve::Server) -> String {
    let mut client = Client::greet(server, Encoding::Json).await;
    client.subscribe(1, &["events:account:paper"]).await;
    let topic = Topic::parse("events:account:paper").unwrap();
    loop {
        if let Some(data) = client.state.get(&topic).map(|data| format!("{data:?}"))
            && data.contains("order_updated")
        {
            return data;
        }
        client.next().await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_fill_is_named_at_the_start() {
    let folder = Folder::new("tampered");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    rest.buy("t-1", "10.0").await;
    rest.post("orders", resting("t-2", "100.0")).await.with(201);
    stop(server).await;
    let server = serve(&folder.0).await;
    let before = events(&server).await;
    assert!(!before.contains("reconciliation_mismatch"), "{before}");
    stop(server).await;

    let n_copies = replace(&folder.0.join("truetape.db"), r#""quantity":"10.0","fee":"#, r#""quantity":"30.0","fee":"#);
    assert!(n_copies >= 2, "in the journal and in the list of fills: {n_copies}");
    let server = serve(&folder.0).await;
    let after = events(&server).await;
    for named in ["reconciliation_mismatch", "order 1", "position in demo:ADA-SIM"] {
        assert!(after.contains(named), "{named} is not in {after}");
    }
    // Nothing was corrected, and nothing is refused.
    let rest = Rest::of(&server);
    assert_eq!(rest.get("positions").await.with(200)[0]["quantity"], "10");
    rest.best().await;
    rest.post("orders", resting("t-3", "100.0")).await.with(201);
    stop(server).await;
}
