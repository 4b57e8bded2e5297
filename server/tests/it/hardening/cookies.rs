//! What protects the browser's session on its way.

use callsheet::model::{Actor, Role};
use reqwest::{Client, Response};

use crate::support::{Database, TestConsole};

/// Signs in at a console that browsers know by this address.
async fn sign_in(public_url: Option<&str>) -> Response {
    let url = public_url.map(|url| url.parse().expect("an address"));
    let console = TestConsole::start_with(Database::sqlite(), |config| config.public_url = url).await;
    let accounts = &console.console.accounts;
    accounts.create_user(&Actor::cli(), "ada", Role::Reviewer, "correct horse").await.expect("a user");
    let login = [("name", "ada"), ("password", "correct horse"), ("next", "")];
    let answer =
        Client::new().post(console.url(&console.function("sign_in"))).form(&login).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    console.stop().await;
    answer
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_never_leaves_it() {
    let answer = sign_in(Some("https://callsheet.example.com")).await;
    let cookie = header(&answer, "set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-callsheet="), "{cookie}");
    for word in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(header(&answer, "strict-transport-security"), Some("max-age=31536000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_the_cookie_still_comes_back() {
    for url in [None, Some("http://192.0.2.7:3000")] {
        let answer = sign_in(url).await;
        let cookie = header(&answer, "set-cookie").expect("a cookie");
        assert!(cookie.starts_with("callsheet=") && !cookie.contains("Secure"), "{cookie}");
        assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
        assert_eq!(header(&answer, "strict-transport-security"), None, "browsers would find nobody there");
    }
}
