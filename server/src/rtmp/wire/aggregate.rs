//! Aggregate messages: several audio and video messages in one, each formatted like an FLV tag (RTMP 1.0, section 7.1.6).

use bytes::{Buf, Bytes};

use super::{Message, MessageKind};

/// Sizes of a tag's header (type, length, time, stream) and of the length field after its data.
const TAG_HEADER: usize = 11;
const TAG_END: usize = 4;

/// Splits an aggregate into its messages. The first one gets the timestamp of the aggregate, and the intervals are kept. The second value is
/// false if the payload is malformed.
pub(crate) fn split_aggregate(aggregate: &Message) -> (Vec<Message>, bool) {
    let mut rest = aggregate.payload.clone();
    let mut messages = Vec::new();
    let mut shift = None;
    while rest.len() >= TAG_HEADER {
        let kind = rest.get_u8();
        let length = u24(&mut rest) as usize;
        let timestamp = u24(&mut rest) | u32::from(rest.get_u8()) << 24;
        rest.advance(3);
        if rest.len() < length {
            return (messages, false);
        }
        let payload = rest.split_to(length);
        // Some senders omit the last length field.
        rest.advance(TAG_END.min(rest.len()));
        let shift = *shift.get_or_insert(aggregate.timestamp.wrapping_sub(timestamp));
        let kind = MessageKind::from_id(kind);
        if matches!(kind, MessageKind::Audio | MessageKind::Video | MessageKind::Data) {
            messages.push(Message {
                kind,
                timestamp: timestamp.wrapping_add(shift),
                stream: aggregate.stream,
                payload,
            });
        }
    }
    (messages, rest.is_empty())
}

fn u24(bytes: &mut Bytes) -> u32 {
    u32::from(bytes.get_u8()) << 16 | u32::from(bytes.get_u16())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(kind: u8, timestamp: u32, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("short");
        let [high, stamp @ ..] = timestamp.to_be_bytes();
        [&[kind][..], &length.to_be_bytes()[1..], &stamp, &[high, 0, 0, 0], data, &(length + 11).to_be_bytes()].concat()
    }

    fn aggregate(timestamp: u32, payload: Vec<u8>) -> Message {
        Message { kind: MessageKind::Aggregate, timestamp, stream: 1, payload: payload.into() }
    }

    #[test]
    fn the_first_message_gets_the_time_of_the_aggregate() {
        let payload = [tag(9, 1_000, b"a"), tag(8, 1_020, b""), tag(99, 1_030, b"?"), tag(9, 990, b"bc")].concat();
        let (messages, is_complete) = split_aggregate(&aggregate(16_777_300, payload));
        let seen: Vec<_> =
            messages.iter().map(|message| (message.kind, message.timestamp, &message.payload[..])).collect();
        let expected: [(MessageKind, u32, &[u8]); 3] = [
            (MessageKind::Video, 16_777_300, b"a"),
            (MessageKind::Audio, 16_777_320, b""),
            (MessageKind::Video, 16_777_290, b"bc"),
        ];
        assert_eq!((&seen[..], is_complete), (&expected[..], true));
    }

    #[test]
    fn a_truncated_aggregate_is_incomplete() {
        let whole = [tag(9, 5, b"abc"), tag(9, 6, b"def")].concat();
        let cut = |end| {
            let (messages, is_complete) = split_aggregate(&aggregate(5, whole[..end].to_vec()));
            (messages.len(), is_complete)
        };
        assert_eq!(
            (cut(whole.len()), cut(whole.len() - 4), cut(whole.len() - 5), cut(19)),
            ((2, true), (2, true), (1, false), (1, false))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_split(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let length = payload.len();
            let (messages, _) = split_aggregate(&aggregate(0, payload));
            prop_assert!(messages.iter().map(|message| message.payload.len() + TAG_HEADER).sum::<usize>() <= length);
        }
    }
}
