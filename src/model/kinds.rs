//! The fixed vocabularies of the wire format.

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}
pub(crate) use vocabulary;

vocabulary!(
    /// The two callbacks that each domain has.
    CallbackKind {
        /// A stream starts or stops.
        Publish = "publish",
        /// A recording or a part of it starts or ends.
        Record = "record",
    }
);

vocabulary!(
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

vocabulary!(
    /// Whether the thing that an event tells of went well.
    Status {
        Success = "success",
        Fail = "fail",
    }
);
