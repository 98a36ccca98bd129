//! Checks that the table of venues in `docs/venues.md` matches the code. `UPDATE=1` rewrites it.

use std::fmt::Write as _;

use venues::registry::{VenueInfo, first_symbols, venues};

const BEGIN: &str =
    "<!-- The table is written by the test `document` of crates/venues: UPDATE=1 writes it again. -->\n";
const END: &str = "<!-- End of the table. -->\n";

fn table() -> String {
    let mut table = String::from(
        "| venue | WebSocket | REST | book | trades | candles | token | from the browser | first symbols |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for info in venues() {
        writeln!(table, "{}", row(info)).unwrap();
    }
    table
}

fn row(info: &VenueInfo) -> String {
    let can = info.capabilities;
    let word = |is_so: bool| if is_so { "yes" } else { "–" };
    let title = if can.is_simulated { format!("{} (simulated)", info.title) } else { info.title.to_owned() };
    let symbols: Vec<String> = first_symbols(info.name).iter().map(|symbol| format!("`{symbol}`")).collect();
    let first = match symbols.as_slice() {
        [] if can.is_simulated => "all".to_owned(),
        [] => "–".to_owned(),
        symbols => symbols.join(" "),
    };
    format!(
        "| {title}, `{}` | {} | {} | {} | {} | {} | {} | {} | {first} |",
        info.name,
        word(can.websocket),
        word(can.rest),
        word(can.book),
        word(can.trades),
        match (can.candles, can.history_needs_token) {
            (true, true) => "yes; past with a key or address",
            (can, _) => word(can),
        },
        match (can.needs_token, can.history_needs_token) {
            (true, _) => "needed",
            (false, true) => "for history",
            (false, false) => "–",
        },
        word(can.may_be_opened_from_browser),
    )
}

#[test]
fn the_document_says_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/venues.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (head, rest) = document.split_once(BEGIN).unwrap();
    let (_old, tail) = rest.split_once(END).unwrap();
    let expected = format!("{head}{BEGIN}\n{}\n{END}{tail}", table());
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        std::fs::write(path, expected).unwrap();
    } else {
        assert_eq!(document, expected, "run this test with UPDATE=1");
    }
}
