//! Publisher commands and the replies to them.

use super::amf0::{Value, put, read_values};
use super::chunk::write_message;

/// Chunk streams of our messages.
const CONTROL: u8 = 2;
const COMMANDS: u8 = 3;
const STATUS: u8 = 5;
/// Acknowledgement window that we announce to publishers, in bytes.
const WINDOW_SIZE: u32 = 2_500_000;

/// Commands of a publisher.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Connect {
        transaction: f64,
        app: String,
        tc_url: Option<String>,
        /// The publisher supports Enhanced RTMP.
        is_enhanced: bool,
    },
    /// `releaseStream` or `FCPublish`: announces a publish, without further information.
    Announce {
        transaction: f64,
        name: String,
        is_publish: bool,
    },
    CreateStream {
        transaction: f64,
    },
    Publish {
        key: String,
    },
    /// `closeStream`: ends the publish on this message stream.
    Close,
    /// `FCUnpublish`: ends the publish of this name.
    FcUnpublish {
        name: String,
    },
    DeleteStream {
        stream: u32,
    },
    Play,
    /// A command that needs no reply.
    Other,
}

/// Reads a command, or returns `None` if it has no name.
pub(crate) fn read_command(payload: &[u8]) -> Option<Command> {
    let values = read_values(skip_amf3_marker(payload));
    let name = values.first()?.as_text()?;
    let transaction = values.get(1).and_then(Value::as_number).unwrap_or_default();
    let argument = |place: usize| values.get(place).and_then(Value::as_text).unwrap_or_default().to_owned();
    Some(match name {
        "connect" => {
            let field = |name| values.get(2).and_then(|object| object.field(name));
            let text = |name| field(name).and_then(Value::as_text).map(str::to_owned);
            Command::Connect {
                transaction,
                app: text("app").unwrap_or_default(),
                tc_url: text("tcUrl"),
                is_enhanced: ["fourCcList", "videoFourCcInfoMap", "capsEx"]
                    .into_iter()
                    .any(|name| field(name).is_some()),
            }
        }
        "releaseStream" => Command::Announce { transaction, name: argument(3), is_publish: false },
        "FCPublish" => Command::Announce { transaction, name: argument(3), is_publish: true },
        "createStream" => Command::CreateStream { transaction },
        "publish" => Command::Publish { key: argument(3) },
        "closeStream" => Command::Close,
        "FCUnpublish" => Command::FcUnpublish { name: argument(3) },
        "deleteStream" => {
            Command::DeleteStream { stream: values.get(3).and_then(Value::as_number).map_or(0, stream_id) }
        }
        "play" | "play2" => Command::Play,
        _ => Command::Other,
    })
}

/// Reads metadata: the first object of an `onMetaData` message, with or without `@setDataFrame`.
pub(crate) fn read_metadata(payload: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut values = read_values(skip_amf3_marker(payload)).into_iter();
    let mut name = values.next()?;
    if name.as_text() == Some("@setDataFrame") {
        name = values.next()?;
    }
    if name.as_text() != Some("onMetaData") {
        return None;
    }
    values.find_map(|value| if let Value::Object(fields) = value { Some(fields) } else { None })
}

