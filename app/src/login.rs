//! The page of the login, and of the first set-up; rendered by the server only, in the place of every page that needs a
//! login. A plain form: it works before, and without, the program.

use leptos::prelude::*;

use crate::document::{BEFORE_PAINT, Build};

/// Contents of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginForm {
    /// True for the first user, who needs the set-up code.
    pub is_set_up: bool,
    /// True if users have one-time codes: then there is a field for them, also for users without.
    pub has_codes: bool,
    /// The page to go to then, with its query.
    pub next: String,
    /// The name, after a failed attempt.
    pub user: String,
    /// The problem with the attempt; empty at first.
    pub problem: String,
}

/// Returns the document.
pub fn login_page(build: &Build, form: LoginForm, nonce: &str) -> String {
    let nonce = nonce.to_owned();
    let LoginForm { is_set_up, has_codes, next, user, problem } = form;
    let style = build.style.clone();
    let (title, button) = if is_set_up { ("Set up Truetape", "Create the first user") } else { ("Log in", "Log in") };
    let help = if is_set_up {
        "Nobody has an account here yet. The server printed a set-up code when it started: in its terminal, or in its log of the system."
    } else {
        ""
    };
    let has_problem = !problem.is_empty();
    // One in two: the field that is empty has the focus.
    let begins_with_password = !user.is_empty() && !is_set_up;
    let view = view! {
        <!DOCTYPE html>
        <html lang="en" data-theme="dark" data-updown="green-red" data-flashing="on" data-started="on">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="dark light"/>
                <title>{format!("{title} · Truetape")}</title>
                <script nonce=nonce inner_html=BEFORE_PAINT></script>
                <link rel="stylesheet" href=style/>
                <link rel="icon" type="image/svg+xml" href="favicon.svg"/>
            </head>
            <body>
                <main class="login" data-testid="login">
                    <form class="login__form" method="post" action="login" aria-labelledby="login-title">
                        <svg class="login__mark" viewBox="0 0 24 24" width="32" height="32" aria-hidden="true">
                            <path d="M4 6h16M12 6v13M8 15l4 4 4-4"></path>
                        </svg>
                        <h1 class="login__title" id="login-title">{title}</h1>
                        <p class="login__help" hidden=!is_set_up>{help}</p>
                        <p class="login__problem" role="alert" data-testid="login-problem" hidden=!has_problem>{problem}</p>
                        <input type="hidden" name="next" value=next/>
                        {is_set_up.then(|| view! {
                            <label class="desk-field">
                                <span>"Set-up code"</span>
                                <input class="field" name="code" autocomplete="one-time-code" spellcheck="false" autofocus required/>
                            </label>
                        })}
                        <label class="desk-field">
                            <span>"User"</span>
                            <input class="field" name="user" value=user autocomplete="username" autocapitalize="none" spellcheck="false" autofocus=!is_set_up && !begins_with_password required/>
                        </label>
                        <label class="desk-field">
                            <span>"Password"</span>
                            <input class="field" type="password" name="password" autocomplete=if is_set_up { "new-password" } else { "current-password" } autofocus=begins_with_password required/>
                        </label>
                        {(has_codes && !is_set_up).then(|| view! {
                            <label class="desk-field">
                                <span>"One-time code"</span>
                                <input class="field" name="one_time_code" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false"/>
                                <small>"Six digits of your app, or a recovery code; empty if you have neither"</small>
                            </label>
                        })}
                        <button class="button button--main" type="submit">{button}</button>
                    </form>
                </main>
            </body>
        </html>
    };
    Owner::new().with(|| view.to_html())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        let evil = "\"><script>alert(1)</script>".to_owned();
        let form = LoginForm { next: evil.clone(), user: evil.clone(), problem: evil, ..LoginForm::default() };
        let page = login_page(&Build::default(), form, "n0nce");
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert!(page.contains("nonce=\"n0nce\"") && page.contains("action=\"login\""), "{page}");
    }

    #[test]
    fn codes_are_asked_for_where_users_have_them() {
        for (has_codes, is_set_up, expected) in [(false, false, 0), (true, false, 1), (true, true, 0)] {
            let form = LoginForm { has_codes, is_set_up, ..LoginForm::default() };
            let page = login_page(&Build::default(), form, "n0nce");
            assert_eq!(page.matches("name=\"one_time_code\"").count(), expected, "{has_codes} {is_set_up}");
        }
    }
}
