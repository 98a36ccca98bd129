//! One-time codes over real sockets: on and off, used once, guessed in vain; by the page's form and the command line.
//!
//! The codes here are computed a second time, straight from RFC 6238. Not here: its vectors (`access::totp`).

use std::time::{Instant, SystemTime};

use model::access::{Role, UserName};
use reqwest::{Method, StatusCode, header};
use ring::hmac;
use serde_json::{Value, json};
use server::{access::caller::Caller, serve::Server};

use crate::{
    access::{PASSWORD, WithJson, cookie_of, http, json_of, log_in, server},
    client::PATIENCE,
    desk::process::run,
};

/// Returns the code of the step that is so many steps away from now.
fn code(secret: &str, steps: i64) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let counter = i64::try_from(since.as_secs()).unwrap() / 30 + steps;
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key), &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & i32::MAX.cast_unsigned();
    format!("{:06}", word % 1_000_000)
}

/// Sends JSON as whoever has the cookie.
async fn send(server: &Server, method: Method, path: &str, cookie: &str, body: Value) -> reqwest::Response {
    let request = http().request(method, format!("{}api/v1/{path}", server.url())).header("cookie", cookie);
    request.with_json(&body).send().await.unwrap()
}

fn cookie(answer: &reqwest::Response) -> String {
    answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// Logs in with a code; returns the status and the whole answer.
async fn log_in_with(server: &Server, password: &str, code: &str) -> (StatusCode, String) {
    let answer =
        send(server, Method::POST, "session", "", json!({ "user": "tom", "password": password, "code": code })).await;
    (answer.status(), answer.text().await.unwrap())
}

/// The secrets of a user whose codes are on.
struct Codes {
    cookie: String,
    secret: String,
    recovery: Vec<String>,
    /// The code that turned them on.
    first: String,
}

/// Turns the codes of the trader on.
async fn turn_on(server: &Server) -> Codes {
    let old = cookie_of(server, "tom").await;
    let made = json_of(send(server, Method::POST, "totp", &old, json!({ "password": PASSWORD })).await).await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(made["address"], format!("otpauth://totp/Truetape:tom?secret={secret}&issuer=Truetape"));
    let text = |code: &Value| code.as_str().unwrap().to_owned();
    let recovery: Vec<String> = made["recovery_codes"].as_array().unwrap().iter().map(text).collect();
    let first = code(&secret, 0);
    let on = send(server, Method::PUT, "totp", &old, json!({ "code": first })).await;
    assert_eq!(on.status(), StatusCode::OK);
    Codes { cookie: cookie(&on), secret, recovery, first }
}

async fn state(server: &Server, cookie: &str) -> Value {
    json_of(send(server, Method::GET, "totp", cookie, json!({})).await).await
}

#[tokio::test]
async fn codes_count_once_the_first_one_was_typed() {
    let (server, _folder) = server().await;
    let old = cookie_of(&server, "tom").await;
    let user = UserName::parse("tom").unwrap();
    let token = server.access().add_token_of(&Caller::OWNER, &user, "bot", Role::Viewer, None).await.unwrap();
    let begin = async |password: &str| send(&server, Method::POST, "totp", &old, json!({ "password": password })).await;
    let put = async |code: &str| send(&server, Method::PUT, "totp", &old, json!({ "code": code })).await;
    assert_eq!(put("123456").await.status(), StatusCode::BAD_REQUEST, "nothing was begun");
    assert_eq!(begin("wrong").await.status(), StatusCode::UNAUTHORIZED);
    let made = begin(PASSWORD).await;
    assert_eq!(made.headers()[header::CACHE_CONTROL], "no-store");
    let made = json_of(made).await;
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(put(&code(secret, 1_000)).await.status(), StatusCode::BAD_REQUEST, "a code of later");
    assert_eq!(state(&server, &old).await, json!({ "is_on": false, "n_recovery_codes": 0 }));
    assert_eq!(log_in(&server, "tom", PASSWORD).await.status(), StatusCode::OK, "not on yet");

    let on = put(&code(secret, 0)).await;
    assert_eq!(on.status(), StatusCode::OK);
    let new = cookie(&on);
    assert_eq!(state(&server, &new).await, json!({ "is_on": true, "n_recovery_codes": 8 }));
    let status = http().get(format!("{}api/v1/status", server.url()));
    let ended = status.try_clone().unwrap().header("cookie", &old).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::UNAUTHORIZED, "all sessions from before have ended");
    let program = status.bearer_auth(token.secret.reveal()).send().await.unwrap();
    assert_eq!(program.status(), StatusCode::OK, "programs go on");
    let again = send(&server, Method::POST, "totp", &new, json!({ "password": PASSWORD })).await;
    assert_eq!(again.status(), StatusCode::CONFLICT, "on already");
}

