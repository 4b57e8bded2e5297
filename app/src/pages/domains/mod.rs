//! *Domain Management*: the list, creating and deleting, and a domain's basic information.

mod detail;
mod edit;
mod list;
mod parts;
mod server_fns;

pub(crate) use detail::DomainPage;
pub(crate) use edit::{DeleteDomainPage, NewDomainPage};
pub(crate) use list::DomainsPage;
pub(crate) use parts::domain_head;
