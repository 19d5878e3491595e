//! The claims of a message.

use crate::cbor::{Decoder, Encoder};
use crate::claims::{AUD, CNF, CTI, EXP, IAT, need, read_holder, read_name, read_time, write_holder};
use crate::cose::{Envelope, ObjectKind};
use crate::id::{Digest, SessionId, TokenId};
use crate::key::VerifyingKey;
use crate::time::Timestamp;
use crate::{Code, Error, Result, limits};

const MESSAGE: i64 = -65_543;

/// What a sender signs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MessageClaims {
    pub(super) recipient: String,
    pub(super) expires: Timestamp,
    pub(super) issued: Timestamp,
    pub(super) id: TokenId,
    pub(super) sender: VerifyingKey,
    pub(super) session: SessionId,
    pub(super) sequence: u64,
    pub(super) payload: Digest,
    pub(super) token: Option<Digest>,
}

impl MessageClaims {
    /// Size, envelope and claims of a message whose signature is not checked yet.
    pub(super) fn read(bytes: &[u8]) -> Result<(Envelope<'_>, Self)> {
        if bytes.len() > limits::MAX_MESSAGE {
            return Err(Error::about(Code::TooLarge, "message"));
        }
        let envelope = Envelope::read(bytes, ObjectKind::Message)?;
        let claims = MessageClaims::decode(envelope.unverified_payload())?;
        Ok((envelope, claims))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        out.map(6).integer(AUD).text(&self.recipient);
        out.integer(EXP).unsigned(self.expires.secs()).integer(IAT).unsigned(self.issued.secs());
        out.integer(CTI).bytes(self.id.as_bytes());
        write_holder(&mut out, &self.sender);
        out.integer(MESSAGE).map(if self.token.is_some() { 4 } else { 3 });
        out.unsigned(0).bytes(self.session.as_bytes()).unsigned(1).unsigned(self.sequence);
        out.unsigned(2).bytes(self.payload.as_bytes());
        if let Some(token) = &self.token {
            out.unsigned(3).bytes(token.as_bytes());
        }
        out.into_bytes()
    }

    fn decode(payload: &[u8]) -> Result<Self> {
        let (mut recipient, mut expires, mut issued, mut id, mut sender, mut message) = (None, None, None, None, None, None);
        let mut decoder = Decoder::new(payload);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                AUD => recipient = Some(read_name(&mut decoder, "aud")?),
                EXP => expires = Some(read_time(&mut decoder)?),
                IAT => issued = Some(read_time(&mut decoder)?),
                CTI => id = Some(TokenId::from_bytes(decoder.fixed()?)),
                CNF => sender = Some(VerifyingKey::try_from_slice(read_holder(&mut decoder)?)?),
                MESSAGE => message = Some(Draft::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let message = need(message, "message")?;
        let claims = MessageClaims {
            recipient: need(recipient, "aud")?,
            expires: need(expires, "exp")?,
            issued: need(issued, "iat")?,
            id: need(id, "cti")?,
            sender: need(sender, "cnf")?,
            session: need(message.session, "session")?,
            sequence: need(message.sequence, "sequence")?,
            payload: need(message.payload, "payload")?,
            token: message.token,
        };
        let (issued, expires) = (claims.issued.secs(), claims.expires.secs());
        if expires <= issued || expires - issued > limits::MAX_MESSAGE_LIFETIME {
            return Err(Error::about(Code::ClaimInvalid, "a message lives 1 second to 1 hour"));
        }
        Ok(claims)
    }
}

/// The map of the message as it is read.
#[derive(Default)]
struct Draft {
    session: Option<SessionId>,
    sequence: Option<u64>,
    payload: Option<Digest>,
    token: Option<Digest>,
}

impl Draft {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut draft = Draft::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => draft.session = Some(SessionId::from_bytes(decoder.fixed()?)),
                1 => draft.sequence = Some(read_sequence(decoder)?),
                2 => draft.payload = Some(Digest::from_bytes(decoder.fixed()?)),
                3 => draft.token = Some(Digest::from_bytes(decoder.fixed()?)),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(draft)
    }
}

fn read_sequence(decoder: &mut Decoder<'_>) -> Result<u64> {
    match u64::try_from(decoder.integer()?) {
        Ok(sequence) if sequence <= limits::MAX_SEQUENCE => Ok(sequence),
        _ => Err(Error::about(Code::ClaimInvalid, "sequence")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    const TIME: u64 = 1_764_000_000;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs).unwrap()
    }

    fn claims() -> MessageClaims {
        MessageClaims {
            recipient: "bob".into(),
            expires: at(TIME + 60),
            issued: at(TIME),
            id: TokenId::from_bytes([7; 16]),
            sender: SigningKey::from_seed(&[1; 32]).unwrap().verifying_key().clone(),
            session: SessionId::from_bytes([3; 16]),
            sequence: limits::MAX_SEQUENCE,
            payload: Digest::from_bytes([4; 32]),
            token: Some(Digest::from_bytes([5; 32])),
        }
    }

    fn code(bytes: &[u8]) -> Option<Code> {
        MessageClaims::decode(bytes).err().map(|error| error.code())
    }

    #[test]
    fn claims_survive_their_encoding() {
        for claims in [claims(), MessageClaims { token: None, sequence: 0, ..claims() }] {
            assert_eq!(MessageClaims::decode(&claims.encode()).unwrap(), claims);
        }
    }

    #[test]
    fn claims_out_of_their_range_are_refused() {
        for (bad, expected) in [
            (MessageClaims { expires: at(TIME + 3600), ..claims() }, None),
            (MessageClaims { expires: at(TIME + 3601), ..claims() }, Some(Code::ClaimInvalid)),
            (MessageClaims { expires: at(TIME), ..claims() }, Some(Code::ClaimInvalid)),
            (MessageClaims { issued: at(0), expires: Timestamp::MAX, ..claims() }, Some(Code::ClaimInvalid)),
            (MessageClaims { sequence: limits::MAX_SEQUENCE + 1, ..claims() }, Some(Code::ClaimInvalid)),
            (MessageClaims { sequence: u64::MAX, ..claims() }, Some(Code::Malformed)),
            (MessageClaims { recipient: String::new(), ..claims() }, Some(Code::ClaimInvalid)),
            (MessageClaims { recipient: "a\n".into(), ..claims() }, Some(Code::ClaimInvalid)),
        ] {
            assert_eq!(code(&bad.encode()), expected, "{bad:?}");
        }
    }

    #[test]
    fn claims_that_are_missing_or_unknown_are_refused() {
        assert_eq!(code(&[0xa0]), Some(Code::ClaimMissing));
        assert_eq!(code(&[0xa1, 0x01, 0x61, b'x']), Some(Code::ClaimUnknown));
        let mut out = Encoder::new();
        out.map(1).integer(MESSAGE).map(0);
        assert_eq!(code(&out.into_bytes()), Some(Code::ClaimMissing));
        let mut out = Encoder::new();
        out.map(1).integer(MESSAGE).map(1).unsigned(4).unsigned(0);
        assert_eq!(code(&out.into_bytes()), Some(Code::ClaimUnknown));
    }
}
