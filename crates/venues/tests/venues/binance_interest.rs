//! Books of Binance in order of interest, under virtual time: those that somebody looks at come first, with as many levels
//! as are looked at; the rest costs little.

use std::collections::VecDeque;

use model::{event::BookInterest, instrument::InstrumentId, proof::BookState};
use venues::session::{HttpRequest, Input, Output};

use crate::support::{Rig, depth, depth_of, exchange_info, id, listed, mini_ticker};

/// A feed of many symbols and its REST server, which takes 200 ms for an answer.
struct Crowd {
    rig: Rig,
    asked: VecDeque<(u64, HttpRequest)>,
}

const LATENCY_MS: u64 = 200;

fn name(number: usize) -> String {
    format!("S{number}USDT")
}

impl Crowd {
    fn connected(n_symbols: usize) -> Self {
        let names: Vec<String> = (0..n_symbols).map(name).collect();
        let mut rig = Rig::new(&listed(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        for (_, connection, _) in rig.connects() {
            rig.input(Input::Connected(connection));
            rig.acknowledge(connection);
        }
        let mut crowd = Self { rig, asked: VecDeque::new() };
        crowd.serve();
        crowd
    }

    /// Takes new requests, and answers those whose time has come.
    fn serve(&mut self) {
        let now_ms = self.rig.now_ms;
        for output in self.rig.take() {
            if let Output::Http(request) = output {
                self.asked.push_back((now_ms + LATENCY_MS, request));
            }
        }
        while let Some((_, request)) = self.asked.pop_front_if(|(due, _)| *due <= now_ms) {
            let symbol = &request.query[0].1;
            let body = match request.path.as_ref() {
                "/api/v3/depth" => book(request.query[1].1.parse().unwrap()),
                "/api/v3/exchangeInfo" => {
                    let names: Vec<String> = serde_json::from_str(symbol).unwrap();
                    exchange_info(&names.iter().map(String::as_str).collect::<Vec<_>>())
                }
                _ => "[]".to_owned(),
            };
            self.rig.answer(request.id, 200, None, &body);
        }
    }

    /// Lets time pass in steps of 50 ms; the connections stay alive.
    fn run(&mut self, millis: u64) {
        for _ in 0..millis / 50 {
            self.rig.run(50);
            for (idx, (_, connection, _)) in self.rig.connects().into_iter().enumerate() {
                let time_ms = i64::try_from(self.rig.now_ms).unwrap();
                self.rig.frame(connection, &mini_ticker(&name(idx * 250), time_ms));
            }
            self.serve();
        }
    }

    fn look_at(&mut self, books: &[(usize, BookInterest)]) {
        let mut books: Vec<(InstrumentId, BookInterest)> =
            books.iter().map(|(number, interest)| (id(&name(*number)), *interest)).collect();
        books.sort();
        self.rig.input(Input::Interest(&books));
    }

    fn is_live(&self, number: usize) -> bool {
        self.rig.book(&name(number)).state == BookState::Live
    }

    fn n_live(&self) -> usize {
        self.rig.session.books().values().filter(|book| book.state == BookState::Live).count()
    }

    fn depths(&self, number: usize) -> Vec<String> {
        let requests = self.rig.all_requests().into_iter();
        let own =
            requests.filter(|(_, request)| request.path.ends_with("/depth") && request.query[0].1 == name(number));
        own.map(|(_, request)| request.query[1].1.clone()).collect()
    }
}

/// A book around 1,000.00, as many levels a side as requested, a cent apart.
fn book(n_levels: u64) -> String {
    let row = |cents: u64| format!(r#"["{}.{:02}","1.0"]"#, cents / 100, cents % 100);
    let bids: Vec<String> = (1..=n_levels).map(|below| row(100_000 - below)).collect();
    let asks: Vec<String> = (0..n_levels).map(|above| row(100_000 + above)).collect();
    format!(r#"{{"lastUpdateId":10,"bids":[{}],"asks":[{}]}}"#, bids.join(","), asks.join(","))
}

#[test]
fn a_book_that_is_looked_at_comes_before_three_hundred_others() {
    let mut crowd = Crowd::connected(400);
    while crowd.n_live() < 60 {
        crowd.run(50);
    }
    let waiting = (0..400).rev().find(|number| !crowd.is_live(*number)).unwrap();
    assert!(400 - crowd.n_live() > 300, "{} wait", 400 - crowd.n_live());
    let begun = crowd.rig.now_ms;
    crowd.look_at(&[(waiting, BookInterest::Best)]);
    while !crowd.is_live(waiting) {
        crowd.run(50);
        assert!(crowd.rig.now_ms - begun <= 5_000, "{} are live", crowd.n_live());
    }
    // One that was looked at before comes before those that nobody has looked at.
    let before = (0..400).rev().find(|number| !crowd.is_live(*number)).unwrap();
    crowd.look_at(&[(before, BookInterest::Best)]);
    crowd.look_at(&[]);
    crowd.run(1_000);
    assert!(crowd.is_live(before));
    // And all of them within a minute, within half of what the venue allows.
    crowd.run(60_000 - (crowd.rig.now_ms - begun));
    assert_eq!(crowd.n_live(), 400);
    let weight: u32 = crowd.rig.all_requests().iter().map(|(_, request)| request.weight).sum();
    assert!(weight <= 3_000, "{weight}");
}

#[test]
fn whole_depth_is_fetched_for_those_who_look_at_it_and_the_book_goes_on_meanwhile() {
    let mut crowd = Crowd::connected(2);
    crowd.run(2_000);
    assert_eq!((crowd.depths(0), crowd.n_live()), (vec!["100".to_owned()], 2));
    crowd.look_at(&[(0, BookInterest::Deep)]);
    let connection = crowd.rig.connects()[0].1;
    let mut id = 10;
    for _ in 0..40 {
        id += 1;
        crowd.rig.frame(connection, &depth_of(&name(0), id, id, &format!(r#"["999.50","{id}"]"#), ""));
        assert!(crowd.is_live(0), "at {} ms", crowd.rig.now_ms);
        crowd.run(50);
        if crowd.depths(0).len() == 2 && crowd.asked.is_empty() {
            break;
        }
    }
    // The server's book is from before the changes, which are not lost.
    assert_eq!(crowd.depths(0), ["100", "1000"]);
    let book = crowd.rig.book(&name(0));
    assert_eq!((book.book.n_bids(), book.last_update_id), (1_000, Some(id)));
    let changed = book.book.bids().find(|level| level.price.to_string() == "999.50").unwrap();
    assert_eq!(changed.quantity.to_string(), id.to_string());
    assert_eq!((book.counters.gaps, book.counters.resyncs), (0, 0));
    crowd.rig.frame(connection, &depth(&name(0), id + 1, id + 1));
    assert_eq!(crowd.rig.book(&name(0)).last_update_id, Some(id + 1));
}
