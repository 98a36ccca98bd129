//! Fifty writers at once for `DESK_WRITERS_SECS` seconds, 2 by default: nobody hears of a busy database.

use std::time::{Duration, Instant};

use super::rest::{Folder, Rest, resting, serve};

const N_WRITERS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_writers_are_all_served() {
    let secs: u64 = std::env::var("DESK_WRITERS_SECS").map_or(2, |text| text.parse().unwrap());
    let folder = Folder::new("writers");
    let server = serve(&folder.0).await;
    let rest = Rest::of(&server);
    rest.best().await;
    rest.put("risk", serde_json::json!({ "limits": {} })).await.with(200);
    let end = Instant::now() + Duration::from_secs(secs);
    let write = |writer: usize| {
        let rest = rest.clone();
        async move {
            let mut times = Vec::new();
            for number in 0.. {
                let asked = Instant::now();
                if asked >= end {
                    break;
                }
                // A refusal of any kind ends the test.
                let order = rest.post("orders", resting(&format!("w{writer}-{number}"), "100.0")).await.with(201);
                times.push(asked.elapsed());
                // Open orders stay few: what is measured is the writing.
                rest.delete(&format!("orders/{}", order["order_id"].as_str().unwrap())).await.with(200);
            }
            times
        }
    };
    let writers: Vec<_> = (0..N_WRITERS).map(|writer| tokio::spawn(write(writer))).collect();
    let mut times = Vec::new();
    for writer in writers {
        times.extend(writer.await.unwrap());
    }
    times.sort_unstable();
    let at = |per_cent: usize| times[(times.len() - 1) * per_cent / 100];
    println!(
        "{N_WRITERS} writers, {secs} s: {} orders placed and cancelled, 0 refused; placed within p50 {:?}, p99 {:?}",
        times.len(),
        at(50),
        at(99)
    );
}
