//! `truetape user`: users, their roles, passwords and tokens, also while a server runs; it sees each change at once.
//!
//! A password is typed without being shown, or comes on standard input; never as an argument, which other programs see.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, ensure};
use model::access::{Role, UserName};

use super::{Failure, data::DataFolder, serve, store::say};
use crate::{
    access::{Access, AccessParts, caller::Caller},
    clock::Clock,
    config::AccessConfig,
    shutdown::Shutdown,
};

/// Flags of `user`: the action.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    folder: DataFolder,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Add a user; the password is asked for, or read from standard input.
    Add {
        /// The name to log in with.
        name: String,
        /// Role of the user.
        #[arg(long, value_parser = role, default_value = "admin")]
        role: Role,
    },
    /// Change a password; all sessions of the user end.
    Passwd {
        /// The user.
        name: String,
    },
    /// Change a role; all sessions of the user end.
    Role {
        /// The user.
        name: String,
        /// viewer, trader or admin.
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Remove a user with its sessions and tokens.
    Remove {
        /// The user.
        name: String,
    },
    /// List users with their roles, sessions and tokens.
    List,
    /// Make a token for a program; it is printed this once.
    Token {
        /// The user whose rights it has.
        name: String,
        /// Purpose of the token.
        #[arg(long)]
        label: String,
        /// The most it may do.
        #[arg(long, value_parser = role, default_value = "viewer")]
        scope: Role,
        /// Days until it ends; without, it does not.
        #[arg(long)]
        days: Option<u32>,
    },
    /// One-time codes.
    Totp {
        #[command(subcommand)]
        action: TotpAction,
    },
    /// Revoke a token by the identity that `list` shows.
    Revoke {
        /// The identity.
        token_id: String,
    },
}

#[derive(Clone, Debug, clap::Subcommand)]
enum TotpAction {
    /// Turn off the one-time codes of a user who has lost them; all of its sessions end.
    Remove {
        /// The user.
        name: String,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| "write viewer, trader or admin".to_owned())
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let data_dir = arguments.folder.path()?;
    serve::block_on(async {
        let shutdown = Shutdown::default();
        let parts = AccessParts {
            live: AccessConfig::default().into(),
            data_dir,
            is_private: true,
            has_file: true,
            port: 0,
            clock: Clock::start(),
        };
        let access = Access::start(parts, &shutdown).await.context("open the users")?;
        let done = carry_out(&arguments.action, &access).await;
        shutdown.begin();
        shutdown.finish().await;
        done
    })
}

async fn carry_out(action: &Action, access: &Access) -> anyhow::Result<()> {
    let by = &Caller::OWNER;
    match action {
        Action::Add { name, role } => {
            let name = access.add_user(by, name, *role, &password("Password: ")?).await?;
            say(&format!("added {name}, {role}"))
        }
        Action::Passwd { name } => {
            access.set_password(by, name, &password("New password: ")?).await?;
            say(&format!("changed the password of {name}; its sessions have ended"))
        }
        Action::Role { name, role } => {
            access.set_role(by, name, *role).await?;
            say(&format!("{name} is {role} now; its sessions have ended"))
        }
        Action::Remove { name } => {
            access.remove_user(by, name).await?;
            say(&format!("removed {name}"))
        }
        Action::List => say(&list(access)),
        Action::Token { name, label, scope, days } => {
            let user = UserName::parse(name)?;
            let token = access.add_token_of(by, &user, label, *scope, *days).await?;
            say(token.secret.reveal())
        }
        Action::Totp { action: TotpAction::Remove { name } } => {
            access.remove_codes(by, name).await?;
            say(&format!("the one-time codes of {name} are off; its sessions have ended"))
        }
        Action::Revoke { token_id } => {
            access.remove_token(by, token_id).await?;
            say(&format!("revoked {token_id}"))
        }
    }
}

fn list(access: &Access) -> String {
    let users = access.users();
    if users.is_empty() {
        return "no users; add one with truetape user add NAME".to_owned();
    }
    let lines = users.iter().flat_map(|user| {
        let n_sessions = access.sessions_of(&user.name).len();
        let codes = if user.totp_secret.is_some() { "  one-time codes" } else { "" };
        let head = format!("{}  {}  sessions: {n_sessions}{codes}", user.name, user.role);
        let tokens = access.tokens_of(&user.name).into_iter().map(|(token, seen)| {
            let end = token.expires_time.map_or_else(|| "no end".to_owned(), |end| format!("until {end}"));
            let seen = seen.map_or_else(|| "never used".to_owned(), |seen| format!("used {seen}"));
            format!("  token {}  {}  {}  {end}  {seen}", token.token_id, token.label, token.scope)
        });
        std::iter::once(head).chain(tokens).collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Asks for a password twice, or reads it from standard input.
fn password(prompt: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.lock().read_line(&mut line).context("read the password from standard input")?;
        return Ok(line.trim_end_matches(['\n', '\r']).to_owned());
    }
    let password = rpassword::prompt_password(prompt).context("ask for the password")?;
    ensure!(rpassword::prompt_password("Again: ").context("ask for the password")? == password, "the two differ");
    Ok(password)
}