/// Removes the zero byte that AMF3 messages start with. AMF0 follows it, and AMF0 messages start with a string.
const fn skip_amf3_marker(payload: &[u8]) -> &[u8] {
    match payload {
        [0, rest @ ..] => rest,
        all => all,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; no stream has such an id")]
const fn stream_id(number: f64) -> u32 {
    number as u32
}

/// Replies to a publisher.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reply<'r> {
    Connected {
        transaction: f64,
        is_enhanced: bool,
    },
    Announced {
        transaction: f64,
        name: &'r str,
        is_publish: bool,
    },
    StreamCreated {
        transaction: f64,
        stream: u32,
    },
    Published {
        stream: u32,
        key: &'r str,
    },
    Unpublished {
        stream: u32,
    },
    /// A refused command.
    Refused {
        stream: u32,
        code: &'static str,
        reason: &'r str,
    },
    Acknowledgement(u32),
    Pong(u32),
}

impl Reply<'_> {
    /// Appends the messages of this reply.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Connected { transaction, is_enhanced } => {
                write_message(out, CONTROL, 0, 5, &WINDOW_SIZE.to_be_bytes());
                let [a, b, c, d] = WINDOW_SIZE.to_be_bytes();
                write_message(out, CONTROL, 0, 6, &[a, b, c, d, 2]);
                stream_begin(out, 0);
                let properties = [("fmsVer", text("FMS/3,5,7,7009")), ("capabilities", Value::Number(31.0))];
                let mut info = status("status", "NetConnection.Connect.Success", "Connection accepted");
                info.push(("objectEncoding", Value::Number(0.0)));
                if is_enhanced {
                    // Any codec and several tracks are supported, because media is recorded unchanged.
                    info.push(("capsEx", Value::Number(2.0)));
                    info.push(("videoFourCcInfoMap", object([("*", Value::Number(4.0))])));
                    info.push(("audioFourCcInfoMap", object([("*", Value::Number(4.0))])));
                }
                let result = [text("_result"), Value::Number(transaction), object(properties), object(info)];
                command(out, COMMANDS, 0, &result);
            }
            Self::Announced { transaction, name, is_publish } => {
                command(out, COMMANDS, 0, &[text("_result"), Value::Number(transaction), Value::Null, Value::Null]);
                if is_publish {
                    let info = object(status("status", "NetStream.Publish.Start", name));
                    command(out, COMMANDS, 0, &[text("onFCPublish"), Value::Number(0.0), Value::Null, info]);
                }
            }
            Self::StreamCreated { transaction, stream } => {
                let stream = Value::Number(f64::from(stream));
                command(out, COMMANDS, 0, &[text("_result"), Value::Number(transaction), Value::Null, stream]);
            }
            Self::Published { stream, key } => {
                stream_begin(out, stream);
                on_status(out, stream, status("status", "NetStream.Publish.Start", &format!("{key} is now published")));
            }
            Self::Unpublished { stream } => {
                on_status(out, stream, status("status", "NetStream.Unpublish.Success", "the publish has ended"));
            }
            Self::Refused { stream, code, reason } => on_status(out, stream, status("error", code, reason)),
            Self::Acknowledgement(bytes) => write_message(out, CONTROL, 0, 3, &bytes.to_be_bytes()),
            Self::Pong(time) => {
                let [a, b, c, d] = time.to_be_bytes();
                write_message(out, CONTROL, 0, 4, &[0, 7, a, b, c, d]);
            }
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn object<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn status(level: &str, code: &str, description: &str) -> Vec<(&'static str, Value)> {
    vec![("level", text(level)), ("code", text(code)), ("description", text(description))]
}

fn on_status(out: &mut Vec<u8>, stream: u32, info: Vec<(&str, Value)>) {
    command(out, STATUS, stream, &[text("onStatus"), Value::Number(0.0), Value::Null, object(info)]);
}

fn stream_begin(out: &mut Vec<u8>, stream: u32) {
    let [a, b, c, d] = stream.to_be_bytes();
    write_message(out, CONTROL, 0, 4, &[0, 0, a, b, c, d]);
}

fn command(out: &mut Vec<u8>, chunk_stream: u8, stream: u32, values: &[Value]) {
    let mut payload = Vec::new();
    values.iter().for_each(|value| put(&mut payload, value));
    write_message(out, chunk_stream, stream, 20, &payload);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(values: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        values.iter().for_each(|value| put(&mut out, value));
        out
    }

    #[test]
    fn commands_are_read_from_amf0_and_amf3() {
        let connect = object([("app", text("live")), ("tcUrl", text("rtmp://a/live")), ("capsEx", Value::Number(1.0))]);
        for (values, expected) in [
            (
                vec![text("connect"), Value::Number(1.0), connect],
                Some(Command::Connect {
                    transaction: 1.0,
                    app: "live".to_owned(),
                    tc_url: Some("rtmp://a/live".to_owned()),
                    is_enhanced: true,
                }),
            ),
            (
                vec![text("publish"), Value::Number(5.0), Value::Null, text("room?token=a"), text("live")],
                Some(Command::Publish { key: "room?token=a".to_owned() }),
            ),
            (
                vec![text("deleteStream"), Value::Number(5.0), Value::Null, Value::Number(1.0)],
                Some(Command::DeleteStream { stream: 1 }),
            ),
            (vec![text("closeStream"), Value::Number(0.0), Value::Null], Some(Command::Close)),
            (
                vec![text("FCUnpublish"), Value::Number(6.0), Value::Null, text("room")],
                Some(Command::FcUnpublish { name: "room".to_owned() }),
            ),
            (vec![text("_checkbw"), Value::Number(6.0), Value::Null], Some(Command::Other)),
            (vec![Value::Number(1.0)], None),
        ] {
            let bytes = written(&values);
            assert_eq!(read_command(&bytes), expected, "{values:?}");
            assert_eq!(read_command(&[&[0], &bytes[..]].concat()), expected, "{values:?}");
        }
    }

    #[test]
    fn metadata_is_read_with_and_without_a_wrapper() {
        let size = || object([("width", Value::Number(128.0))]);
        let expected = Some(vec![("width".to_owned(), Value::Number(128.0))]);
        for (values, expected) in [
            (vec![text("@setDataFrame"), text("onMetaData"), size()], expected.clone()),
            (vec![text("onMetaData"), size()], expected.clone()),
            (vec![text("onMetaData"), Value::Null, size()], expected.clone()),
            (vec![text("onTextData"), size()], None),
            (vec![text("onMetaData")], None),
        ] {
            assert_eq!(read_metadata(&written(&values)), expected, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn any_payload_can_be_read(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            read_command(&payload);
            read_metadata(&payload);
        }
    }
}
