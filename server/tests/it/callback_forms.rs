//! The forms of a callback in a browser without script: the test before saving, and two people who edit at once.

use std::sync::Arc;

use callsheet::callbacks::{CallbackSettings, Dialect};
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, Clock, Problem, Role, SystemClock, TestClock, Who};
use serde_json::Value;

use crate::support::{
    Answer, Browser, DOMAIN, Database, PLAY, Receiver, Shown, TestConsole, on_both_databases, schedule, use_cases,
};

on_both_databases!(
    of_two_addresses_typed_at_once_the_second_is_asked_about,
    of_two_edits_of_the_settings_the_second_is_asked_about,
    edits_of_different_forms_are_all_kept,
);

const PAGE: &str = "/domains/push.example.com";
const PUBLISH: CallbackKind = CallbackKind::Publish;

/// A console with the domain, and its pages as an operator sees them.
async fn start(database: Database) -> (TestConsole, Browser) {
    let console = TestConsole::start_with(database, |config| config.retry_schedule = schedule(&[0])).await;
    console.add_domain().await;
    let browser = Browser::of(&console, Role::Operator).await;
    (console, browser)
}

async fn callback(console: &TestConsole) -> CallbackSettings {
    console.console.callbacks.get(&Actor::cli(), DOMAIN, PUBLISH).await.expect("found").settings
}

/// A form of the push callback as it is in a page: its fields go to `function` with `typed` in place of what they hold.
struct Form<'a> {
    console: &'a TestConsole,
    browser: &'a Browser,
    version: String,
}

impl<'a> Form<'a> {
    /// The form that posts to `function`, in the page as it is now.
    async fn open(console: &'a TestConsole, browser: &'a Browser, function: &str) -> Self {
        let shown = browser.open(&format!("{PAGE}?edit=publish")).await;
        Self { console, browser, version: version(console, &shown, function) }
    }

    async fn send(&self, function: &str, typed: &[(&str, &str)]) -> Shown {
        let mut fields = vec![("push", DOMAIN), ("kind", "publish"), ("version", self.version.as_str())];
        fields.extend(typed);
        self.browser.submit(PAGE, &self.console.function(function), &fields).await
    }

    /// Goes on in the page that an answer shows.
    fn again(&self, shown: &Shown, function: &str) -> Self {
        Form { version: version(self.console, shown, function), ..*self }
    }
}

/// The version in the form of the push callback.
#[track_caller]
fn version(console: &TestConsole, shown: &Shown, function: &str) -> String {
    let action = format!("action=\"{}\"", console.function(function));
    let forms = shown.html.split("<form").filter_map(|form| form.split("</form>").next());
    let mut mine = forms.filter(|form| form.contains(&action) && form.contains("value=\"publish\""));
    let form = mine.next().unwrap_or_else(|| panic!("no {action} in {}", shown.html));
    version_in(form)
}

/// The first version in a form.
#[track_caller]
fn version_in(form: &str) -> String {
    let field = form.split("<input").find(|input| input.contains("name=\"version\"")).expect("a version");
    field.split("value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a value").to_owned()
}

async fn of_two_addresses_typed_at_once_the_second_is_asked_about(database: Database) {
    const SAVE: &str = "save_callback_address";
    let (console, browser) = start(database).await;
    let receiver = Receiver::start();
    let (old, first, second) = (receiver.url("/old"), receiver.url("/first"), receiver.url("/second"));
    console.turn_on(PUBLISH, &old).await;
    let (one, other) = (Form::open(&console, &browser, SAVE).await, Form::open(&console, &browser, SAVE).await);
    one.send(SAVE, &[("address", &first)]).await.says(&["Saved. The next event is sent to this URL."]);

    // A test in between shows the page again; the form is still that of the old address.
    let tested = other.send("test_callback", &[("address", &second)]).await;
    let other = other.again(&tested, SAVE);
    let asked = other.send(SAVE, &[("address", &second)]).await;
    let was = format!("It is now {first}. Nothing was saved");
    asked.says(&[&was, &format!("value=\"{second}\""), "role=\"alert\""]);
    assert_eq!(callback(&console).await.address.as_deref(), Some(first.as_str()), "the first is not undone");

    let knows = other.again(&asked, SAVE);
    knows.send(SAVE, &[("address", &second)]).await.says(&["Saved. The next event is sent to this URL."]);
    assert_eq!(callback(&console).await.address.as_deref(), Some(second.as_str()));
    assert_eq!(receiver.received().iter().filter(|one| one.path == "/second").count(), 1, "one test is enough");
    console.stop().await;
}

