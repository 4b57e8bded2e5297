//! One's own profile: password, second factor, sessions.

use callsheet::accounts::{FactorView, NewFactor, UserView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use qrcode::{Color, QrCode};

use super::invite::new_password;
use super::server_fns::{ChangePassword, ConfirmFactor, EndOtherSessions, EndOwnSession, StartFactor, TurnOffFactor};
use super::sessions::sessions;
use crate::components::{CopyButton, Field, Head, Note, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::page;

/// `/profile`.
#[component]
pub(crate) fn ProfilePage() -> impl IntoView {
    page(|visit, actor, flash| async move {
        let texts = visit.texts;
        let accounts = &visit.console.accounts;
        let user = accounts.profile(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let factor = accounts.factor(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let open = accounts.own_sessions(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let others = (open.len() > 1).then(|| {
            view! {
                <form method="post" action=EndOtherSessions::PATH>
                    <button class="btn small">{texts.get("sessions.end_others")}</button>
                </form>
            }
        });
        let own = match &user.issuer {
            Some(issuer) => view! {
                <section class="card"><div class="body">
                    <p>{texts.fill("profile.by_provider", &[("issuer", issuer)])}</p>
                </div></section>
            }
            .into_any(),
            None => view! { {password(&visit, &user, &flash)} {two_factor(&visit, &flash, &factor)} }.into_any(),
        };
        Ok(view! {
            <Head title=texts.get("profile.title")>
                <span class="muted">{user.name.clone()}" · "{texts.word("role", user.role.as_str())}</span>
            </Head>
            {own}
            <section class="card" id="sessions">
                <header><h2>{texts.get("sessions.title")}</h2><span class="spacer"></span>{others}</header>
                {sessions(&visit, &open, EndOwnSession::PATH, None)}
            </section>
        }
        .into_any())
    })
}

fn password(visit: &Visit, user: &UserView, flash: &Flash) -> AnyView {
    let texts = visit.texts;
    let form = flash.of(ChangePassword::PATH);
    view! {
        <section class="card">
            <header><h2>{texts.get("profile.password")}</h2></header>
            <div class="body">
                <form class="fields" method="post" action=ChangePassword::PATH>
                    <input type="hidden" name="username" autocomplete="username" value=user.name.clone()/>
                    <Field name="present" label=texts.get("profile.current_password") kind="password" autocomplete="current-password"
                        required=true error=form.wrong("present")/>
                    {new_password(visit, &form, texts.get("profile.new_password"))}
                    <p class="muted">{texts.get("profile.password_text")}</p>
                    <div><button class="btn primary">{texts.get("profile.password_submit")}</button></div>
                </form>
            </div>
        </section>
    }
    .into_any()
}

fn two_factor(visit: &Visit, flash: &Flash, factor: &FactorView) -> AnyView {
    let texts = visit.texts;
    let body = match factor {
        FactorView::Off => view! {
            <p>{texts.get("two_factor.off")}</p>
            <form method="post" action=StartFactor::PATH>
                <button class="btn primary">{texts.get("two_factor.start")}</button>
            </form>
        }
        .into_any(),
        FactorView::Pending { url, secret } => pending(visit, flash, url, secret),
        FactorView::On { recovery_codes } => on(visit, flash, *recovery_codes),
    };
    view! {
        <section class="card" id="two-factor">
            <header><h2>{texts.get("two_factor.title")}</h2></header>
            <div class="body">{body}</div>
        </section>
    }
    .into_any()
}

/// The secret for the person's device, and the field for its first code.
fn pending(visit: &Visit, flash: &Flash, url: &str, secret: &str) -> AnyView {
    let texts = visit.texts;
    let form = flash.of(ConfirmFactor::PATH);
    view! {
        <p>{texts.get("two_factor.scan")}</p>
        {picture(url, texts.get("two_factor.picture"))}
        <p>{texts.get("two_factor.type_secret")}</p>
        <div class="row secret">{copyable(texts, secret, &texts.get("two_factor.secret"))}</div>
        <form class="fields" method="post" action=ConfirmFactor::PATH>
            <Field name="code" id="first-code" label=texts.get("two_factor.first_code") autocomplete="one-time-code" inputmode="numeric"
                required=true error=form.wrong("code")/>
            <div><button class="btn primary">{texts.get("two_factor.confirm")}</button></div>
        </form>
        <form method="post" action=StartFactor::PATH>
            <button class="btn quiet">{texts.get("two_factor.start_over")}</button>
        </form>
    }
    .into_any()
}

/// The QR code, drawn dark on light in both themes, as cameras expect it.
fn picture(url: &str, label: String) -> Option<AnyView> {
    /// Light modules around the code, as the standard asks.
    const QUIET: usize = 4;
    let code = QrCode::new(url).ok()?;
    let (width, mut path) = (code.width(), String::new());
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET));
        }
    }
    let side = width + 2 * QUIET;
    Some(
        view! {
            <svg class="qr-code" viewBox=format!("0 0 {side} {side}") role="img" aria-label=label shape-rendering="crispEdges">
                <rect width=side.to_string() height=side.to_string() fill="#fff"></rect>
                <path d=path fill="#000"></path>
            </svg>
        }
        .into_any(),
    )
}

fn on(visit: &Visit, flash: &Flash, left: i64) -> AnyView {
    let texts = visit.texts;
    let form = flash.of(TurnOffFactor::PATH);
    let new: Option<NewFactor> = flash.of(ConfirmFactor::PATH).value();
    let codes = new.map(|new| {
        let lines = new.recovery_codes.join("\n");
        view! {
            <Note tone=Tone::Warn>
                <p><strong>{texts.get("two_factor.codes_once")}</strong></p>
                <pre tabindex="0">{lines.clone()}</pre>
                <div><CopyButton text=lines label=texts.get("copy.label") done=texts.get("copy.done") what=texts.get("two_factor.codes")/></div>
            </Note>
        }
    });
    view! {
        {codes}
        <p>{texts.get("two_factor.on")}" "{texts.count("two_factor.left", left)}</p>
        <details class="disclosure" open=form.error.is_some()>
            <summary>{texts.get("two_factor.turn_off")}</summary>
            <form class="fields" method="post" action=TurnOffFactor::PATH>
                <p>{texts.get("two_factor.turn_off_text")}</p>
                <Field name="present" id="present-for-off" label=texts.get("profile.current_password") kind="password"
                    autocomplete="current-password" required=true error=form.wrong("present")/>
                <div><button class="btn danger">{texts.get("two_factor.turn_off_submit")}</button></div>
            </form>
        </details>
    }
    .into_any()
}
