//! Every page of the console.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::error::UiError;
use crate::frame::Frame;
use crate::page::failure;
use crate::pages::{
    accounts, api, audit, deliveries, domains, keys, overview, recordings, settings, sources, statistics, streams,
};
use crate::request;

/// The pages, each rendered whole before its first byte leaves, so that its status and headers can tell the truth.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Callsheet".to_owned() } else { format!("{title} · Callsheet") }/>
        <Router>
            <Frame>
                <Routes fallback=not_found>
                    <Route path=path!("/setup") view=accounts::SetUpPage ssr=SsrMode::Async/>
                    <Route path=path!("/login") view=accounts::LoginPage ssr=SsrMode::Async/>
                    <Route path=path!("/login/code") view=accounts::CodePage ssr=SsrMode::Async/>
                    <Route path=path!("/login/provider") view=accounts::ProviderPage ssr=SsrMode::Async/>
                    <Route path=path!("/login/callback") view=accounts::CallbackPage ssr=SsrMode::Async/>
                    <Route path=path!("/invite/:token") view=accounts::InvitePage ssr=SsrMode::Async/>
                    <Route path=path!("/") view=overview::OverviewPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains") view=domains::DomainsPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/new") view=domains::NewDomainPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push") view=domains::DomainPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push/delete") view=domains::DeleteDomainPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push/streams") view=streams::StreamsPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push/streams/:app/:stream/disconnect") view=streams::DisconnectPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push/streams/:app/:stream/forbid") view=streams::ForbidPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push/recording") view=recordings::RecordingPage ssr=SsrMode::Async/>
                    <Route path=path!("/domains/:push/deliveries") view=deliveries::DomainDeliveriesPage ssr=SsrMode::Async/>
                    <Route path=path!("/sessions/:id") view=streams::SessionPage ssr=SsrMode::Async/>
                    <Route path=path!("/deliveries") view=deliveries::DeliveriesPage ssr=SsrMode::Async/>
                    <Route path=path!("/deliveries/:id") view=deliveries::DeliveryPage ssr=SsrMode::Async/>
                    <Route path=path!("/recoveries") view=deliveries::RecoverPage ssr=SsrMode::Async/>
                    <Route path=path!("/recoveries/:id") view=deliveries::RecoveryPage ssr=SsrMode::Async/>
                    <Route path=path!("/statistics/usage") view=statistics::UsagePage ssr=SsrMode::Async/>
                    <Route path=path!("/statistics/transcoding") view=statistics::TranscodingPage ssr=SsrMode::Async/>
                    <Route path=path!("/statistics/imports") view=statistics::ImportsPage ssr=SsrMode::Async/>
                    <Route path=path!("/sources") view=sources::SourcesPage ssr=SsrMode::Async/>
                    <Route path=path!("/sources/new") view=sources::NewSourcePage ssr=SsrMode::Async/>
                    <Route path=path!("/sources/:id") view=sources::SourcePage ssr=SsrMode::Async/>
                    <Route path=path!("/users") view=accounts::UsersPage ssr=SsrMode::Async/>
                    <Route path=path!("/users/new") view=accounts::NewUserPage ssr=SsrMode::Async/>
                    <Route path=path!("/users/:id") view=accounts::UserPage ssr=SsrMode::Async/>
                    <Route path=path!("/profile") view=accounts::ProfilePage ssr=SsrMode::Async/>
                    <Route path=path!("/keys") view=keys::KeysPage ssr=SsrMode::Async/>
                    <Route path=path!("/keys/new") view=keys::NewKeyPage ssr=SsrMode::Async/>
                    <Route path=path!("/keys/:id") view=keys::KeyPage ssr=SsrMode::Async/>
                    <Route path=path!("/audit") view=audit::AuditPage ssr=SsrMode::Async/>
                    <Route path=path!("/api") view=api::ApiPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings") view=settings::SettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/single-sign-on") view=settings::SingleSignOnPage ssr=SsrMode::Async/>
                    <Route path=path!("/settings/single-sign-on/leave") view=settings::LeavePage ssr=SsrMode::Async/>
                </Routes>
            </Frame>
        </Router>
    }
}

fn not_found() -> impl IntoView {
    let texts = request::texts();
    failure(texts, &UiError::not_found(texts))
}