async fn of_two_edits_of_the_settings_the_second_is_asked_about(database: Database) {
    const SAVE: &str = "save_callback_settings";
    let (console, browser) = start(database).await;
    let (one, other) = (Form::open(&console, &browser, SAVE).await, Form::open(&console, &browser, SAVE).await);
    // One changes the headers, the other the timeout; each form holds all settings.
    let first = [("dialect", "v1.0"), ("ordered", "true"), ("timeoutSeconds", "15"), ("headers", "X-Token: abc")];
    one.send(SAVE, &first).await.says(&["Saved. The settings apply"]);
    let second = [("dialect", "v1.0"), ("ordered", "true"), ("timeoutSeconds", "7"), ("headers", "")];
    let asked = other.send(SAVE, &second).await;
    asked.says(&["Someone else changed these settings", "<code>X-Token: abc</code>", "value=\"7\"", "role=\"alert\""]);
    let now = callback(&console).await;
    assert_eq!((now.timeout_seconds, now.headers.len()), (15, 1), "the first is not undone");

    // A mistake in between does not make the form one of the present settings.
    let stale = other.send(SAVE, &[("dialect", "v1.0"), ("timeoutSeconds", "99"), ("headers", "")]).await;
    stale.says(&["The timeout must be between 1 and 30 seconds."]);
    let stale = other.again(&stale, SAVE).send(SAVE, &second).await;
    stale.says(&["Someone else changed these settings"]);

    let knows = other.again(&asked, SAVE);
    let both = [("dialect", "v1.0"), ("ordered", "true"), ("timeoutSeconds", "7"), ("headers", "X-Token: abc")];
    knows.send(SAVE, &both).await.says(&["Saved. The settings apply"]);
    let now = callback(&console).await;
    assert_eq!((now.timeout_seconds, now.headers.len()), (7, 1));
    console.stop().await;
}

