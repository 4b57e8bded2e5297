//! Callbacks and events: the names of the wire format.

use crate::string_enum;

string_enum!(
    /// The two callbacks that each domain has.
    CallbackKind {
        /// A stream starts or stops.
        Publish = "publish",
        /// A recording or a part of it starts or ends.
        Record = "record",
    }
);

string_enum!(
    /// The six things that happen.
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
    /// Which callback hears of it.
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
    /// Whether the thing that an event tells of went well.
    Status {
        Success = "success",
        Fail = "fail",
    }
);
