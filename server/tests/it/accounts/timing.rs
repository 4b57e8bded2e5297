//! What a stranger sees of a refused sign-in, text and time, tells nothing of the name.
//!
//! Time is compared within one run alone, and pair by pair: in each round every kind of name is asked for once, in turn, so that whatever
//! else the machine does concerns them all. Were two kinds alike, each would be the faster one of its pair in half of the rounds; five
//! standard deviations off are one run in a million. One answer that does check no password stands beside them, and must stand out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use callsheet::accounts::{FactorView, NewUser};
use callsheet::audit::AuditEntry;
use callsheet::model::{Actor, Clock, Role, SystemClock, Who};
use reqwest::Client;
use serde_json::{Value, json};

use super::two_factor::code_at;
use super::{HOME, PASSWORD};
use crate::support::{Database, TestConsole};

const ROUNDS: usize = 48;
/// Rounds off the half that are five standard deviations.
const FIVE_SIGMA: usize = 17;

/// What is typed: a name, and a password that must not fit.
const TYPED: [(&str, &str); 6] = [
    ("wrong", "battery staple"),
    ("unknown", PASSWORD),
    // It is the right one.
    ("deactivated", PASSWORD),
    ("invited", PASSWORD),
    ("provided", PASSWORD),
    ("two-factor", "battery staple"),
];

async fn add_users(console: &TestConsole) {
    let (accounts, cli) = (&console.console.accounts, Actor::cli());
    for name in ["wrong", "deactivated", "two-factor"] {
        accounts.create_user(&cli, name, Role::Admin, PASSWORD).await.expect("created");
    }
    accounts.invite(&cli, "invited", Role::Admin).await.expect("invited");
    let provided = NewUser {
        name: "provided",
        role: Role::Admin,
        password_hash: None,
        link: None,
        provider: Some(("https://id.example.com", "7")),
    };
    let now = SystemClock.now();
    let audit = AuditEntry::new(&cli, now, "user.create", "provided", json!({}));
    console.console.db.create_user(&provided, now, &audit).await.expect("created");
    let users = accounts.list(&cli).await.expect("a list");
    let id = |name: &str| users.iter().find(|user| user.name == name).expect(name).id;
    accounts.set_active(&cli, id("deactivated"), false).await.expect("deactivated");
    let own = Actor { who: Who::User { id: id("two-factor"), name: "two-factor".to_owned() }, ..Actor::cli() };
    accounts.start_factor(&own).await.expect("started");
    let FactorView::Pending { secret, .. } = accounts.factor(&own).await.expect("a factor") else {
        panic!("not pending")
    };
    accounts.confirm_factor(&own, &code_at(&secret, now)).await.expect("on");
}

/// Status, names of headers, and body.
type Answer = (u16, Vec<String>, Value);

struct Stranger {
    client: Client,
    url: String,
    asked: u32,
}

impl Stranger {
    /// Tries to sign in from this address.
    async fn sign_in(&self, name: &str, password: &str, address: &str) -> (Duration, Answer) {
        let form = [("name", name), ("password", password), ("next", "")];
        let request = self.client.post(&self.url).header("x-forwarded-for", address).form(&form);
        let start = Instant::now();
        let answer = request.send().await.expect("an answer");
        let took = start.elapsed();
        let status = answer.status().as_u16();
        let headers = answer.headers().keys().map(ToString::to_string).collect();
        (took, (status, headers, answer.json().await.expect("JSON")))
    }

    /// The same from an address that nobody has tried from: limits do not concern it.
    async fn sign_in_from_anywhere(&mut self, name: &str, password: &str) -> (Duration, Answer) {
        self.asked += 1;
        let address = Ipv4Addr::from_bits(0xc633_6400 + (self.asked << 8)).to_string();
        self.sign_in(name, password, &address).await
    }
}

/// In how many rounds `one` was faster.
fn faster(one: &[Duration], other: &[Duration]) -> usize {
    one.iter().zip(other).filter(|(one, other)| one < other).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_tells_nothing_of_the_name() {
    let console = TestConsole::start(Database::sqlite()).await;
    add_users(&console).await;
    let mut stranger = Stranger { client: Client::new(), url: console.url(&console.function("sign_in")), asked: 0 };
    while stranger.sign_in("wrong", "battery staple", HOME).await.1.0 != 429 {}

    let mut answers = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for round in 0..ROUNDS {
        for place in 0..TYPED.len() {
            let (name, password) = TYPED[(place + round) % TYPED.len()];
            let (took, answer) = stranger.sign_in_from_anywhere(name, password).await;
            answers.insert(name, answer);
            times.entry(name).or_default().push(took);
        }
        let (took, limited) = stranger.sign_in("wrong", "battery staple", HOME).await;
        if limited.0 == 429 {
            times.entry("limited").or_default().push(took);
        }
    }
    console.stop().await;

    let usual = &answers["wrong"];
    assert_eq!((usual.0, &usual.2["code"]), (401, &json!("login_wrong")));
    for (name, answer) in &answers {
        assert_eq!(answer, usual, "{name}");
    }
    let usual = &times["wrong"];
    for (name, _) in &TYPED[1..] {
        let faster = faster(&times[name], usual);
        assert!(
            faster.abs_diff(ROUNDS / 2) <= FIVE_SIGMA,
            "{name} is told by its time: faster than a wrong password in {faster} of {ROUNDS} rounds"
        );
    }
    let limited = &times["limited"];
    let told = faster(limited, usual);
    assert!(
        limited.len() > ROUNDS / 2 && told * 10 >= limited.len() * 9,
        "this comparison sees nothing: {told} of {}",
        limited.len()
    );
}
