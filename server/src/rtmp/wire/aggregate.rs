//! Aggregate messages: several audio and video messages in one, each in the form of an FLV tag (RTMP 1.0, section 7.1.6).

use bytes::{Buf, Bytes};

use super::{Kind, Message};

/// An FLV tag: type, length, time and stream before the data, the length of all this behind it.
const BEFORE: usize = 11;
const BEHIND: usize = 4;

/// The messages within an aggregate; its own time is that of the first, and the distances between them stay. The second value is false when
/// its end cannot be read.
pub(crate) fn unfold(aggregate: &Message) -> (Vec<Message>, bool) {
    let mut left = aggregate.payload.clone();
    let mut messages = Vec::new();
    let mut shift = None;
    while left.len() >= BEFORE {
        let kind = left.get_u8();
        let length = u24(&mut left) as usize;
        let timestamp = u24(&mut left) | u32::from(left.get_u8()) << 24;
        left.advance(3);
        if left.len() < length {
            return (messages, false);
        }
        let payload = left.split_to(length);
        // Some senders leave out the last length.
        left.advance(BEHIND.min(left.len()));
        let shift = *shift.get_or_insert(aggregate.timestamp.wrapping_sub(timestamp));
        let kind = Kind::from_id(kind);
        if matches!(kind, Kind::Audio | Kind::Video | Kind::Data) {
            messages.push(Message {
                kind,
                timestamp: timestamp.wrapping_add(shift),
                stream: aggregate.stream,
                payload,
            });
        }
    }
    (messages, left.is_empty())
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
        Message { kind: Kind::Aggregate, timestamp, stream: 1, payload: payload.into() }
    }

    #[test]
    fn times_are_shifted_by_the_first() {
        let payload = [tag(9, 1_000, b"a"), tag(8, 1_020, b""), tag(99, 1_030, b"?"), tag(9, 990, b"bc")].concat();
        let (messages, is_whole) = unfold(&aggregate(16_777_300, payload));
        let seen: Vec<_> =
            messages.iter().map(|message| (message.kind, message.timestamp, &message.payload[..])).collect();
        let expected: [(Kind, u32, &[u8]); 3] =
            [(Kind::Video, 16_777_300, b"a"), (Kind::Audio, 16_777_320, b""), (Kind::Video, 16_777_290, b"bc")];
        assert_eq!((&seen[..], is_whole), (&expected[..], true));
    }

    #[test]
    fn what_is_cut_short_is_said() {
        let whole = [tag(9, 5, b"abc"), tag(9, 6, b"def")].concat();
        let cut = |end| {
            let (messages, is_whole) = unfold(&aggregate(5, whole[..end].to_vec()));
            (messages.len(), is_whole)
        };
        assert_eq!(
            (cut(whole.len()), cut(whole.len() - 4), cut(whole.len() - 5), cut(19)),
            ((2, true), (2, true), (1, false), (1, false))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_unfolded(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let length = payload.len();
            let (messages, _) = unfold(&aggregate(0, payload));
            prop_assert!(messages.iter().map(|message| message.payload.len() + BEFORE).sum::<usize>() <= length);
        }
    }
}
