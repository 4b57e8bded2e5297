//! Requests that name themselves by an `Idempotency-Key`.

use std::collections::BTreeSet;
use std::sync::Arc;

use callsheet::idempotency::{Begun, KEPT_MS, KeptAnswer, LEASE_MS};
use callsheet::model::{Actor, PageRequest, Problem, SystemClock, TestClock};
use callsheet::outbound::SigningSecret;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Row};
use tokio::sync::oneshot;

use super::{Answer, Caller, NOW, problem};
use crate::support::{self, Database, DownReceiver, PLAY, Receiver, TestConsole, on_both_databases, until};

on_both_databases!(
    a_repeat_gets_the_first_answer,
    another_request_is_refused,
    repeats_at_the_same_time_have_one_effect,
    while_it_runs_a_key_is_in_use,
    an_answer_outlives_the_process,
    an_answer_is_kept_for_a_day,
    a_run_that_was_abandoned_frees_its_key,
    what_was_refused_for_now_is_not_kept,
    keys_that_are_none,
    answers_are_sealed,
    access_logs_pass,
);

const KEY: &str = "idempotency-key";

fn domain(name: &str) -> Value {
    json!({ "pushDomain": format!("{name}.example.com"), "playDomains": [format!("play-{name}.example.com")] })
}

async fn a_repeat_gets_the_first_answer(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    for (key, call, body, status) in [
        ("1", "POST /domains", domain("a"), 201),
        ("2", "POST /keys", json!({ "name": "ci", "role": "reviewer" }), 201),
        ("3", "POST /domains/a.example.com/callbacks/publish/rotate-secret", Value::Null, 200),
        ("4", "POST /domains", domain("a"), 409),
        ("5", "POST /domains/nowhere.example.com/callbacks/publish/resume", Value::Null, 404),
        ("6", "POST /domains", json!({ "pushDomain": 7 }), 422),
    ] {
        let first = caller.send_with((KEY, key), call, &body).await;
        assert_eq!(first.status, status, "{call}: {first:?}");
        let again = caller.send_with((KEY, key), call, &body).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{call}");
        for header in ["content-type", "location", "cache-control", "x-frame-options"] {
            assert_eq!(again.header(header), first.header(header), "{call}");
        }
    }
    let log = console.console.audit.list(&Actor::cli(), &Default::default(), PageRequest::of_console(1)).await;
    let rows = log.expect("the log").rows;
    assert_eq!(rows.iter().filter(|row| row.action == "callback.rotate_secret").count(), 1);

    let other = Caller::of(&console, "b").await;
    let own = other.send_with((KEY, "1"), "POST /domains", &domain("b")).await;
    assert_eq!(
        (own.status.as_u16(), &own.json()["pushDomain"]),
        (201, &json!("b.example.com")),
        "keys are a caller's own"
    );
    let unnamed = caller.send("POST /domains", &domain("a")).await;
    assert_eq!(unnamed.problem(), problem(409, "domain_taken"));
    console.stop().await;
}

async fn another_request_is_refused(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    assert_eq!(caller.send_with((KEY, "1"), "POST /domains", &domain("a")).await.status, 201);
    for (call, body) in [
        ("POST /domains", domain("b")),
        ("POST /keys", domain("a")),
        ("POST /domains?dry=1", domain("a")),
        ("POST /domains", Value::Null),
    ] {
        let answer = caller.send_with((KEY, "1"), call, &body).await;
        assert_eq!(answer.problem(), problem(422, "idempotency_key_reused"), "{call}");
        assert_eq!(answer.json()["field"], "Idempotency-Key");
    }
    assert_eq!(caller.send_with((KEY, "1"), "GET /domains", &Value::Null).await.status, 200, "a GET needs no key");
    assert_eq!(caller.send("GET /domains", &Value::Null).await.json()["items"].as_array().map(Vec::len), Some(1));
    console.stop().await;
}

async fn repeats_at_the_same_time_have_one_effect(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    for round in 0..4 {
        let body = json!({ "name": format!("ci {round}"), "role": "reviewer" });
        let key = round.to_string();
        let repeats = (0..8).map(|_| caller.send_with((KEY, &key), "POST /keys", &body));
        let answers = futures::future::join_all(repeats).await;
        let mut made = BTreeSet::new();
        for answer in &answers {
            match answer.status.as_u16() {
                201 => made.insert(answer.text.clone()),
                _ => {
                    assert_eq!(answer.problem(), problem(409, "idempotency_key_in_use"));
                    false
                }
            };
        }
        assert_eq!(made.len(), 1, "one key, whose secrets all of them got: {answers:?}");
        let late = caller.send_with((KEY, &key), "POST /keys", &body).await;
        assert!(made.contains(&late.text));
    }
    console.stop().await;
}

