//! The list of kinds: one file and one line each.

use model::alert::signal::LookFor;

use crate::signals::{
    combine,
    compile::Compiler,
    error::SignalError,
    leaf::{Leaf, Reading},
    node::Node,
    rows::View,
};

/// A condition that the page begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its name for people.
    pub title: &'static str,
    /// One sentence of what it finds.
    pub summary: &'static str,
    /// The condition with its defaults; its kind is [`LookFor::kind`].
    pub look_for: LookFor,
}

/// Makes all that goes through the list of kinds.
macro_rules! kinds {
    ($($variant:ident in $module:ident,)*) => {
        $(mod $module;)*

        /// One of the kinds.
        #[derive(Clone, Debug)]
        pub(crate) enum AnyLeaf {
            $($variant($module::$variant),)*
        }

        impl AnyLeaf {
            pub(crate) fn reading(&self, view: &View<'_>) -> Option<Reading> {
                match self {
                    $(Self::$variant(leaf) => leaf.reading(view),)*
                }
            }

            pub(crate) fn strength(&self, view: &View<'_>) -> f64 {
                match self {
                    $(Self::$variant(leaf) => leaf.strength(view),)*
                }
            }
        }

        /// Checks a condition.
        pub(crate) fn compile(look_for: &LookFor, compiler: &mut Compiler<'_>) -> Result<Node, SignalError> {
            match look_for {
                $(LookFor::$variant(settings) => {
                    let leaf = AnyLeaf::$variant($module::$variant::compile(settings, compiler)?);
                    Ok(Node::Leaf { leaf, meaning: $module::$variant::meaning(settings), slot: compiler.slot() })
                })*
                LookFor::All(settings) => combine::all(settings, compiler),
                LookFor::Any(settings) => combine::any(settings, compiler),
                LookFor::Weighted(settings) => combine::weighted(settings, compiler),
            }
        }

        /// Returns a condition as a clause in plain English (`EMA 12 crosses above EMA 26`).
        pub fn sentence(look_for: &LookFor) -> String {
            match look_for {
                $(LookFor::$variant(settings) => $module::$variant::sentence(settings),)*
                LookFor::All(settings) => combine::sentence_of_all(settings),
                LookFor::Any(settings) => combine::sentence_of_any(settings),
                LookFor::Weighted(settings) => combine::sentence_of_weighted(settings),
            }
        }

        /// Returns a condition of each kind to begin with, as menus list them.
        pub fn templates() -> Vec<Template> {
            let leaves = vec![$($module::$variant::template(),)*];
            leaves.into_iter().chain(combine::templates()).collect()
        }
    };
}

/// Returns the crossing that combinations begin with.
pub(crate) fn a_cross() -> LookFor {
    cross::Cross::template().look_for
}

/// Returns the breakout that combinations begin with.
pub(crate) fn a_breakout() -> LookFor {
    breakout::Breakout::template().look_for
}

kinds! {
    Cross in cross,
    Threshold in threshold,
    Breakout in breakout,
    Divergence in divergence,
    VolumeBurst in volume_burst,
    Spread in spread,
    Imbalance in imbalance,
    Move in price_move,
}
