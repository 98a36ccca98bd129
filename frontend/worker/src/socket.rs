//! One connection to a venue, in the worker. Dropping it abandons the connection at once and disconnects its callbacks.
//!
//! A browser answers pings itself without showing them, and gives no reason if a connection could not be opened. Not
//! here: when to reconnect; the session decides.

use std::{cell::Cell, rc::Rc, time::Duration};

use venues::session::{CloseReason, ConnectionId, Input};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BinaryType, CloseEvent, DedicatedWorkerGlobalScope, MessageEvent, WebSocket};

use crate::shell::Shell;

/// A connection: waiting, opening or open.
pub(crate) struct Socket {
    scope: DedicatedWorkerGlobalScope,
    parts: Rc<Parts>,
    _on_due: Closure<dyn FnMut()>,
    _on_late: Closure<dyn FnMut()>,
}

/// The state shared by the callbacks and the socket.
#[derive(Default)]
struct Parts {
    open: Cell<Option<Open>>,
    /// Set while a timer runs: first for the delay, then for opening.
    timer: Cell<Option<i32>>,
}

struct Open {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens `url` after `after`; all events go to `shell`.
    pub(crate) fn open(
        shell: &Shell,
        scope: &DedicatedWorkerGlobalScope,
        connection: ConnectionId,
        url: String,
        after: Duration,
    ) -> Self {
        let parts = Rc::new(Parts::default());
        let late = shell.clone();
        let on_late = Closure::<dyn FnMut()>::new(move || {
            late.closed(connection, refused(format!("no connection within {} s", CONNECT_TIME.as_secs())));
        });
        let late_callback = on_late.as_ref().unchecked_ref::<js_sys::Function>().clone();
        let (own, shell) = (parts.clone(), shell.clone());
        let on_due = Closure::<dyn FnMut()>::new(move || {
            let scope = shell.scope();
            match Open::new(&shell, &own, connection, &url) {
                Some(open) => {
                    own.open.set(Some(open));
                    own.timer.set(set_timer(&scope, &late_callback, CONNECT_TIME));
                }
                None => shell.closed(connection, refused(format!("the browser rejects the address {url}"))),
            }
        });
        parts.timer.set(set_timer(scope, on_due.as_ref().unchecked_ref(), after));
        Self { scope: scope.clone(), parts, _on_due: on_due, _on_late: on_late }
    }

    /// Sends a text frame.
    pub(crate) fn send(&self, frame: &str) -> Result<(), CloseReason> {
        let Some(open) = self.parts.open.take() else { return Ok(()) };
        // One that closes takes nothing, and the browser would report each attempt. Its close event follows.
        if open.socket.ready_state() >= WebSocket::CLOSING {
            self.parts.open.set(Some(open));
            return Ok(());
        }
        let is_full = open.socket.buffered_amount() > MAX_BUFFERED;
        let sent = open.socket.send_with_str(frame);
        self.parts.open.set(Some(open));
        if is_full || sent.is_err() {
            return Err(CloseReason::Ended { code: None, detail: "frames are not being taken".to_owned() });
        }
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(timer) = self.parts.timer.take() {
            self.scope.clear_timeout_with_handle(timer);
        }
        if let Some(open) = self.parts.open.take() {
            open.socket.set_onopen(None);
            open.socket.set_onmessage(None);
            open.socket.set_onclose(None);
            let _closing = open.socket.close();
        }
    }
}

impl Open {
    fn new(shell: &Shell, parts: &Rc<Parts>, connection: ConnectionId, url: &str) -> Option<Self> {
        let socket = WebSocket::new(url).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let has_opened = Rc::new(Cell::new(false));
        let (opened, own, is_open) = (shell.clone(), parts.clone(), has_opened.clone());
        let on_open = Closure::<dyn FnMut()>::new(move || {
            is_open.set(true);
            if let Some(timer) = own.timer.take() {
                opened.scope().clear_timeout_with_handle(timer);
            }
            opened.input(Input::Connected(connection));
        });
        let heard = shell.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let data = event.data();
            if let Some(text) = data.as_string() {
                heard.input(Input::Frame(connection, &text));
            } else if let Some(buffer) = data.dyn_ref::<js_sys::ArrayBuffer>() {
                heard.input(Input::Binary(connection, &js_sys::Uint8Array::new(buffer).to_vec()));
            }
        });
        let shell = shell.clone();
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let reason = if has_opened.get() {
                CloseReason::Ended { code: Some(event.code()), detail: event.reason() }
            } else {
                refused("the browser could not connect and gives no reason".to_owned())
            };
            shell.closed(connection, reason);
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }
}

fn refused(detail: String) -> CloseReason {
    CloseReason::CannotConnect { status: None, retry_after: None, detail }
}

fn set_timer(scope: &DedicatedWorkerGlobalScope, callback: &js_sys::Function, after: Duration) -> Option<i32> {
    let millis = i32::try_from(after.as_millis()).unwrap_or(i32::MAX);
    scope.set_timeout_with_callback_and_timeout_and_arguments_0(callback, millis).ok()
}

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Messages to venues are small (subscriptions, pongs).
const MAX_BUFFERED: u32 = 1 << 20;
