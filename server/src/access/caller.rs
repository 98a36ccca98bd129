//! The caller: the user, the rights, and their end.

use std::{net::IpAddr, sync::Arc};

use model::access::{Role, UserName};
use store::access::Digest;
use tokio_util::sync::CancellationToken;

/// The caller of a request, a socket or a command.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The rights.
    pub role: Role,
    /// The user; absent where nobody logs in.
    pub user: Option<UserName>,
    /// The proof of its identity.
    pub proof: Proof,
    /// Its address; absent for the server's own commands.
    pub address: Option<IpAddr>,
    /// Cancelled once the session or token is no longer valid; absent where nothing ends it.
    pub ended: Option<CancellationToken>,
}

/// The proof of a caller's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nobody has to log in: a server on loopback without users.
    Open,
    /// A browser's session.
    Session {
        /// Its public identity.
        session_id: Arc<str>,
        /// Its key.
        digest: Digest,
    },
    /// A program's token.
    Token {
        /// Its public identity.
        token_id: Arc<str>,
    },
}

impl Caller {
    /// Whoever reaches a server where nobody has to log in is its owner.
    pub const OWNER: Self = Self { role: Role::Admin, user: None, proof: Proof::Open, address: None, ended: None };

    /// Waits until the session or token is no longer valid. Cancel-safe.
    pub async fn end(&self) {
        match &self.ended {
            Some(ended) => ended.cancelled().await,
            None => std::future::pending().await,
        }
    }
}