#[tokio::test]
async fn a_login_needs_a_code_that_was_not_used() {
    let (server, folder) = server().await;
    let codes = turn_on(&server).await;
    assert_eq!(log_in(&server, "tom", PASSWORD).await.status(), StatusCode::UNAUTHORIZED, "without a code");
    assert_eq!(log_in_with(&server, PASSWORD, &codes.first).await.0, StatusCode::UNAUTHORIZED, "used to turn them on");
    let next = code(&codes.secret, 1);
    assert_eq!(log_in_with(&server, "wrong", &next).await.0, StatusCode::UNAUTHORIZED, "a right code is not enough");
    assert_eq!(log_in_with(&server, PASSWORD, &next).await.0, StatusCode::OK, "and was not used up by that");
    assert_eq!(log_in_with(&server, PASSWORD, &next).await.0, StatusCode::UNAUTHORIZED, "used");
    // Nothing in the answer says which of them was wrong.
    let wrong_password = log_in_with(&server, "wrong", "000000").await;
    assert_eq!(log_in_with(&server, PASSWORD, "none at all").await, wrong_password);
    assert_eq!(log_in(&server, "vera", PASSWORD).await.status(), StatusCode::OK, "others have none");

    let [one, other, ..] = codes.recovery.as_slice() else { panic!("{} recovery codes", codes.recovery.len()) };
    assert_eq!(log_in_with(&server, PASSWORD, one).await.0, StatusCode::OK);
    assert_eq!(log_in_with(&server, PASSWORD, one).await.0, StatusCode::UNAUTHORIZED, "once");
    assert_eq!(log_in_with(&server, PASSWORD, &other.to_lowercase()).await.0, StatusCode::OK);
    assert_eq!(state(&server, &codes.cookie).await["n_recovery_codes"], 6);
    for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        for code in &codes.recovery {
            assert!(!bytes.windows(code.len()).any(|part| part == code.as_bytes()), "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn codes_are_guessed_as_seldom_as_passwords() {
    let (server, _folder) = server().await;
    let codes = turn_on(&server).await;
    for guess in 0..10 {
        let guessed = log_in_with(&server, PASSWORD, &format!("guess-{guess}")).await;
        assert_eq!(guessed.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(log_in_with(&server, PASSWORD, &code(&codes.secret, 1)).await.0, StatusCode::TOO_MANY_REQUESTS);
    let status = http().get(format!("{}api/v1/status", server.url())).header("cookie", &codes.cookie).send();
    assert_eq!(status.await.unwrap().status(), StatusCode::OK, "who is logged in goes on");
}

/// By oneself with password and code; by an admin and by the command line without.
#[tokio::test]
async fn codes_are_turned_off_in_three_ways() {
    let (server, folder) = server().await;
    let admin = cookie_of(&server, "ada").await;
    let codes = turn_on(&server).await;
    let remove = async |password: &str, code: &str| {
        let body = json!({ "password": password, "code": code });
        send(&server, Method::POST, "totp/remove", &codes.cookie, body).await
    };
    assert_eq!(remove(PASSWORD, "").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(remove("wrong", &codes.recovery[0]).await.status(), StatusCode::UNAUTHORIZED);
    let off = remove(PASSWORD, &codes.recovery[0]).await;
    assert_eq!(off.status(), StatusCode::OK);
    assert_eq!(state(&server, &cookie(&off)).await, json!({ "is_on": false, "n_recovery_codes": 0 }));
    assert_eq!(log_in(&server, "tom", PASSWORD).await.status(), StatusCode::OK);

    let codes = turn_on(&server).await;
    let users = json_of(send(&server, Method::GET, "users", &admin, json!({})).await).await;
    let has = |name: &str| {
        users["users"].as_array().unwrap().iter().any(|user| user["name"] == name && user["has_codes"] == true)
    };
    assert!(has("tom") && !has("ada"), "{users}");
    let own = send(&server, Method::DELETE, "users/tom/totp", &codes.cookie, json!({})).await;
    assert_eq!(own.status(), StatusCode::FORBIDDEN, "an admin's way");
    let removed = send(&server, Method::DELETE, "users/tom/totp", &admin, json!({})).await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_eq!(log_in(&server, "tom", PASSWORD).await.status(), StatusCode::OK);
    let gone = send(&server, Method::DELETE, "users/tom/totp", &admin, json!({})).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND, "there are none");

    turn_on(&server).await;
    let output = run(&["user", "totp", "remove", "tom"], folder.path());
    assert!(output.status.success(), "{output:?}");
    let begun = Instant::now();
    // The server follows within a second; a login before that counts as failed.
    while server.access().has_one_time_codes() {
        assert!(begun.elapsed() < PATIENCE, "still on");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(log_in(&server, "tom", PASSWORD).await.status(), StatusCode::OK);
    let lines = json_of(send(&server, Method::GET, "audit", &admin, json!({})).await).await;
    let n_of = |action: &str| lines["audit"].as_array().unwrap().iter().filter(|line| line["action"] == action).count();
    assert_eq!((n_of("enable_codes"), n_of("remove_codes")), (3, 3), "{lines}");
}

/// The form has a field for codes once a user has them.
#[tokio::test]
async fn people_type_a_code_into_the_form() {
    let (server, _folder) = server().await;
    let page = async || {
        let request = http().get(server.url()).header("accept", "text/html");
        request.send().await.unwrap().text().await.unwrap()
    };
    assert!(!page().await.contains("one_time_code"));
    let codes = turn_on(&server).await;
    assert!(page().await.contains("name=\"one_time_code\""));
    let submit = async |code: &str| {
        let form = format!("user=tom&password={}&one_time_code={code}&next=%2F", PASSWORD.replace(' ', "+"));
        let request =
            http().post(format!("{}login", server.url())).header("origin", server.url().trim_end_matches('/'));
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap()
    };
    let without = submit("").await;
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    assert!(without.text().await.unwrap().contains("Name, password or code is wrong."));
    assert_eq!(submit(&code(&codes.secret, 1)).await.status(), StatusCode::SEE_OTHER);
}
