//! Whatever a venue sends, its session counts it and continues: broken texts, absurd numbers, depth, length, duplicate
//! fields.
//!
//! One table of checks for the frames of four venues ([`frames`]) and one for the REST answers of five ([`answers`]);
//! each venue's valid texts are in its own file. Sample sizes: `docs/reliability.md`.

mod answers;
mod binance;
mod coinbase;
mod finnhub;
mod frames;
mod kraken;
mod mutation;
mod uniswap;

use crate::{coinbase_support, kraken_support, node, rest, size, support};

/// The checks of frames for a venue.
macro_rules! frame_checks {
    ($($room:ident: $venue:ty),*) => {$(
        mod $room {
            use crate::hostile::frames;

            #[test]
            fn every_truncation_is_malformed() {
                frames::every_truncation_is_malformed::<$venue>();
            }

            #[test]
            fn mistyped_and_absurd_values_are_malformed() {
                frames::mistyped_and_absurd_values_are_malformed::<$venue>();
            }

            #[test]
            fn doubled_members_and_other_breaches_are_malformed() {
                frames::doubled_members_and_other_breaches_are_malformed::<$venue>();
            }

            #[test]
            fn deep_nesting_fits_a_small_stack() {
                frames::deep_nesting_fits_a_small_stack::<$venue>();
            }

            #[test]
            fn long_frames_are_refused_before_they_are_read() {
                frames::long_frames_are_refused_before_they_are_read::<$venue>();
            }

            #[test]
            fn a_thousand_hostile_frames_are_counted_and_the_feed_goes_on() {
                frames::a_thousand_hostile_frames_are_counted_and_the_feed_goes_on::<$venue>();
            }

            #[test]
            fn any_text_is_survived() {
                frames::any_text_is_survived::<$venue>();
            }
        }
    )*};
}

/// The checks of REST answers for a venue.
macro_rules! answer_checks {
    ($($room:ident: $venue:ty),*) => {$(
        mod $room {
            use crate::hostile::answers;

            #[test]
            fn a_thousand_hostile_answers_are_counted_and_polling_goes_on() {
                answers::a_thousand_hostile_answers_are_counted_and_polling_goes_on::<$venue>();
            }

            #[test]
            fn deep_answers_fit_a_small_stack() {
                answers::deep_answers_fit_a_small_stack::<$venue>();
            }
        }
    )*};
}

frame_checks!(
    frames_of_binance: crate::hostile::binance::Binance,
    frames_of_coinbase: crate::hostile::coinbase::Coinbase,
    frames_of_finnhub: crate::hostile::finnhub::Finnhub,
    frames_of_kraken: crate::hostile::kraken::Kraken
);

answer_checks!(
    answers_of_binance: crate::hostile::binance::Binance,
    answers_of_coinbase: crate::hostile::coinbase::Coinbase,
    answers_of_finnhub: crate::hostile::finnhub::Finnhub,
    answers_of_kraken: crate::hostile::kraken::Kraken,
    answers_of_uniswap: crate::hostile::uniswap::Uniswap
);
