//! Small pieces without a business of their own, each with its CSS beside it.

pub mod figure;
pub mod flash_price;
pub mod icon;
pub mod room;
pub mod status_mark;
