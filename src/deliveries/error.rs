//! Errors of the use cases.

use super::sender::SendError;
use crate::callbacks::CallbackError;
use crate::model::{Forbidden, Problem, ProblemKind, StoreError};
use crate::outbound::AddressError;

/// An error of a use case of *Deliveries*.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("there is no such delivery; it may have passed its retention")]
    Unknown,
    #[error("the callback is off or has no address; turn it on, then resend")]
    CallbackOff,
    #[error("the delivery is finished already; nothing was cancelled")]
    Finished,
    #[error("no delivery is selected")]
    NoneSelected,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for DeliveryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "delivery_unknown",
            Self::CallbackOff => "delivery_callback_off",
            Self::Finished => "delivery_finished",
            Self::NoneSelected => "delivery_none_selected",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown => ProblemKind::NotFound,
            Self::CallbackOff | Self::Finished => ProblemKind::Conflict,
            Self::NoneSelected => ProblemKind::Invalid,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
}

/// An error of a use case of *Recover*.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error("there is no such recovery")]
    Unknown,
    #[error("only failed, cancelled and skipped deliveries can be recovered")]
    BadState,
    #[error("the recovery has ended already; nothing was cancelled")]
    Ended,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for RecoveryError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "recovery_unknown",
            Self::BadState => "recovery_bad_state",
            Self::Ended => "recovery_ended",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown => ProblemKind::NotFound,
            Self::BadState => ProblemKind::Invalid,
            Self::Ended => ProblemKind::Conflict,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::BadState).then_some("state")
    }
}

/// An error before a test request was sent. A request that failed is a [`super::ProbeReport`].
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("at most 10 tests a minute; wait a moment, then test again")]
    TooMany,
    #[error(transparent)]
    Callback(#[from] CallbackError),
    #[error(transparent)]
    Secret(#[from] SendError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl Problem for ProbeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Address(e) => e.code(),
            Self::TooMany => "probe_too_many",
            Self::Callback(e) => e.code(),
            Self::Secret(_) => "internal",
            Self::Forbidden(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Address(e) => e.kind(),
            Self::TooMany => ProblemKind::TooMany,
            Self::Callback(e) => e.kind(),
            Self::Secret(_) => ProblemKind::Internal,
            Self::Forbidden(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Address(e) => e.field(),
            Self::Callback(e) => e.field(),
            Self::TooMany | Self::Secret(_) | Self::Forbidden(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Address(e) => e.args(),
            Self::Callback(e) => e.args(),
            Self::TooMany | Self::Secret(_) | Self::Forbidden(_) => Vec::new(),
        }
    }
}
