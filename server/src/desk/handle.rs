//! The server's handle on the desk of the live markets, and through it on that of the replay.

use std::time::Duration;

use desk::desk::{Desk, repeated};
use model::{
    instrument::InstrumentId,
    time::Timestamp,
    trading::{
        account::AccountId,
        command::{DeskCommand, DeskReply},
        desk_choice::DeskChoice,
        order::OrderRequest,
        refusal::{DenyCode, Refusal},
    },
};
use store::lists::Lists;
use tokio::sync::{mpsc, oneshot};

use super::{calendar::is_known, replay::ReplayDesks};

/// The answer to a command.
pub type Answer = Result<DeskReply, Refusal>;

/// Looks at the desk inside its task.
pub type Look = Box<dyn FnOnce(&Desk, Timestamp) + Send>;

/// Request to the task.
pub enum Request {
    /// A command; the answer goes to `reply` once it is on disk.
    Command {
        /// The command.
        command: Box<DeskCommand>,
        /// Receives the answer.
        reply: oneshot::Sender<Answer>,
    },
    /// Something to read.
    Look(Look),
    /// An instrument to follow for a while; `reply` hears once it has a price, or that it never will.
    See {
        /// The instrument.
        instrument: InstrumentId,
        /// Notified once there is a price.
        reply: oneshot::Sender<()>,
    },
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Command { .. } => "Command",
            Self::Look(_) => "Look",
            Self::See { .. } => "See",
        })
    }
}

/// A handle to the desks. Clones refer to the same ones.
#[derive(Clone, Debug)]
pub struct DeskHandle {
    /// `None` where this server has no desk.
    open: Option<Open>,
    replay: ReplayDesks,
    default_account: AccountId,
}

#[derive(Clone, Debug)]
struct Open {
    requests: mpsc::Sender<Request>,
    lists: Lists,
}

impl DeskHandle {
    /// Returns the handle of a task that reads `requests`' other end.
    pub fn new(requests: mpsc::Sender<Request>, lists: Lists, replay: ReplayDesks, default_account: AccountId) -> Self {
        Self { open: Some(Open { requests, lists }), replay, default_account }
    }

    /// Returns the handle of a server without a desk.
    pub fn closed(replay: ReplayDesks, default_account: AccountId) -> Self {
        Self { open: None, replay, default_account }
    }

    /// Returns the account of whoever names none.
    pub fn default_account(&self) -> &AccountId {
        &self.default_account
    }

    /// Carries a command out on the desk that it is for. On the live one, the answer is on disk. Cancel-safe: the command
    /// is carried out anyway.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn command(&self, command: DeskCommand) -> Answer {
        if command.desk()? == DeskChoice::Replay {
            return self.replay.command(command).await;
        }
        let open = self.open()?;
        if let DeskCommand::PlaceOrder(request) = &command
            && let Some(answer) = self.placed_before(open, request).await?
        {
            return answer;
        }
        if let DeskCommand::OpenAccount(account) = &command
            && !is_known(&account.time_zone)
        {
            let zone: String = account.time_zone.chars().take(64).collect();
            let message = format!("unknown time zone {zone}; write an IANA time zone, as in Europe/Berlin or UTC");
            return Err(Refusal::new(DenyCode::BadRequest, message));
        }
        if let Some(instrument) = command.instrument() {
            self.see(instrument).await?;
        }
        let (reply, answer) = oneshot::channel();
        let request = Request::Command { command: Box::new(command), reply };
        open.requests.try_send(request).map_err(|_| busy())?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Looks at the desk of an account. Cancel-safe.
    ///
    /// # Errors
    /// As for [`Self::look_at`].
    pub async fn look_of<T: Send + 'static>(
        &self,
        account: &AccountId,
        look: impl FnOnce(&Desk, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.look_at(DeskChoice::of(Some(account), None)?, look).await
    }

    /// Looks at one of the desks. Cancel-safe.
    ///
    /// # Errors
    /// As for [`Self::look`], or no recording plays.
    pub async fn look_at<T: Send + 'static>(
        &self,
        desk: DeskChoice,
        look: impl FnOnce(&Desk, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        match desk {
            DeskChoice::Live => self.look(look).await,
            DeskChoice::Replay => self.replay.look(look).await,
        }
    }

    /// Looks at the desk, once it follows an instrument that is to be traded with `account`. Cancel-safe.
    ///
    /// # Errors
    /// As for [`Self::look_at`], or the account cannot trade the instrument.
    pub async fn look_at_market<T: Send + 'static>(
        &self,
        account: Option<&AccountId>,
        instrument: &InstrumentId,
        look: impl FnOnce(&Desk, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let desk = DeskChoice::of(account, Some(instrument))?;
        if desk == DeskChoice::Live {
            self.see(instrument).await?;
        }
        self.look_at(desk, look).await
    }

    /// Looks at the desk of the live markets. Cancel-safe.
    ///
    /// # Errors
    /// The desk is not there, or is starting or stopping.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Desk, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        let look: Look = Box::new(move |desk, now| drop(reply.send(look(desk, now))));
        self.open()?.requests.send(Request::Look(look)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }

    /// Follows an instrument for a minute, and waits a moment for its first price.
    ///
    /// # Errors
    /// The desk is not there.
    async fn see(&self, instrument: &InstrumentId) -> Result<(), Refusal> {
        let (reply, seen) = oneshot::channel();
        let request = Request::See { instrument: instrument.clone(), reply };
        self.open()?.requests.send(request).await.map_err(|_| stopping())?;
        // Without a price the command is refused with its reason.
        let _late = tokio::time::timeout(PRICE_TIME, seen).await;
        Ok(())
    }

    /// Returns the lists of the live desk on disk.
    ///
    /// # Errors
    /// The desk is not there.
    pub fn lists(&self) -> Result<&Lists, Refusal> {
        Ok(&self.open()?.lists)
    }

    /// Returns the number of requests that wait; `None` where this server has no desk.
    pub fn queue_len(&self) -> Option<usize> {
        let requests = &self.open.as_ref()?.requests;
        Some(requests.max_capacity() - requests.capacity())
    }

    fn open(&self) -> Result<&Open, Refusal> {
        self.open.as_ref().ok_or_else(|| Refusal::new(DenyCode::Unavailable, "this server has no trading desk"))
    }

    /// Returns the answer to an order whose name was used before. The desk itself remembers the newest ones only.
    async fn placed_before(&self, open: &Open, request: &OrderRequest) -> Result<Option<Answer>, Refusal> {
        let account = request.account.as_ref().unwrap_or(&self.default_account);
        let known = open.lists.order_named(account, &request.client_order_id).await;
        let known = known.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the list of orders cannot be read");
            Refusal::new(DenyCode::Unavailable, "the list of orders cannot be read; see the server's log")
        })?;
        let Some(known) = known else { return Ok(None) };
        let order_id = known.order_id;
        let newest = self.look(move |desk, _| desk.state().order(order_id).cloned()).await?;
        Ok(Some(repeated(&newest.unwrap_or(known), request)))
    }
}

fn busy() -> Refusal {
    Refusal::new(DenyCode::Unavailable, "the desk has too many requests; try again")
}

fn stopping() -> Refusal {
    Refusal::new(DenyCode::Unavailable, "the desk is starting or stopping; try again")
}

/// The longest wait for the first price of an instrument that was not followed.
const PRICE_TIME: Duration = Duration::from_millis(1_500);
