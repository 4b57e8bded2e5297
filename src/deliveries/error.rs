//! Errors of the use cases.

use super::sender::SendError;
use crate::callbacks::CallbackError;
use crate::model::{Forbidden, Problem, ProblemDetails, ProblemKind, StoreError, problem};
use crate::outbound::AddressError;

/// An error of a use case of *Deliveries*.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("this delivery does not exist; its retention period may have ended")]
    Unknown,
    #[error("the callback is off or has no URL; turn it on, then resend")]
    CallbackOff,
    #[error("the delivery has already finished; nothing was cancelled")]
    Finished,
    #[error("no delivery is selected")]
    NoneSelected,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for DeliveryError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Unknown => problem(ProblemKind::NotFound, "delivery_unknown"),
            Self::CallbackOff => problem(ProblemKind::Conflict, "delivery_callback_off"),
            Self::Finished => problem(ProblemKind::Conflict, "delivery_finished"),
            Self::NoneSelected => problem(ProblemKind::Invalid, "delivery_none_selected"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

/// An error of a use case of *Recover*.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error("this recovery does not exist")]
    Unknown,
    #[error("only failed, cancelled and skipped deliveries can be recovered")]
    BadState,
    #[error("the recovery has already ended; nothing was cancelled")]
    Ended,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for RecoveryError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Unknown => problem(ProblemKind::NotFound, "recovery_unknown"),
            Self::BadState => problem(ProblemKind::Invalid, "recovery_bad_state").field("state"),
            Self::Ended => problem(ProblemKind::Conflict, "recovery_ended"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

/// An error before a test request was sent. A request that failed is a [`super::ProbeReport`].
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("at most 10 tests per minute; wait a moment, then test again")]
    TooMany,
    #[error(transparent)]
    Callback(#[from] CallbackError),
    #[error(transparent)]
    Secret(#[from] SendError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl Problem for ProbeError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Address(e) => e.details(),
            Self::TooMany => problem(ProblemKind::TooMany, "probe_too_many"),
            Self::Callback(e) => e.details(),
            Self::Secret(_) => problem(ProblemKind::Internal, "internal"),
            Self::Forbidden(e) => e.details(),
        }
    }
}
