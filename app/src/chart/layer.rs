//! One canvas of the chart's stack.

use std::{cell::RefCell, rc::Rc};

use chart::draw::{Area, DrawResult};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::backend::CanvasBackend;

/// A canvas and the backend that draws on it.
#[derive(Debug)]
pub(super) struct Layer {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    backend: Rc<RefCell<CanvasBackend>>,
    is_blank: bool,
}

impl Layer {
    /// Creates a layer; `None` if the browser gives no context (too many, or permanently lost).
    pub(super) fn new(canvas: HtmlCanvasElement) -> Option<Self> {
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let backend = Rc::new(RefCell::new(CanvasBackend::new(context.clone())));
        Some(Self { canvas, context, backend, is_blank: true })
    }

    /// Sets the size in device pixels. Resizing a canvas clears it.
    pub(super) fn resize(&mut self, (width, height): (u32, u32)) {
        if (self.canvas.width(), self.canvas.height()) != (width, height) {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
            self.is_blank = true;
        }
        self.backend.borrow_mut().set_size((width, height));
    }

    /// Returns the width of one digit of a font in device pixels.
    pub(super) fn digit_width(&self, px: f64, family: &str) -> f64 {
        self.backend.borrow().digit_width(px, family)
    }

    /// Clears and draws.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&Area<CanvasBackend>) -> DrawResult<CanvasBackend>) {
        self.blank();
        self.is_blank = false;
        let area = Area::from(&self.backend);
        // The backend cannot fail, and nothing else borrows it.
        let _never = draw(&area).and_then(|()| area.present());
    }

    /// Clears the canvas.
    pub(super) fn blank(&mut self) {
        if !self.is_blank {
            self.context.clear_rect(0.0, 0.0, f64::from(self.canvas.width()), f64::from(self.canvas.height()));
            self.is_blank = true;
        }
    }
}
