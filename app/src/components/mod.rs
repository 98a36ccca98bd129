//! Small general components, each with its CSS beside it.

pub mod budget_bar;
pub mod cross_check;
pub mod figure;
pub mod flash_price;
pub mod icon;
pub mod long_table;
pub mod option_list;
pub mod page_head;
pub mod room;
pub mod source_choice;
pub mod status_light;
pub mod status_mark;
pub mod status_popover;
pub mod tone;
pub mod unsupported;
