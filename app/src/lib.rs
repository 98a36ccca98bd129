//! The page: shell, pages, components and live data. Compiled twice: for the server with `ssr`, for the browser with
//! `hydrate`; both must write the same first view, so nothing here reads a clock, a locale or chance while it renders.
//!
//! # Layout
//! - [`shell`]: the document and what surrounds all pages · [`pages`]: one folder a page, and their list
//! - [`live`]: the one connection and what it brought · [`fragment`]: regions that refresh by themselves
//! - [`components`]: small pieces · [`chart`]: the chart on a canvas · [`quality`]: what is said about the data's quality
//! - [`selection`]: the shown instrument · [`settings`]: what the reader chose · [`format`]: numbers as text

pub mod chart;
pub mod components;
pub mod format;
pub mod fragment;
pub mod live;
pub mod pages;
pub mod quality;
pub mod selection;
pub mod settings;
pub mod shell;

pub use shell::{App, shell};
