//! Where the forms of people post to: on the way in, in *Users*, and in one's own profile.

mod entry;
mod own;
mod people;

pub(crate) use entry::SignOut;
pub(super) use entry::{AcceptLink, Away, EnterCode, Pending, SetUp, SignIn, open_session};
pub(super) use own::{ChangePassword, ConfirmFactor, EndOtherSessions, EndOwnSession, StartFactor, TurnOffFactor};
pub(super) use people::{
    EndUserSession, EndUserSessions, InviteUser, NewUserLink, ResetUserFactor, SetUserActive, SetUserRole,
};
