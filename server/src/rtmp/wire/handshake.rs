//! The simple handshake (RTMP 1.0, section 5.2); only Flash players need the other.

use bytes::{Buf, BytesMut};

/// Bytes of each of C1, S1, C2 and S2.
const PIECE: usize = 1536;
const VERSION: u8 = 3;

/// Why the bytes are no handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("version {0} of RTMP")]
    Version(u8),
}

/// The next piece of the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Handshake {
    #[default]
    C0,
    C1,
    C2,
    Over,
}

impl Handshake {
    /// Takes the pieces that are there, and appends the answer to them. `true`: the handshake is over, and what is left of the input comes
    /// after it. `random` fills S1.
    ///
    /// # Errors
    /// [`HandshakeError`], as soon as the first byte is there.
    pub(crate) fn next(
        &mut self,
        input: &mut BytesMut,
        answers: &mut Vec<u8>,
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
        if *self == Self::C1 && input.len() >= PIECE {
            answers.push(VERSION);
            let ours = answers.len();
            // Time and version of ours are zero, which announces the simple handshake.
            answers.resize(ours + PIECE, 0);
            random(&mut answers[ours + 8..]);
            answers.extend_from_slice(&input.split_to(PIECE));
            *self = Self::C2;
        }
        if *self == Self::C2 && input.len() >= PIECE {
            // Some encoders do not repeat S1, so it is not compared.
            input.advance(PIECE);
            *self = Self::Over;
        }
        Ok(*self == Self::Over)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds the bytes in pieces; answers with the answer, what is left, and whether the handshake is over.
    fn shake(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, BytesMut, bool), HandshakeError> {
        let (mut handshake, mut input, mut answers) = (Handshake::default(), BytesMut::new(), Vec::new());
        let mut is_over = false;
        for piece in bytes.chunks(piece) {
            input.extend_from_slice(piece);
            is_over = handshake.next(&mut input, &mut answers, |random| random.fill(7))?;
        }
        Ok((answers, input, is_over))
    }

    proptest! {
        #[test]
        fn a_handshake_in_any_pieces(version in 3_u8..6, piece in 1..4000_usize, more in 0..50_usize) {
            let theirs = [1; PIECE];
            let bytes = [&[version][..], &theirs, &[2; PIECE], &vec![3; more]].concat();
            let (answers, left, is_over) = shake(&bytes, piece).expect("a handshake");
            prop_assert!(is_over);
            prop_assert_eq!(answers, [&[3, 0, 0, 0, 0, 0, 0, 0, 0][..], &[7; PIECE - 8], &theirs].concat());
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
    fn half_a_handshake_is_not_answered() {
        let (answers, left, is_over) = shake(&[3; PIECE], 100).expect("not refused");
        assert_eq!((answers.len(), left.len(), is_over), (0, PIECE - 1, false));
    }
}