async fn edits_of_different_forms_are_all_kept(database: Database) {
    let (console, browser) = start(database).await;
    let receiver = Receiver::start();
    console.turn_on(PUBLISH, &receiver.url("/old")).await;
    let options = Form::open(&console, &browser, "save_callback_settings").await;
    let address = Form::open(&console, &browser, "save_callback_address").await;
    let switch = [("enabled", "false")];
    address.send("set_callback_enabled", &switch).await.says(&["Callback turned off."]);
    let new = receiver.url("/new");
    address.send("save_callback_address", &[("address", &new)]).await.says(&["Saved. The next event"]);
    let typed = [("dialect", "v1.1"), ("timeoutSeconds", "9"), ("headers", "X-A: b")];
    options.send("save_callback_settings", &typed).await.says(&["Saved. The settings apply"]);
    let now = callback(&console).await;
    assert_eq!((now.enabled, now.address.as_deref()), (false, Some(new.as_str())));
    assert_eq!((now.dialect, now.ordered, now.timeout_seconds), (Dialect::V1_1, false, 9));

    // A switch that somebody else moved meanwhile goes where this page says, and nothing else goes with it.
    address.send("set_callback_enabled", &[("enabled", "true")]).await.says(&["Callback turned on."]);
    let on = callback(&console).await;
    assert_eq!((on.enabled, on.address, on.headers), (true, now.address, now.headers));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_of_a_recording_the_second_is_asked_about() {
    const RECORDING: &str = "/domains/push.example.com/recording";
    let (console, browser) = start(Database::sqlite()).await;
    let opened = browser.open(RECORDING).await;
    let save = async |version: &str, seconds: &str, bucket: &str| {
        let typed =
            [("push", DOMAIN), ("version", version), ("partSeconds", seconds), ("unit", "s"), ("bucket", bucket)];
        browser.submit(RECORDING, &console.function("save_recording"), &typed).await
    };
    let old = version_in(&opened.html);
    save(&old, "60", "recordings").await.says(&["role=\"status\""]);
    let asked = save(&old, "1800", "tapes").await;
    asked.says(&[
        "Current settings: recording off, part length 60 s, bucket recordings.",
        "value=\"tapes\"",
        "role=\"alert\"",
    ]);
    let now = console.console.recordings.get(&Actor::cli(), DOMAIN).await.expect("settings");
    assert_eq!((now.part_seconds, now.bucket.as_str()), (60, "recordings"), "the first is not undone");
    save(&version_in(&asked.html), "60", "tapes").await.says(&["role=\"status\""]);
    let now = console.console.recordings.get(&Actor::cli(), DOMAIN).await.expect("settings");
    assert_eq!((now.part_seconds, now.bucket.as_str()), (60, "tapes"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_right_after_a_test_that_passed_does_not_test_again() {
    const SAVE: &str = "save_callback_address";
    let (console, browser) = start(Database::sqlite()).await;
    let receiver = Receiver::start();
    console.turn_on(PUBLISH, &receiver.url("/old")).await;
    let tests = || receiver.received().len();
    let address = receiver.url("/new");
    let form = Form::open(&console, &browser, SAVE).await;
    let tested = form.send("test_callback", &[("address", &address)]).await;
    form.again(&tested, SAVE).send(SAVE, &[("address", &address)]).await.says(&["Saved. The next event"]);
    assert_eq!(tests(), 1, "the test before");

    let other = receiver.url("/other");
    Form::open(&console, &browser, SAVE).await.send(SAVE, &[("address", &other)]).await.says(&["Saved."]);
    assert_eq!(tests(), 2, "another address is tested");

    receiver.answer(|_| Answer::Status(500));
    let form = Form::open(&console, &browser, SAVE).await;
    form.send("test_callback", &[("address", &other)]).await.says(&["Test failed at"]);
    form.send(SAVE, &[("address", &other)]).await.says(&["The test failed. You can save the URL anyway"]);
    assert_eq!(tests(), 4, "a test that failed spares none");

    // What the policy forbids is not saved, whatever a form says.
    let inside = [("address", "http://10.0.0.1/"), ("untested", "true")];
    form.send(SAVE, &inside).await.says(&["Callbacks may not reach 10.0.0.1 (private)."]);
    assert_eq!(callback(&console).await.address.as_deref(), Some(other.as_str()));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_spares_the_next_of_the_same_person_and_settings_for_five_minutes() {
    let (database, clock) = (Database::sqlite(), Arc::new(TestClock::at(SystemClock.now())));
    let (console, _data) = use_cases(&database, clock.clone()).await;
    let cli = Actor::cli();
    let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
    console.domains.create(&cli, new).await.expect("created");
    let receiver = Receiver::start();
    let address = receiver.url("/");
    let admin = console.accounts.create_user(&cli, "admin", Role::Admin, "correct horse").await.expect("a user");
    let somebody = Actor { who: Who::User { id: admin.id, name: "admin".to_owned() }, ..Actor::cli() };
    let spared = async |actor: &Actor, kind, address: &str| {
        console.prober.test_before_saving(actor, DOMAIN, kind, address).await.expect("tested").is_none()
    };
    let set = async |change: CallbackSettings| {
        console.callbacks.put(&cli, DOMAIN, PUBLISH, change).await.expect("changed");
    };
    let plain = CallbackSettings { enabled: true, address: Some(address.clone()), ..CallbackSettings::default() };
    set(plain.clone()).await;
    assert!(!spared(&cli, PUBLISH, &address).await && spared(&cli, PUBLISH, &address).await);
    assert!(!spared(&somebody, PUBLISH, &address).await, "another person has not tested it");
    assert!(!spared(&cli, CallbackKind::Record, &address).await, "another callback");
    assert!(spared(&cli, PUBLISH, &address).await);
    set(CallbackSettings { ordered: false, ..plain.clone() }).await;
    assert!(spared(&cli, PUBLISH, &address).await, "the order changes no request");
    for changed in [
        CallbackSettings { dialect: Dialect::V1_1, ..plain.clone() },
        CallbackSettings { timeout_seconds: 14, ..plain.clone() },
        CallbackSettings { headers: vec![("x-a".to_owned(), "b".to_owned())], ..plain.clone() },
    ] {
        set(changed).await;
        assert!(!spared(&cli, PUBLISH, &address).await);
    }
    console.callbacks.rotate_secret(&cli, DOMAIN, PUBLISH, 24).await.expect("rotated");
    assert!(!spared(&cli, PUBLISH, &address).await, "signed otherwise");
    clock.advance(5 * 60_000 - 1);
    assert!(spared(&cli, PUBLISH, &address).await);
    clock.advance(1);
    assert!(!spared(&cli, PUBLISH, &address).await, "too long ago");
    let error = console.prober.test_before_saving(&cli, DOMAIN, PUBLISH, "gopher://a/").await.expect_err("no address");
    assert_eq!(error.field(), Some("address"));
}

/// Of each kind and dialect: the event, its header, and the keys of the body in order, as real requests have them.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_sends_an_event_of_the_callbacks_own_kind() {
    let database = Database::sqlite();
    let (console, _data) = use_cases(&database, Arc::new(SystemClock)).await;
    let cli = Actor::cli();
    let new = NewDomain::parse(DOMAIN, &[PLAY]).expect("a domain");
    console.domains.create(&cli, new).await.expect("created");
    let receiver = Receiver::start();
    for (kind, dialect, event, keys) in [
        (CallbackKind::Publish, Dialect::V1_0, "publish_started", "domain app stream event status"),
        (
            CallbackKind::Record,
            Dialect::V1_0,
            "record_part_done",
            "domain app stream event status url duration startTime stopTime",
        ),
        (
            CallbackKind::Publish,
            Dialect::V1_1,
            "publish_started",
            "version publishDomain appName streamName event status eventTime pushParams",
        ),
        (
            CallbackKind::Record,
            Dialect::V1_1,
            "record_done",
            "version publishDomain appName streamName event status eventTime format duration fileSize beginTime endTime downloadUrl",
        ),
    ] {
        let change = CallbackSettings { dialect, ..CallbackSettings::default() };
        console.callbacks.put(&cli, DOMAIN, kind, change).await.expect("changed");
        let report = console.prober.test(&cli, Some(DOMAIN), kind, &receiver.url("/")).await.expect("tested");
        assert!(report.ok, "{report:?}");
        let received = receiver.received().pop().expect("a request");
        let body = received.json();
        let found: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(found.join(" "), keys, "{kind} {dialect}");
        assert_eq!((body["event"].as_str(), received.header("callsheet-event")), (Some(event), event));
        if let Some(url) = body.get("url").or_else(|| body.get("downloadUrl")).and_then(Value::as_str) {
            let name = url.strip_prefix("recordings/record/").expect("a bucket and its folder");
            let parts: Vec<&str> = name.split('/').collect();
            assert_eq!((parts.len(), parts[1..4].join("/")), (5, format!("{DOMAIN}/live/test")), "{url}");
            let digits = parts[4].trim_end_matches(".flv").replace('_', "");
            assert!(digits.len() == 28 && digits.starts_with(parts[0]), "{url}");
        }
        if let (Some(start), Some(stop)) = (body.get("startTime"), body.get("stopTime")) {
            let second = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok()).expect("seconds");
            assert_eq!(body["duration"], Value::from((second(stop) - second(start)).to_string()));
        }
    }
    let report = console.prober.test(&cli, None, CallbackKind::Record, &receiver.url("/")).await.expect("tested");
    assert!(report.ok, "{report:?}");
    let received = receiver.received().pop().expect("a request");
    assert_eq!((received.event(), received.field("domain").as_str()), ("record_part_done", "push.example.com"));
}
