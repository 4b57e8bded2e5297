//! People: set-up, invitations, sign-in in one step or two, sessions, single sign-on.

pub(crate) mod browser;
mod fake_provider;
mod providers;
mod sessions;
mod set_up;
pub(crate) mod single_sign_on;
mod theft;
mod timing;
pub(crate) mod two_factor;
mod users;

pub(super) const PASSWORD: &str = "correct horse";
pub(super) const HOME: &str = "192.0.2.7";
/// 2026-11-22T14:31:20.000Z
pub(super) const NOW: i64 = 1_795_357_880_000;
pub(super) const HOUR_MS: i64 = 3_600_000;
