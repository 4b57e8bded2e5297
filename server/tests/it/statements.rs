//! Number of SQL statements of a request.

use std::sync::{Mutex, PoisonError};

use callsheet::model::{CallbackKind, Role};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::support::{Browser, DOMAIN, Database, Receiver, TestConsole, on_both_databases};

on_both_databases!(a_callback_switch_takes_few_statements);

/// Statements of all requests since they were taken last, in short.
static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn take() -> Vec<String> {
    std::mem::take(&mut STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Records the statements that sqlx logs within requests, and none of the background jobs.
struct Recorder;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut scope = context.event_scope(event).into_iter().flatten();
        if event.metadata().target() == "sqlx::query" && scope.any(|span| span.name() == "request") {
            let mut summary = Summary::default();
            event.record(&mut summary);
            STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).push(summary.0);
        }
    }
}

#[derive(Default)]
struct Summary(String);

impl Visit for Summary {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

async fn a_callback_switch_takes_few_statements(database: Database) {
    let relevant = filter_fn(|metadata| metadata.is_span() || metadata.target() == "sqlx::query");
    let subscriber = tracing_subscriber::registry().with(Recorder.with_filter(relevant));
    tracing::subscriber::set_global_default(subscriber).expect("a process for this test only, as cargo nextest has it");
    let console = TestConsole::start(database).await;
    console.send_all_to(&Receiver::start()).await;
    let browser = Browser::of(&console, Role::Operator).await;
    let switch = console.function("set_callback_enabled");
    for enabled in ["false", "true"] {
        take();
        let kind = CallbackKind::Publish.as_str();
        let answer = browser.call(&switch, &[("push", DOMAIN), ("kind", kind), ("enabled", enabled)]).await;
        assert!(answer.contains(&format!("\"enabled\":{enabled}")), "{answer}");
        let statements = take();
        assert!((4..=8).contains(&statements.len()), "{enabled}: {statements:#?}");
    }
    console.stop().await;
}
