//! The desk that a request means: the live one, whose accounts are kept, or the replay's, whose account ends with it.
//!
//! The account `replay` trades recordings and nothing else does, so a request that mixes both is refused. Not here: the
//! desks themselves.

use crate::{
    instrument::InstrumentId,
    trading::{
        account::AccountId,
        command::DeskCommand,
        refusal::{DenyCode, Refusal},
    },
};

/// A desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskChoice {
    /// The desk of the live markets.
    Live,
    /// The desk of the recording that plays.
    Replay,
}

impl AccountId {
    /// Returns the one account of a replay's desk; no other desk has an account of this name.
    pub fn replay() -> Self {
        Self::parse(REPLAY).expect("invariant: the name is valid")
    }

    /// Returns true for the account of a replay's desk.
    pub fn is_replay(&self) -> bool {
        self.as_str() == REPLAY
    }
}

impl DeskChoice {
    /// Returns the desk of an account and an instrument, where they are named.
    ///
    /// # Errors
    /// One is a replay's and the other is not.
    pub fn of(account: Option<&AccountId>, instrument: Option<&InstrumentId>) -> Result<Self, Refusal> {
        let is_recorded = |id: &InstrumentId| id.venue().is_replay();
        match (account.map(AccountId::is_replay), instrument) {
            (Some(true), Some(id)) if !is_recorded(id) => {
                let message =
                    format!("the account {REPLAY} trades recordings only; name another account to trade {id}");
                Err(Refusal::new(DenyCode::WrongAccount, message))
            }
            (Some(false), Some(id)) if is_recorded(id) => {
                let message = format!("{id} plays from a recording; trade it with the account {REPLAY}");
                Err(Refusal::new(DenyCode::WrongAccount, message))
            }
            (Some(true), _) => Ok(Self::Replay),
            (None, Some(id)) if is_recorded(id) => Ok(Self::Replay),
            _ => Ok(Self::Live),
        }
    }
}

impl DeskCommand {
    /// Returns the desk that the command is for. The kill switch is the live desk's.
    ///
    /// # Errors
    /// It mixes both, or would open an account that has the name of the replay's.
    pub fn desk(&self) -> Result<DeskChoice, Refusal> {
        match self {
            Self::OpenAccount(open) if open.account.is_replay() => {
                let message = format!("the account {REPLAY} belongs to replays; choose another name");
                Err(Refusal::new(DenyCode::WrongAccount, message))
            }
            Self::CancelAll(cancel) => DeskChoice::of(cancel.account.as_ref(), cancel.instrument.as_ref()),
            _ => DeskChoice::of(self.account(), self.instrument()),
        }
    }
}

const REPLAY: &str = "replay";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_and_the_instrument_choose_the_desk() {
        #[track_caller]
        fn check(command: &str, expected: Result<DeskChoice, &str>) {
            let command: DeskCommand = serde_json::from_str(command).unwrap();
            let found = command.desk();
            match (&found, expected) {
                (Ok(desk), Ok(expected)) if *desk == expected => {}
                (Err(refusal), Err(words))
                    if refusal.code == DenyCode::WrongAccount && refusal.message.contains(words) => {}
                _ => panic!("{command:?}: {found:?}, expected {expected:?}"),
            }
        }
        let close = |account: &str, instrument: &str| {
            format!(r#"{{"close_position":{{{account}"instrument":"{instrument}"}}}}"#)
        };
        let (paper, replay) = (r#""account":"paper","#, r#""account":"replay","#);
        check(&close("", "demo:A"), Ok(DeskChoice::Live));
        check(&close(paper, "demo:A"), Ok(DeskChoice::Live));
        check(&close("", "replay-demo:A"), Ok(DeskChoice::Replay));
        check(&close(replay, "replay-demo:A"), Ok(DeskChoice::Replay));
        check(&close(replay, "demo:A"), Err("name another account to trade demo:A"));
        check(&close(paper, "replay-demo:A"), Err("trade it with the account replay"));
        check(r#"{"cancel_all_orders":{}}"#, Ok(DeskChoice::Live));
        check(r#"{"cancel_all_orders":{"account":"replay"}}"#, Ok(DeskChoice::Replay));
        check(r#"{"cancel_all_orders":{"instrument":"replay-demo:A"}}"#, Ok(DeskChoice::Replay));
        check(r#"{"cancel_order":{"order_id":"1"}}"#, Ok(DeskChoice::Live));
        check(r#"{"cancel_order":{"account":"replay","order_id":"1"}}"#, Ok(DeskChoice::Replay));
        check(
            r#"{"amend_order":{"account":"replay","order_id":"1","amendment":{"price":"1"}}}"#,
            Ok(DeskChoice::Replay),
        );
        check(r#"{"pause_strategy":{"account":"replay","strategy_id":"g"}}"#, Ok(DeskChoice::Replay));
        check(r#"{"stop_strategy":{"account":"replay","strategy_id":"g","choice":"keep"}}"#, Ok(DeskChoice::Replay));
        check(r#"{"set_risk_limits":{"account":"replay","limits":{}}}"#, Ok(DeskChoice::Replay));
        check(r#"{"lift_reduce_only":{"account":"replay"}}"#, Ok(DeskChoice::Replay));
        check(r#"{"set_kill_switch":{}}"#, Ok(DeskChoice::Live));
        let open = |name: &str| {
            format!(r#"{{"open_account":{{"account":"{name}","kind":"cash","currency":"USD","start":{{"USD":"1"}}}}}}"#)
        };
        check(&open("second"), Ok(DeskChoice::Live));
        check(&open("replay"), Err("belongs to replays"));
    }
}
