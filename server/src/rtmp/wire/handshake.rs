//! The simple handshake (RTMP 1.0, section 5.2). Only Flash players need the complex one.

use bytes::{Buf, BytesMut};

/// Size of C1, S1, C2 and S2.
const PACKET_SIZE: usize = 1536;
const VERSION: u8 = 3;

/// An invalid handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("version {0} of RTMP")]
    Version(u8),
}

/// The next packet expected from the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Handshake {
    #[default]
    C0,
    C1,
    C2,
    Done,
}

impl Handshake {
    /// Consumes the available packets and appends the replies. Returns true when the handshake is complete; the remaining input follows it.
    /// `random` fills S1.
    ///
    /// # Errors
    /// The first byte is not an RTMP version.
    pub(crate) fn next(
        &mut self,
        input: &mut BytesMut,
        replies: &mut Vec<u8>,
        random: impl FnOnce(&mut [u8]),
    ) -> Result<bool, HandshakeError> {
        if *self == Self::C0 {
            let Ok(version) = input.try_get_u8() else { return Ok(false) };
            // Encrypted RTMP starts with 6, TLS with 22, and other protocols start with a letter.
            if !(3..32).contains(&version) || matches!(version, 6 | 22) {
                return Err(HandshakeError::Version(version));
            }
            *self = Self::C1;
        }
        if *self == Self::C1 && input.len() >= PACKET_SIZE {
            replies.push(VERSION);
            let ours = replies.len();
            // A zero time and version announce the simple handshake.
            replies.resize(ours + PACKET_SIZE, 0);
            random(&mut replies[ours + 8..]);
            replies.extend_from_slice(&input.split_to(PACKET_SIZE));
            *self = Self::C2;
        }
        if *self == Self::C2 && input.len() >= PACKET_SIZE {
            // Some encoders do not echo S1 correctly, so C2 is not checked.
            input.advance(PACKET_SIZE);
            *self = Self::Done;
        }
        Ok(*self == Self::Done)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds the bytes in pieces. Returns the replies, the remaining input, and whether the handshake is complete.
    fn shake(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, BytesMut, bool), HandshakeError> {
        let (mut handshake, mut input, mut replies) = (Handshake::default(), BytesMut::new(), Vec::new());
        let mut is_done = false;
        for piece in bytes.chunks(piece) {
            input.extend_from_slice(piece);
            is_done = handshake.next(&mut input, &mut replies, |random| random.fill(7))?;
        }
        Ok((replies, input, is_done))
    }

    proptest! {
        #[test]
        fn a_handshake_may_arrive_in_any_pieces(version in 3_u8..6, piece in 1..4000_usize, more in 0..50_usize) {
            let theirs = [1; PACKET_SIZE];
            let bytes = [&[version][..], &theirs, &[2; PACKET_SIZE], &vec![3; more]].concat();
            let (replies, left, is_done) = shake(&bytes, piece).expect("a handshake");
            prop_assert!(is_done);
            prop_assert_eq!(replies, [&[3, 0, 0, 0, 0, 0, 0, 0, 0][..], &[7; PACKET_SIZE - 8], &theirs].concat());
            prop_assert_eq!(left, vec![3; more]);
        }
    }

    #[test]
    fn other_protocols_are_refused_at_their_first_byte() {
        for byte in [0, 2, 6, 22, 32, b'G'] {
            assert_eq!(shake(&[byte], 1), Err(HandshakeError::Version(byte)));
        }
    }

    #[test]
    fn an_incomplete_handshake_gets_no_reply() {
        let (replies, left, is_done) = shake(&[3; PACKET_SIZE], 100).expect("not refused");
        assert_eq!((replies.len(), left.len(), is_done), (0, PACKET_SIZE - 1, false));
    }
}
