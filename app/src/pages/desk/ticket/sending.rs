//! From a press of Buy or Sell to the answer: the question, the order under way, and its outcome.
//!
//! Every order has a name of its own. A lost connection repeats it under that name, so that it is placed once at most; if
//! its outcome stays unknown, the reader can send it again, still under the same name.

use leptos::prelude::*;
use model::trading::order::{Order, OrderRequest, Side};

use crate::{live::Live, pages::desk::actions::code_and_sentence};

/// Stage of an order of the ticket.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Stage {
    /// Nothing was pressed, or the reader went back.
    #[default]
    Editing,
    /// The reader is asked whether to send it.
    Asking {
        /// The order as it will be sent.
        request: Box<OrderRequest>,
        /// All of it, in words.
        words: String,
    },
    /// It was sent; the answer has not arrived.
    Sending(Box<OrderRequest>),
    /// The desk has taken it.
    Accepted(Box<Order>),
    /// It was refused, by the desk or by the ticket.
    Refused {
        /// The desk's code; empty if it was the ticket.
        code: String,
        /// Why, for people.
        sentence: String,
    },
    /// It is unknown whether the desk has it.
    Unsettled {
        /// The order, to be sent again under its name.
        request: Box<OrderRequest>,
        /// Explanation, for people.
        sentence: String,
    },
}

impl Stage {
    /// Returns the side of the order that the reader is asked about.
    pub fn asked(&self) -> Option<Side> {
        match self {
            Self::Asking { request, .. } => Some(request.side),
            _ => None,
        }
    }

    /// Returns the stage after the desk's answer to an order.
    pub fn answered(request: Box<OrderRequest>, answer: Result<Order, String>) -> Self {
        match answer {
            Ok(order) => Self::Accepted(Box::new(order)),
            Err(words) => match code_and_sentence(&words) {
                // Only the desk's refusals have a code: of what else went wrong, nobody knows how far it went.
                ("", sentence) => Self::Unsettled { request, sentence: sentence.to_owned() },
                (code, sentence) => Self::Refused { code: code.to_owned(), sentence: sentence.to_owned() },
            },
        }
    }
}

/// Sends an order; `stage` receives how far it has come. Browser only.
pub fn send(live: Live, request: Box<OrderRequest>, stage: RwSignal<Stage>) {
    stage.set(Stage::Sending(request.clone()));
    #[cfg(feature = "browser")]
    leptos::task::spawn_local(async move {
        let answer = place(live, &request).await;
        // The ticket may be gone.
        let _gone = stage.try_set(Stage::answered(request, answer));
    });
    #[cfg(not(feature = "browser"))]
    let _only_browsers_send = live;
}

#[cfg(feature = "browser")]
async fn place(live: Live, request: &OrderRequest) -> Result<Order, String> {
    use model::trading::command::DeskCommand;

    let answer = live.send_desk(DeskCommand::PlaceOrder(Box::new(request.clone()))).await?;
    serde_json::from_str(answer.as_str())
        .map_err(|_| "the desk's answer cannot be read; see the open orders".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_with_a_code_is_one() {
        let text = r#"{"client_order_id":"a-1","instrument":"demo:A","side":"sell","type":"market","quantity":"1"}"#;
        let request: Box<OrderRequest> = serde_json::from_str(text).unwrap();
        let of = |words: &str| Stage::answered(request.clone(), Err(words.to_owned()));
        assert_eq!(
            of("max_order_value: the limit is 5 USD"),
            Stage::Refused { code: "max_order_value".to_owned(), sentence: "the limit is 5 USD".to_owned() }
        );
        for words in [
            "no connection to the server; try again once it is back",
            "the connection was lost before the answer came; check whether the command took effect",
        ] {
            let unsettled = Stage::Unsettled { request: request.clone(), sentence: words.to_owned() };
            assert_eq!(of(words), unsettled, "the same name is sent again");
        }
        assert_eq!(Stage::Asking { request, words: String::new() }.asked(), Some(Side::Sell));
    }
}
