//! Trade conditions of US stocks: whether a trade's price is the market's.
//!
//! Source: the table of trade conditions that <https://finnhub.io/docs/api/websocket-trades> links to
//! (<https://docs.google.com/spreadsheets/d/1PUxiSWPHSODbaTaoL2Vef6DgU-yFtlRGZf19oBb9Hp0>), whose columns say whether a
//! condition updates last price, high and low, and volume. Of several conditions the most restrictive one counts. Two
//! that the consolidated tape leaves out of its last price count here, because their price is the market's at that
//! moment: odd lots (12), and trades outside regular hours (24). Not here: parsing a frame ([`super::frame`]).

/// Effect of a trade on price and volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Price and volume.
    Market,
    /// Volume: reported late or out of sequence, or at a price made elsewhere.
    VolumeOnly,
    /// Nothing: it repeats a price of trades that were reported before.
    Nothing,
}

/// Returns the effect of a trade with these conditions, the venue's list verbatim (`["1","12"]`, `null`).
pub(super) fn effect(conditions: &str) -> Effect {
    let codes = conditions.split(|letter: char| !letter.is_ascii_digit()).filter(|code| !code.is_empty());
    codes.map(effect_of).max().unwrap_or(Effect::Market)
}

fn effect_of(code: &str) -> Effect {
    match code {
        // Average price · cash sale · bunched sold · price variation · CAP election · next day · prior reference price ·
        // seller · extended hours, sold out of sequence · contingent · stock option · sold out of sequence ·
        // derivatively priced · qualified contingent.
        "3" | "5" | "9" | "10" | "11" | "17" | "21" | "22" | "25" | "26" | "27" | "30" | "32" | "37" => {
            Effect::VolumeOnly
        }
        // Contingent and qualified contingent by the numbers of the feed behind it.
        "52" | "53" => Effect::VolumeOnly,
        // A market centre's official close and open, the corrected consolidated close.
        "16" | "20" | "39" => Effect::Nothing,
        _ => Effect::Market,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_restrictive_condition_counts() {
        #[track_caller]
        fn check(conditions: &str, expected: Effect) {
            assert_eq!(effect(conditions), expected, "{conditions}");
        }
        for ordinary in
            ["null", "[]", r#"["1"]"#, r#"["1","12"]"#, r#"["1","24","12"]"#, r#"["1","8","41"]"#, r#"["x"]"#]
        {
            check(ordinary, Effect::Market);
        }
        check(r#"["53","52","41"]"#, Effect::VolumeOnly);
        check(r#"["1", "3"]"#, Effect::VolumeOnly);
        check("[32]", Effect::VolumeOnly);
        check(r#"["1","25"]"#, Effect::VolumeOnly);
        check(r#"["30","16"]"#, Effect::Nothing);
        check(r#"["300"]"#, Effect::Market);
    }
}
