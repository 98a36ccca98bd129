//! The chart's colours and font from the current style sheet.
//!
//! Custom properties hold any CSS colour (`oklch(…)`, `#rgb`, names); painting a pixel with it reveals its sRGB value.

use chart::theme::{Rgb, Theme};
use leptos::prelude::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement};

/// The properties set by the chart's style sheet.
const PROPERTIES: [&str; N_COLOURS] = [
    "--chart-background",
    "--chart-grid",
    "--chart-border",
    "--chart-text",
    "--chart-muted",
    "--chart-indicator-1",
    "--chart-indicator-2",
    "--chart-indicator-3",
    "--chart-indicator-4",
    "--chart-indicator-5",
    "--chart-indicator-6",
    "--chart-up",
    "--chart-down",
];

const N_COLOURS: usize = 13;

/// The colours as pixels of a canvas.
const WIDTH: u32 = 13;

/// Returns the colours and the font stack of `element`; the dark preset if there is no style sheet.
pub(super) fn palette(element: &Element) -> (Theme, String) {
    let style = window().get_computed_style(element).ok().flatten();
    let property =
        |name: &str| style.as_ref().and_then(|style| style.get_property_value(name).ok()).unwrap_or_default();
    let family = match property("font-family") {
        family if family.is_empty() => "sans-serif".to_owned(),
        family => family,
    };
    let colours = PROPERTIES.map(|name| property(name).trim().to_owned());
    (theme(&colours).unwrap_or_default(), family)
}

fn theme(colours: &[String; N_COLOURS]) -> Option<Theme> {
    if colours.iter().any(String::is_empty) {
        return None;
    }
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(WIDTH);
    canvas.set_height(1);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    for (x, colour) in (0_u8..).zip(colours) {
        context.set_fill_style_str(colour);
        context.fill_rect(f64::from(x), 0.0, 1.0, 1.0);
    }
    let pixels = context.get_image_data(0.0, 0.0, f64::from(WIDTH), 1.0).ok()?.data();
    let mut found = pixels.chunks_exact(4).map(|pixel| Rgb(pixel[0], pixel[1], pixel[2]));
    Some(Theme {
        background: found.next()?,
        grid: found.next()?,
        border: found.next()?,
        text: found.next()?,
        muted: found.next()?,
        indicators: [found.next()?, found.next()?, found.next()?, found.next()?, found.next()?, found.next()?],
        up: found.next()?,
        down: found.next()?,
    })
}
