//! The list of strategies: one line each.

use std::collections::BTreeMap;

use model::{
    instrument::Instrument,
    trading::{
        account::FeeRates,
        refusal::{DenyCode, Refusal},
    },
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{contract::Strategy, cross::Cross, follow::Follow, grid::Grid};

/// Makes [`KINDS`] and [`AnyStrategy`] from the list.
macro_rules! strategies {
    ($($name:literal: $variant:ident($kind:ty),)*) => {
        /// The kinds of strategies.
        pub const KINDS: [&str; [$($name),*].len()] = [$($name),*];

        /// One of the strategies.
        #[derive(Clone, Debug)]
        pub enum AnyStrategy {
            $(#[doc = concat!("`", $name, "`.")] $variant(Box<$kind>),)*
        }

        impl AnyStrategy {
            /// Makes a strategy of its settings; with a memory that is not empty, as it was.
            ///
            /// # Errors
            /// An unknown kind, settings that make no sense, or a memory that is not of this kind.
            pub fn create(
                kind: &str,
                settings: &str,
                memory: &BTreeMap<String, String>,
                instrument: &Instrument,
                fees: FeeRates,
            ) -> Result<Self, Refusal> {
                match kind {
                    $($name => {
                        let made = <$kind>::new(read("settings", settings)?, instrument, fees)?;
                        let restored = if memory.is_empty() { made } else { made.restored(memory)? };
                        Ok(Self::$variant(Box::new(restored)))
                    })*
                    _ => {
                        let kind: String = kind.chars().take(64).collect();
                        let message = format!("unknown kind of strategy {kind:?}; known are {}", KINDS.join(", "));
                        Err(Refusal::new(DenyCode::UnknownStrategy, message))
                    }
                }
            }

            /// Returns the strategy.
            pub fn as_strategy(&self) -> &dyn Strategy {
                match self {
                    $(Self::$variant(strategy) => &**strategy,)*
                }
            }

            /// Returns the strategy to take an event in.
            pub fn as_strategy_mut(&mut self) -> &mut dyn Strategy {
                match self {
                    $(Self::$variant(strategy) => &mut **strategy,)*
                }
            }
        }
    };
}

strategies! {
    "grid": Grid(Grid),
    "ma_cross": Cross(Cross),
    "signals": Follow(Follow),
}

/// Reads a part of a memory.
pub(crate) fn part<T: DeserializeOwned>(memory: &BTreeMap<String, String>, name: &str) -> Result<T, Refusal> {
    let missing = || Refusal::new(DenyCode::BadStrategy, format!("the strategy's memory has no part {name:?}"));
    read("memory", memory.get(name).ok_or_else(missing)?)
}

/// Writes a part of a memory.
pub(crate) fn text(part: &impl Serialize) -> String {
    serde_json::to_string(part).expect("invariant: it has string keys only")
}

fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Refusal> {
    serde_json::from_str(text)
        .map_err(|error| Refusal::new(DenyCode::BadStrategy, format!("the strategy's {what} cannot be read: {error}")))
}
