//! The page: shell, pages, components and live data. Compiled twice: for the server with `ssr`, for the browser with
//! `browser`; the browser replaces the server's view with its own, so both must render the same first view: nothing
//! here reads a clock, a locale or random numbers while it renders.
//!
//! # Layout
//! - `mount`: how the browser takes over · [`route`]: the address · [`lazy`]: code loaded after the first view,
//!   [`parts`]: its components
//! - [`document`]: the surrounding HTML · `login`: the page of the login · [`root`]: the root component
//! - [`shell`]: the frame around all pages · [`pages`]: one folder a page, and their list
//! - [`live`]: the one connection and its data
//! - [`fragment`]: regions that refresh by themselves · [`cadence`]: how often they do
//! - [`components`]: small pieces · [`chart`]: the chart on a canvas · [`quality`]: the quality of the data
//! - [`selection`]: the shown instrument · [`settings`]: the reader's choices · [`format`]: numbers as text

pub mod cadence;
pub mod chart;
pub mod components;
pub mod document;
pub mod format;
pub mod fragment;
pub mod lazy;
pub mod live;
#[cfg(feature = "ssr")]
pub mod login;
#[cfg(feature = "browser")]
pub mod mount;
pub mod pages;
pub mod parts;
pub mod quality;
pub mod root;
pub mod route;
pub mod selection;
pub mod settings;
pub mod shell;

pub use document::shell;
pub use root::App;
