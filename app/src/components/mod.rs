//! The parts that pages are made of. All but the islands in `copy`, `live`, `narrow` and `pick` are HTML from the server.

mod copy;
#[cfg(feature = "ssr")]
mod field;
#[cfg(feature = "ssr")]
mod head;
#[cfg(feature = "ssr")]
mod list;
mod live;
mod narrow;
mod pick;
#[cfg(feature = "ssr")]
mod state;

#[cfg(feature = "ssr")]
pub(crate) use copy::CopyButton;
#[cfg(feature = "ssr")]
pub(crate) use field::{Choice, Field, Select};
#[cfg(feature = "ssr")]
pub(crate) use head::{Crumb, Head, Logo, Tabs};
#[cfg(feature = "ssr")]
pub(crate) use list::{Empty, listed};
#[cfg(feature = "ssr")]
pub(crate) use live::Live;
#[cfg(feature = "hydrate")]
pub(crate) use live::take_over;
#[cfg(feature = "ssr")]
pub(crate) use narrow::Narrow;
#[cfg(feature = "ssr")]
pub(crate) use pick::PickAll;
#[cfg(feature = "ssr")]
pub(crate) use state::{Badge, Note, Tone, copyable};