/// The first client hangs up; its request is carried out all the same.
async fn while_it_runs_a_key_is_in_use(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    let receiver = Receiver::start();
    let (reply, later) = oneshot::channel();
    let mut later = Some(later);
    receiver.answer(move |_| later.take().map_or(support::Answer::Status(500), support::Answer::Later));
    let body = json!({ "kind": "publish", "address": receiver.url("/") });
    let test = "POST /callback-tests";
    let first = tokio::spawn({
        let (caller, body) = (caller.clone(), body.clone());
        async move { caller.send_with((KEY, "1"), test, &body).await }
    });
    receiver.count(1).await;
    assert_eq!(caller.send_with((KEY, "1"), test, &body).await.problem(), problem(409, "idempotency_key_in_use"));
    let reused = caller.send_with((KEY, "1"), test, &json!({ "kind": "record" })).await;
    assert_eq!(reused.problem(), problem(422, "idempotency_key_reused"));
    first.abort();
    assert!(first.await.expect_err("it hung up").is_cancelled());
    reply.send(204).expect("the console waits for its receiver");
    let look = || caller.send_with((KEY, "1"), test, &body);
    let answer = until(look, |answer: &Answer| answer.status == 200).await;
    assert_eq!(answer.json()["status"], 204, "{answer:?}");
    assert_eq!(receiver.received().len(), 1);
    console.stop().await;
}

async fn an_answer_outlives_the_process(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    let body = json!({ "name": "ci", "role": "reviewer" });
    let first = caller.send_with((KEY, "1"), "POST /keys", &body).await;
    assert_eq!(first.status, 201);
    let console = console.restart().await;
    let again = caller.at(&console).send_with((KEY, "1"), "POST /keys", &body).await;
    assert_eq!((again.status, again.text), (first.status, first.text));
    console.stop().await;
}

/// Two processes share a PostgreSQL and the key file.
#[tokio::test(flavor = "multi_thread")]
async fn processes_carry_a_request_out_once_between_them() {
    let one = TestConsole::start(Database::postgres().await).await;
    let data = tempfile::tempdir().expect("a folder");
    std::fs::copy(one.data.path().join("secret.key"), data.path().join("secret.key")).expect("the key file");
    let database = Database::at(one.database.url());
    let two = TestConsole::start_on(data, database, Arc::new(SystemClock), |_| {}).await;
    let caller = Caller::of(&one, "a").await;
    let body = json!({ "name": "ci", "role": "reviewer" });
    let callers = [caller.at(&one), caller.at(&two)];
    let repeats = (0..8).map(|n| callers[n % 2].send_with((KEY, "1"), "POST /keys", &body));
    for answer in futures::future::join_all(repeats).await {
        assert!(answer.status == 201 || answer.problem() == problem(409, "idempotency_key_in_use"), "{answer:?}");
    }
    let [here, there] = callers.each_ref().map(|caller| caller.send_with((KEY, "1"), "POST /keys", &body));
    let (here, there) = (here.await, there.await);
    assert_eq!((here.status.as_u16(), here.text), (201, there.text));
    two.stop().await;
    one.stop().await;
}

async fn an_answer_is_kept_for_a_day(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let console = TestConsole::start_at(database, clock.clone(), |_| {}).await;
    let caller = Caller::of(&console, "a").await;
    assert_eq!(caller.send_with((KEY, "1"), "POST /domains", &domain("a")).await.status, 201);
    clock.advance(KEPT_MS - 1);
    assert_eq!(console.console.db.delete_past_requests(NOW + KEPT_MS - 1).await.expect("cleaned"), 0);
    assert_eq!(caller.send_with((KEY, "1"), "POST /domains", &domain("a")).await.status, 201);
    clock.advance(1);
    let anew = caller.send_with((KEY, "1"), "POST /domains", &domain("a")).await;
    assert_eq!(anew.problem(), problem(409, "domain_taken"), "it is carried out anew");
    assert_eq!(console.console.db.delete_past_requests(NOW + 2 * KEPT_MS).await.expect("cleaned"), 1);
    assert_eq!(caller.send_with((KEY, "1"), "POST /domains", &domain("b")).await.status, 201);
    console.stop().await;
}

