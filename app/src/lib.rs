//! The page: shell, pages, components and live data. Compiled twice: for the server with `ssr`, for the browser with
//! `browser`; the browser puts its own view in the place of the server's, so both must write the same first one: nothing
//! here reads a clock, a locale or chance while it renders.
//!
//! # Layout
//! - `mount`: how the browser takes over · [`route`]: the address · [`lazy`]: code loaded after the first view,
//!   [`parts`]: the components it consists of
//! - [`document`]: the HTML around all · [`root`]: the root component
//! - [`shell`]: what surrounds all pages · [`pages`]: one folder a page, and their list
//! - [`live`]: the one connection and what it brought
//! - [`fragment`]: regions that refresh by themselves · [`cadence`]: how often they do
//! - [`components`]: small pieces · [`chart`]: the chart on a canvas · [`quality`]: what is said about the data's quality
//! - [`selection`]: the shown instrument · [`settings`]: what the reader chose · [`format`]: numbers as text

pub mod cadence;
pub mod chart;
pub mod components;
pub mod document;
pub mod format;
pub mod fragment;
pub mod lazy;
pub mod live;
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
