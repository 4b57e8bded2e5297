//! Names of callbacks and events in the wire format.

use crate::string_enum;

string_enum!(
    /// The two callbacks that each domain has.
    CallbackKind {
        /// Reports the start and end of streams.
        Publish = "publish",
        /// Reports the start and end of recordings and their parts.
        Record = "record",
    }
);

string_enum!(
    /// The six events.
    EventName {
        PublishStarted = "publish_started",
        PublishDone = "publish_done",
        RecordStarted = "record_started",
        RecordPartStarted = "record_part_started",
        RecordPartDone = "record_part_done",
        RecordDone = "record_done",
    }
);

impl EventName {
    /// Returns the callback that reports the event.
    #[must_use]
    pub const fn kind(self) -> CallbackKind {
        match self {
            Self::PublishStarted | Self::PublishDone => CallbackKind::Publish,
            Self::RecordStarted | Self::RecordPartStarted | Self::RecordPartDone | Self::RecordDone => {
                CallbackKind::Record
            }
        }
    }
}

string_enum!(
    /// The result that an event reports.
    Status {
        Success = "success",
        Fail = "fail",
    }
);