async fn a_run_that_was_abandoned_frees_its_key(database: Database) {
    let clock = Arc::new(TestClock::at(NOW));
    let (console, _data) = support::use_cases(&database, clock.clone()).await;
    let (idempotency, cli) = (&console.idempotency, Actor::cli());
    let begin = async || idempotency.begin(&cli, "1", "a request".to_owned()).await;
    let Begun::First(abandoned) = begin().await.expect("begun") else { panic!("a new key") };
    clock.advance(LEASE_MS - 1);
    assert_eq!(begin().await.expect_err("running").code(), "idempotency_key_in_use");
    clock.advance(1);
    let Begun::First(second) = begin().await.expect("begun") else { panic!("the lease has ended") };
    let answer = |body: &str| KeptAnswer { status: 201, headers: Vec::new(), body: body.to_owned() };
    // It was slow, not dead.
    idempotency.finish(&abandoned, Some(&answer("late"))).await.expect("nothing to keep");
    idempotency.finish(&abandoned, None).await.expect("nothing to free");
    begin().await.expect_err("the second still runs");
    idempotency.finish(&second, Some(&answer("second"))).await.expect("kept");
    let Begun::Again(kept) = begin().await.expect("known") else { panic!("an answer is kept") };
    assert_eq!(kept, answer("second"));
}

/// A repeat is let in, and so is another request.
async fn what_was_refused_for_now_is_not_kept(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    let body = json!({ "kind": "publish", "address": DownReceiver::new().url("/") });
    // Ten a minute are let in.
    for n in 0.. {
        let key = n.to_string();
        let answer = caller.send_with((KEY, &key), "POST /callback-tests", &body).await;
        if answer.status == 429 {
            assert_eq!(answer.problem(), problem(429, "probe_too_many"));
            assert_eq!(caller.send_with((KEY, &key), "POST /domains", &domain("a")).await.status, 201);
            break;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    console.stop().await;
}

async fn keys_that_are_none(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    let (long, longest) = ("k".repeat(256), "k".repeat(255));
    for key in [long.as_str(), "", "a\tb", "schlüssel"] {
        let answer = caller.send_with((KEY, key), "POST /domains", &domain("a")).await;
        assert_eq!(answer.problem(), problem(422, "idempotency_key_invalid"), "{key}");
        assert_eq!(answer.json()["field"], "Idempotency-Key");
    }
    let two = caller.request("POST /domains", &domain("a")).header(KEY, "1").header(KEY, "2");
    assert_eq!(Answer::to(two).await.problem(), problem(422, "idempotency_key_invalid"));
    assert_eq!(caller.send_with((KEY, &longest), "POST /domains", &domain("a")).await.status, 201);
    // Last, for its connection is closed before all of it was read.
    let large = caller.request("POST /domains", &Value::Null).header(KEY, "3").body(vec![b' '; 5 << 20]);
    assert_eq!(Answer::to(large).await.problem(), problem(413, "too_large"));
    console.stop().await;
}

async fn answers_are_sealed(database: Database) {
    let console = TestConsole::start(database).await;
    let caller = Caller::of(&console, "a").await;
    assert_eq!(caller.send("POST /domains", &domain("a")).await.status, 201);
    let body = json!({ "name": "ci", "role": "reviewer" });
    let key = caller.send_with((KEY, "1"), "POST /keys", &body).await.json();
    let rotate = "POST /domains/a.example.com/callbacks/publish/rotate-secret";
    let rotated = caller.send_with((KEY, "2"), rotate, &Value::Null).await.json();
    let invited = json!({ "name": "grace", "role": "reviewer" });
    let invited = caller.send_with((KEY, "3"), "POST /users", &invited).await.json();
    let secret = |value: &Value| value.as_str().expect("a secret").as_bytes().to_owned();
    let signing = secret(&rotated["secret"]);
    SigningSecret::parse(&String::from_utf8_lossy(&signing)).expect("it came as it is");
    let secrets = [secret(&key["token"]), secret(&key["secretKey"]), signing, secret(&invited["link"])];

    let mut table = AnyConnection::connect(console.database.url()).await.expect("the database");
    let rows =
        sqlx::query("select request, answer from idempotent_requests").fetch_all(&mut table).await.expect("rows");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let (request, answer): (String, Vec<u8>) = (row.get("request"), row.get("answer"));
        assert_eq!(request.len(), 64, "a digest");
        for secret in &secrets {
            assert!(!answer.windows(secret.len()).any(|part| part == secret), "{}", String::from_utf8_lossy(secret));
        }
    }
    console.stop().await;
}

/// A log is too large to be compared, and counts once anyway.
async fn access_logs_pass(database: Database) {
    let console = TestConsole::start(database).await;
    console.add_domain().await;
    let caller = Caller::of(&console, "a").await;
    let now = console.console.clock.now() / 1000;
    let line = format!(r#"{{"msec":{now}.000,"host":"{PLAY}","status":200,"bytes_sent":1000}}"#) + "\n";
    for duplicate in [false, true] {
        let request = caller.request("POST /access-logs", &Value::Null).header(KEY, "1").body(line.clone());
        let answer = Answer::to(request).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["duplicate"]), (200, &json!(duplicate)), "{answer:?}");
    }
    console.stop().await;
}
