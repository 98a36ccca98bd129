//! A node's valid answers. It only gets requests: there are no frames.

use venues::session::HttpRequest;

use super::{
    answers::Answers,
    node::{Node, POOL},
};

pub(crate) struct Uniswap;

impl Answers for Uniswap {
    const NAME: &'static str = "uniswap";
    const SYMBOL: &'static str = POOL;

    fn answer(request: &HttpRequest) -> String {
        let number = request.id.0;
        let mut node = Node { block: 1_000 + number, logs: Vec::new() };
        node.swap(999 + number, number, 2_000_000_000, 1_000_000_000_000_000_000);
        node.answer(request)
    }
}
