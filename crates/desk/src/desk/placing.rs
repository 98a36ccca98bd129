//! Placing, changing and cancelling orders, and what else a trader asks for.

use model::{
    decimal::Quantity,
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        command::{AmendOrder, CancelAll, CancelOrder, ClosePosition, DeskReply, OpenAccount, SetLimits},
        order::{
            BracketLeg, ClientOrderId, Order, OrderId, OrderRequest, OrderState, OrderType, Side, TimeInForce, Trail,
            TriggerSource,
        },
        record::Record,
        refusal::{DenyCode, Refusal},
        strategy::StrategyId,
    },
};
use portfolio::{claim::Claim, risk};

use crate::{
    checks::{check_amendment, check_request, unknown_instrument},
    desk::Desk,
};

impl Desk {
    /// Places an order and, where it has a bracket, its legs.
    pub(super) fn place(
        &mut self,
        request: OrderRequest,
        strategy: Option<&StrategyId>,
        now: Timestamp,
    ) -> Result<DeskReply, Refusal> {
        let account = self.account_of(request.account.as_ref())?.account.account.clone();
        if let Some(known) = self.state.order_named(&account, &request.client_order_id) {
            return repeated(known, &request);
        }
        self.check_kill()?;
        let instrument = self
            .instruments
            .get(&request.instrument)
            .cloned()
            .ok_or_else(|| unknown_instrument(&request.instrument))?;
        check_request(&request, &instrument, now)?;
        let request = self.with_trail(request)?;
        self.check_risk(&account, &Claim::of_request(&request), now)?;
        self.paces.entry(account.clone()).or_default().note(now);
        Ok(self.accept(request, account, strategy, now))
    }

    /// Gives a trailing stop that names only its stop price the distance of that from the price now: it must be in the
    /// journal, as the price of its acceptance is gone after a restart.
    fn with_trail(&self, request: OrderRequest) -> Result<OrderRequest, Refusal> {
        let (OrderType::TrailingStop, None, Some(stop)) = (request.kind, request.trail, request.stop_price) else {
            return Ok(request);
        };
        let mark = self.market.mark(&request.instrument);
        let price = match (request.trigger, request.side) {
            (TriggerSource::Last, _) => mark.last,
            (TriggerSource::BidAsk, Side::Buy) => mark.ask,
            (TriggerSource::BidAsk, Side::Sell) => mark.bid,
        };
        let distance = price.and_then(|price| price.max(stop).checked_sub(price.min(stop)));
        let distance = distance.ok_or_else(|| {
            let message = format!(
                "no price of {} is known to measure the distance of stop_price {stop} from; give trail, or wait until it is",
                request.instrument
            );
            Refusal::new(DenyCode::NoPrice, message)
        })?;
        Ok(OrderRequest { trail: Some(Trail::Offset(distance)), ..request })
    }

    /// Accepts an order that has passed all checks, or that the desk itself wants.
    pub(super) fn accept(
        &mut self,
        request: OrderRequest,
        account: AccountId,
        strategy: Option<&StrategyId>,
        now: Timestamp,
    ) -> DeskReply {
        let instrument = self.instruments.get(&request.instrument);
        if let Some(instrument) = instrument.filter(|listed| self.state.instruments.get(&listed.id) != Some(&***listed))
        {
            self.emit(Record::InstrumentListed(Box::new((**instrument).clone())));
        }
        let entry = Order { strategy: strategy.cloned(), ..self.unsubmitted(&request, account, now) };
        let stop = request.stop_loss.map(|price| (BracketLeg::StopLoss, OrderType::Stop, price));
        let target = request.take_profit.map(|price| (BracketLeg::TakeProfit, OrderType::TakeProfit, price));
        let legs: Vec<Order> = [stop, target]
            .into_iter()
            .flatten()
            .zip(1..)
            .map(|((leg, kind, stop_price), number)| Order {
                order_id: OrderId(entry.order_id.0 + number),
                client_order_id: leg_name(&entry.client_order_id, leg),
                side: entry.side.opposite(),
                kind,
                price: None,
                stop_price: Some(stop_price),
                trail: None,
                trigger: TriggerSource::Last,
                time_in_force: TimeInForce::Gtc,
                expire_time_ms: None,
                post_only: false,
                reduce_only: true,
                bracket: Some((entry.order_id, leg)),
                state: OrderState::Held,
                ..entry.clone()
            })
            .collect();
        // The legs first: the entry may fill at once.
        let entry_id = entry.order_id;
        for order in std::iter::once(&entry).chain(&legs) {
            self.emit(Record::OrderAccepted(Box::new(order.clone())));
        }
        for leg in legs {
            self.broker.submit(leg, now);
        }
        self.broker.submit(entry.clone(), now);
        self.drain_broker();
        DeskReply::Order(Box::new(self.state.order(entry_id).cloned().unwrap_or(entry)))
    }

