//! People: set-up, invitation, sign-in and its second step, *Users*, and one's own profile.

mod device;
mod invite;
mod login;
mod permissions;
mod profile;
mod server_fns;
mod sessions;
mod user;
mod users;

pub(crate) use invite::{InvitePage, SetUpPage};
pub(crate) use login::{CallbackPage, CodePage, LoginPage, ProviderPage};
pub(crate) use profile::ProfilePage;
pub(crate) use server_fns::SignOut;
pub(crate) use user::UserPage;
pub(crate) use users::{NewUserPage, UsersPage};
