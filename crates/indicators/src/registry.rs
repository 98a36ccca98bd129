//! The list of all indicators: one line each.
//!
//! A new indicator is a file in `kinds/`, a line in `kinds.rs` and a line here.

use crate::{
    bar::Bar,
    definition::Definition,
    kind::{Kind, Settings},
    kinds,
    values::Values,
    words::Words,
};

/// Returns the specifications of all indicators, alphabetical by name.
pub fn definitions() -> &'static [&'static Definition] {
    DEFINITIONS
}

macro_rules! indicators {
    ($($module:ident: $kind:ident,)*) => {
        static DEFINITIONS: &[&Definition] = &[$(<kinds::$module::$kind as Kind>::DEFINITION),*];

        /// A running indicator of any kind.
        #[derive(Clone, Debug)]
        pub(crate) enum Running {
            $($kind(kinds::$module::$kind)),*
        }

        impl Running {
            /// Starts an indicator without history.
            pub(crate) fn new(definition: &'static Definition, settings: &Settings<'_>) -> Self {
                $(
                    if definition.name == <kinds::$module::$kind as Kind>::DEFINITION.name {
                        return Self::$kind(Kind::new(settings));
                    }
                )*
                unreachable!("every definition is of a kind in this list")
            }

            /// Takes a closed bar.
            #[inline(always)]
            pub(crate) fn update(&mut self, bar: &Bar, price: f64) -> Values {
                match self {
                    $(Self::$kind(kind) => kind.update(bar, price)),*
                }
            }

            /// Takes closed bars by their close, and adds their rows as `row` makes them.
            pub(crate) fn run<R>(&mut self, bars: &[Bar], rows: &mut Vec<R>, row: impl Fn(&Bar, Values) -> R) {
                match self {
                    $(Self::$kind(kind) => kind.run(bars, rows, row)),*
                }
            }

            /// Returns what `update` would.
            #[inline(always)]
            pub(crate) fn peek(&self, bar: &Bar, price: f64) -> Values {
                match self {
                    $(Self::$kind(kind) => kind.peek(bar, price)),*
                }
            }

            /// Adds the row of the forming bar, as `row` makes it.
            pub(crate) fn look<R>(&self, bar: &Bar, price: f64, rows: &mut Vec<R>, row: impl Fn(&Bar, Values) -> R) {
                match self {
                    $(Self::$kind(kind) => kind.look(bar, price, rows, row)),*
                }
            }

            /// Saves or loads the state.
            pub(crate) fn words(&mut self, words: &mut Words<'_>) {
                match self {
                    $(Self::$kind(kind) => kind.words(words)),*
                }
            }
        }
    };
}

// Alphabetical.
indicators! {
    adx: Adx,
    aroon: Aroon,
    atr: Atr,
    avwap: Avwap,
    bb: Bb,
    cci: Cci,
    cmf: Cmf,
    cvd: Cvd,
    delta: Delta,
    dema: Dema,
    donchian: Donchian,
    ema: Ema,
    hma: Hma,
    ichimoku: Ichimoku,
    imbalance: Imbalance,
    kama: Kama,
    keltner: Keltner,
    linreg: LinReg,
    macd: Macd,
    mfi: Mfi,
    microprice: Microprice,
    mom: Mom,
    natr: Natr,
    obv: Obv,
    ofi: Ofi,
    psar: Psar,
    rma: Rma,
    roc: Roc,
    rsi: Rsi,
    rv: Rv,
    sma: Sma,
    stddev: StdDev,
    stoch: Stoch,
    stochrsi: StochRsi,
    supertrend: Supertrend,
    t3: T3,
    tema: Tema,
    trix: Trix,
    tsi: Tsi,
    vortex: Vortex,
    vwap: Vwap,
    vwma: Vwma,
    willr: WillR,
    wma: Wma,
}