    /// Returns a request as an order that nobody has seen yet.
    pub(super) fn unsubmitted(&self, request: &OrderRequest, account: AccountId, now: Timestamp) -> Order {
        Order::of_request(request.clone(), OrderId(self.state.n_orders + 1), account, now)
    }

    /// Refuses while the kill switch is set.
    pub(crate) fn check_kill(&self) -> Result<(), Refusal> {
        self.state.kill.as_ref().map_or(Ok(()), |kill| {
            let message = format!("the kill switch is set ({}); lift it before new orders", kill.reason);
            Err(Refusal::new(DenyCode::KillSwitch, message))
        })
    }

    pub(crate) fn check_risk(&self, account: &AccountId, claim: &Claim, now: Timestamp) -> Result<(), Refusal> {
        let account = self.account_of(Some(account))?;
        let pace = self.pace(&account.account.account);
        self.view(account, |view| risk::check(claim, view, &account.limits, &account.standing, &pace, now))
    }

    pub(super) fn cancel(&mut self, cancel: &CancelOrder, now: Timestamp) -> Result<DeskReply, Refusal> {
        let order_id = cancel.order_id;
        let order = self.open_order(cancel.account.as_ref(), order_id)?.clone();
        let reason = Refusal::new(DenyCode::CancelledByTrader, "cancelled on request");
        self.broker.cancel(order_id, reason, now);
        self.drain_broker();
        Ok(DeskReply::Order(Box::new(order)))
    }

    pub(super) fn amend(&mut self, amend: AmendOrder, now: Timestamp) -> Result<DeskReply, Refusal> {
        let AmendOrder { account, order_id, amendment } = amend;
        let order = self.open_order(account.as_ref(), order_id)?.clone();
        let instrument = self.instruments.get(&order.instrument).cloned().ok_or_else(|| {
            Refusal::new(DenyCode::UnknownInstrument, format!("{} is not followed now", order.instrument))
        })?;
        check_amendment(&order, &amendment, &instrument)?;
        if let Some(kill) = &self.state.kill {
            let message = format!("the kill switch is set ({}); orders can only be cancelled", kill.reason);
            return Err(Refusal::new(DenyCode::KillSwitch, message));
        }
        self.check_risk(&order.account, &Claim::amended(&order, &amendment), now)?;
        self.paces.entry(order.account.clone()).or_default().note(now);
        self.broker.amend(order_id, amendment, now)?;
        self.drain_broker();
        Ok(DeskReply::Order(Box::new(order)))
    }

    pub(super) fn cancel_all(&mut self, cancel: &CancelAll, now: Timestamp) -> Result<DeskReply, Refusal> {
        let account = self.account_of(cancel.account.as_ref())?.account.account.clone();
        let is_meant = |order: &&Order| {
            order.account == account && cancel.instrument.as_ref().is_none_or(|wanted| order.instrument == *wanted)
        };
        let orders: Vec<Order> = self.state.orders.values().filter(is_meant).cloned().collect();
        for order in &orders {
            let reason = Refusal::new(DenyCode::CancelledByTrader, "cancelled with all others");
            self.broker.cancel(order.order_id, reason, now);
            self.drain_broker();
        }
        Ok(DeskReply::Orders(orders))
    }

    pub(super) fn close_position(&mut self, close: &ClosePosition, now: Timestamp) -> Result<DeskReply, Refusal> {
        let account = self.account_of(close.account.as_ref())?;
        let held = account.ledger.position(&close.instrument).map(|position| position.quantity()).unwrap_or_default();
        if held.is_zero() {
            let message = format!("there is no position in {} to close", close.instrument);
            return Err(Refusal::new(DenyCode::NothingToReduce, message));
        }
        let name = account.account.account.clone();
        let side = if held.is_negative() { Side::Buy } else { Side::Sell };
        let size = held.size();
        let quantity = if close.reverse { size.checked_add(size) } else { Some(size) };
        let quantity = quantity.ok_or_else(|| Refusal::new(DenyCode::DoesNotFit, "twice the position does not fit"))?;
        let what = if close.reverse { "reverse" } else { "close" };
        let request =
            OrderRequest { reduce_only: !close.reverse, ..self.market_order(what, &close.instrument, side, quantity) };
        if close.reverse {
            return self.place(OrderRequest { account: Some(name), ..request }, None, now);
        }
        // Closing is never refused by a limit, not even by the kill switch.
        Ok(self.accept(request, name, None, now))
    }

