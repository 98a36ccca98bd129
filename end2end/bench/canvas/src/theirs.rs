//! One canvas of the stack through plotters-canvas: the counterpart of the page's own `layer.rs`.
//!
//! plotters-canvas uses plotters' text size as pixels, while SVG and the page's backend first divide it by 1.24.
//! [`TheirBackend`] divides it too and passes everything else on unchanged, so that both draw the same picture.

use std::{cell::RefCell, rc::Rc};

use chart::draw::{Area, DrawResult, PLOTTERS_SIZE};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily,
    FontStyle, FontTransform, text_anchor::Pos,
};
use plotters_canvas::CanvasBackend;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// A canvas and the backend that draws on it.
pub(crate) struct TheirLayer {
    context: CanvasRenderingContext2d,
    size: (u32, u32),
    backend: Rc<RefCell<TheirBackend>>,
    is_blank: bool,
}

impl TheirLayer {
    /// Creates a layer; `None` if the browser gives no context.
    pub(crate) fn new(canvas: HtmlCanvasElement) -> Option<Self> {
        let context = crate::context_of(&canvas)?;
        let size = (canvas.width(), canvas.height());
        let backend = Rc::new(RefCell::new(TheirBackend(CanvasBackend::with_canvas_object(canvas)?)));
        Some(Self { context, size, backend, is_blank: true })
    }

    /// Clears and draws.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(&Area<TheirBackend>) -> DrawResult<TheirBackend>) {
        self.blank();
        self.is_blank = false;
        let area = Area::from(&self.backend);
        draw(&area).and_then(|()| area.present()).expect("invariant: whole coordinates");
    }

    /// Clears the canvas.
    pub(crate) fn blank(&mut self) {
        if !self.is_blank {
            self.context.clear_rect(0.0, 0.0, f64::from(self.size.0), f64::from(self.size.1));
            self.is_blank = true;
        }
    }
}

/// plotters-canvas with texts of the size that the chart intends.
pub(crate) struct TheirBackend(CanvasBackend);

type Error = <CanvasBackend as DrawingBackend>::ErrorType;
type Drawn = Result<(), DrawingErrorKind<Error>>;

impl DrawingBackend for TheirBackend {
    type ErrorType = Error;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Drawn {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Drawn {
        self.0.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.0.draw_pixel(point, color)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.0.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        self.0.draw_rect(from, to, style, fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.0.draw_path(path, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        self.0.draw_text(text, &InPixels(style), at)
    }
}

/// A text style whose size is the font's.
struct InPixels<'a, S>(&'a S);

impl<S: BackendTextStyle> BackendTextStyle for InPixels<'_, S> {
    type FontError = S::FontError;

    fn color(&self) -> BackendColor {
        self.0.color()
    }

    fn size(&self) -> f64 {
        self.0.size() / PLOTTERS_SIZE
    }

    fn transform(&self) -> FontTransform {
        self.0.transform()
    }

    fn style(&self) -> FontStyle {
        self.0.style()
    }

    fn anchor(&self) -> Pos {
        self.0.anchor()
    }

    fn family(&self) -> FontFamily<'_> {
        self.0.family()
    }

    fn layout_box(&self, text: &str) -> Result<((i32, i32), (i32, i32)), Self::FontError> {
        self.0.layout_box(text)
    }

    fn draw<E, DrawFunc: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        text: &str,
        pos: BackendCoord,
        draw: DrawFunc,
    ) -> Result<Result<(), E>, Self::FontError> {
        self.0.draw(text, pos, draw)
    }
}