    pub(super) fn set_limits(&mut self, set: SetLimits, _now: Timestamp) -> Result<DeskReply, Refusal> {
        let account = self.account_of(set.account.as_ref())?.account.clone();
        self.emit(Record::LimitsSet { account: account.account.clone(), limits: set.limits });
        Ok(DeskReply::Account(Box::new(account)))
    }

    pub(super) fn lift_reduce_only(
        &mut self,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<DeskReply, Refusal> {
        let account = self.account_of(account.as_ref())?.account.clone();
        self.emit(Record::ReduceOnly { account: account.account.clone(), cause: None, time: now });
        Ok(DeskReply::Account(Box::new(account)))
    }

    pub(super) fn open_another(&mut self, open: OpenAccount, now: Timestamp) -> Result<DeskReply, Refusal> {
        if self.state.accounts.contains_key(&open.account) {
            let message = format!("there is an account {} already; choose another name", open.account);
            return Err(Refusal::new(DenyCode::BadRequest, message));
        }
        if let Some((currency, amount)) = open.start.iter().find(|(_, amount)| amount.is_negative()) {
            return Err(Refusal::new(DenyCode::BadRequest, format!("{amount} {currency} is below zero")));
        }
        Ok(DeskReply::Account(Box::new(self.open_account(open, now))))
    }

    /// Returns a market order of the desk's own, named after its purpose.
    pub(super) fn market_order(
        &self,
        what: &str,
        instrument: &InstrumentId,
        side: Side,
        quantity: Quantity,
    ) -> OrderRequest {
        let order = OrderRequest::market(self.own_name(what), instrument.clone(), side, quantity);
        OrderRequest { reduce_only: true, ..order }
    }

    /// The number of the order makes the name one that nobody has used.
    fn own_name(&self, what: &str) -> ClientOrderId {
        let name = format!("@{what}-{}", self.state.n_orders + 1);
        ClientOrderId::parse(&name).expect("invariant: the name is valid")
    }

    /// Returns an open order; one of another account than `account`, where that is named, is as unknown as none.
    fn open_order(&self, account: Option<&AccountId>, order_id: OrderId) -> Result<&Order, Refusal> {
        let is_meant = |order: &&Order| account.is_none_or(|account| order.account == *account);
        if let (Some(account), true) = (account, self.state.order(order_id).is_some_and(|order| !is_meant(&order))) {
            let message = format!("the account {account} has no order with the number {order_id}");
            return Err(Refusal::new(DenyCode::UnknownOrder, message));
        }
        match self.state.order(order_id) {
            Some(order) if order.state.is_open() => Ok(order),
            Some(order) => {
                let message =
                    format!("order {order_id} has ended ({}); it cannot change any more", order.state.as_str());
                Err(Refusal::new(DenyCode::OrderClosed, message))
            }
            None if order_id.0 <= self.state.n_orders && order_id.0 > 0 => {
                let message = format!("order {order_id} has ended; it cannot change any more");
                Err(Refusal::new(DenyCode::OrderClosed, message))
            }
            None => Err(Refusal::new(DenyCode::UnknownOrder, format!("no order has the number {order_id}"))),
        }
    }
}

/// Answers a request whose name was used before: with the order if it asks for the same.
///
/// # Errors
/// It asks for something else.
pub fn repeated(known: &Order, request: &OrderRequest) -> Result<DeskReply, Refusal> {
    let is_same = known.instrument == request.instrument
        && known.side == request.side
        && known.kind == request.kind
        && (known.quantity == request.quantity || known.state != OrderState::PendingNew);
    if is_same {
        return Ok(DeskReply::Repeated(Box::new(known.clone())));
    }
    let message = format!(
        "the name {} was used for another order ({} {} {}); choose a new one",
        known.client_order_id, known.side, known.quantity, known.instrument
    );
    Err(Refusal::new(DenyCode::ClientOrderIdReused, message))
}

/// Names a leg after its entry; what is too long is cut.
fn leg_name(entry: &ClientOrderId, leg: BracketLeg) -> ClientOrderId {
    let suffix = match leg {
        BracketLeg::StopLoss => "/sl",
        BracketLeg::TakeProfit => "/tp",
    };
    let kept: String = entry.as_str().chars().take(64 - suffix.len()).collect();
    ClientOrderId::parse(&format!("{kept}{suffix}")).unwrap_or_else(|_| entry.clone())
}
