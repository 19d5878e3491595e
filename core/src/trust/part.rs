//! The parts of a revocation list: ids by kind.

use super::table::{ACTIVE, PENDING, REVOKED, SUSPENDED, Status};
use crate::cbor::{Decoder, Encoder};
use crate::id::hex;
use crate::key::VerifyingKey;
use crate::{Code, Error, Result, limits};

pub(super) const TOKEN: u8 = b'T';
pub(super) const KEY: u8 = b'K';
pub(super) const SESSION: u8 = b'S';
pub(super) const TASK: u8 = b'Y';
pub(super) const APPROVAL: u8 = b'A';

/// One kind of entry: what its ids are of, their size, and what it says of them. Its place in the table is its key in a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) kind: u8,
    pub(super) size: usize,
    pub(super) status: Status,
}

impl Section {
    /// An id of this section as text: a target, with what happens to it in front unless it is revoked.
    pub(super) fn shown(&self, id: &[u8]) -> String {
        let (what, id) = match self.kind {
            TOKEN => ("token", hex(id)),
            KEY => ("key", VerifyingKey::try_from_slice(id).map_or_else(|_| hex(id), |key| key.did_key())),
            SESSION => ("session", hex(id)),
            TASK => ("task", hex(id)),
            _ => ("approval", hex(id)),
        };
        let standing = match self.status {
            SUSPENDED => "suspended ",
            PENDING => "pending ",
            ACTIVE => "active ",
            _ => "",
        };
        format!("{standing}{what}:{id}")
    }
}

pub(super) const SECTIONS: [Section; 8] = [
    Section { kind: TOKEN, size: 16, status: REVOKED },
    Section { kind: KEY, size: 32, status: REVOKED },
    Section { kind: SESSION, size: 16, status: REVOKED },
    Section { kind: TASK, size: 32, status: REVOKED },
    Section { kind: APPROVAL, size: 16, status: REVOKED },
    Section { kind: KEY, size: 32, status: SUSPENDED },
    Section { kind: KEY, size: 32, status: PENDING },
    Section { kind: KEY, size: 32, status: ACTIVE },
];
/// The sections of a full list: all but the last, which takes back.
const OF_FULL: usize = SECTIONS.len() - 1;

/// The last id of each section so far: ids ascend over all parts of a list.
pub(super) type Last = [Option<[u8; 32]>; SECTIONS.len()];

/// Gives each id of a part to `each`, in order.
pub(super) fn read_part(part: &[u8], is_change: bool, last: &mut Last, mut each: impl FnMut(&Section, &[u8]) -> Result<()>) -> Result<()> {
    let mut decoder = Decoder::new(part);
    let (mut previous, mut ids) = (None, 0);
    let sections = decoder.map()?;
    for _ in 0..sections {
        let key = decoder.integer_key(&mut previous)?;
        let known = usize::try_from(key).ok().filter(|key| *key < if is_change { SECTIONS.len() } else { OF_FULL });
        let key = known.ok_or(Error::new(Code::ClaimUnknown))?;
        let section = &SECTIONS[key];
        let bytes = decoder.bytes()?;
        if bytes.is_empty() || bytes.len() % section.size != 0 {
            return Err(Error::about(Code::ClaimInvalid, "ids of another length"));
        }
        ids += bytes.len() / section.size;
        if ids > limits::MAX_PART_IDS {
            return Err(Error::about(Code::TooMany, "ids in a part"));
        }
        for id in bytes.chunks_exact(section.size) {
            // Ids of one section are of one length, so the padding does not change their order.
            let mut padded = [0; 32];
            padded[..id.len()].copy_from_slice(id);
            if last[key] >= Some(padded) {
                return Err(Error::about(Code::NotCanonical, "ids out of order"));
            }
            last[key] = Some(padded);
            each(section, id)?;
        }
    }
    if sections == 0 {
        return Err(Error::about(Code::ClaimInvalid, "a part without ids"));
    }
    decoder.finish()
}

/// Bytes of ids in a part, so that it stays within its limit with all of its heads.
const MAX_IDS_BYTES: usize = limits::MAX_PART - 64;

/// Splits ids, which are in order by section, into encoded parts.
pub(super) fn write_parts(sections: &[Vec<u8>; SECTIONS.len()]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut part: Vec<(usize, &[u8])> = Vec::new();
    let mut room = MAX_IDS_BYTES;
    for (key, mut ids) in sections.iter().map(Vec::as_slice).enumerate() {
        let size = SECTIONS[key].size;
        while !ids.is_empty() {
            let fits = room / size * size;
            if fits == 0 {
                parts.push(write_part(&std::mem::take(&mut part)));
                room = MAX_IDS_BYTES;
                continue;
            }
            let (now, later) = ids.split_at(fits.min(ids.len()));
            part.push((key, now));
            (room, ids) = (room - now.len(), later);
        }
    }
    if !part.is_empty() {
        parts.push(write_part(&part));
    }
    parts
}

fn write_part(sections: &[(usize, &[u8])]) -> Vec<u8> {
    let mut out = Encoder::with_capacity(limits::MAX_PART);
    out.map(sections.len());
    for (key, ids) in sections {
        out.unsigned(*key as u64).bytes(ids);
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_every_id_and_their_limits() {
        let mut sections: [Vec<u8>; SECTIONS.len()] = Default::default();
        let mut expected = Vec::new();
        for (key, count) in [(0, 70_000u32), (1, 40_000), (4, 3), (7, 1)] {
            for id in 0..count {
                let mut bytes = vec![0; SECTIONS[key].size];
                bytes[..4].copy_from_slice(&id.to_be_bytes());
                sections[key].extend(&bytes);
                expected.push((SECTIONS[key].kind, bytes));
            }
        }
        let parts = write_parts(&sections);
        assert_eq!(parts.len(), 3);
        let (mut last, mut found) = (Last::default(), Vec::new());
        for part in &parts {
            assert!(part.len() <= limits::MAX_PART);
            read_part(part, true, &mut last, |section, id| {
                found.push((section.kind, id.to_vec()));
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(found, expected);
    }

    fn code(part: &[u8], is_change: bool) -> Option<Code> {
        read_part(part, is_change, &mut Last::default(), |_, _| Ok(())).err().map(|error| error.code())
    }

    #[test]
    fn a_part_is_read_in_one_form() {
        let part = |key: u64, ids: &[u8]| {
            let mut out = Encoder::new();
            out.map(1).unsigned(key).bytes(ids);
            out.into_bytes()
        };
        let ids: Vec<u8> = [1u8, 2].iter().flat_map(|n| [*n; 16]).collect();
        let backwards: Vec<u8> = [2u8, 1].iter().flat_map(|n| [*n; 16]).collect();
        assert_eq!(code(&part(0, &ids), false), None);
        assert_eq!(code(&part(0, &backwards), false), Some(Code::NotCanonical));
        assert_eq!(code(&part(0, &[1; 32]), false), Some(Code::NotCanonical));
        assert_eq!(code(&part(0, &ids[..31]), false), Some(Code::ClaimInvalid));
        assert_eq!(code(&part(0, &[]), false), Some(Code::ClaimInvalid));
        assert_eq!(code(&part(7, &[1; 32]), true), None);
        assert_eq!(code(&part(7, &[1; 32]), false), Some(Code::ClaimUnknown));
        assert_eq!(code(&part(8, &[1; 32]), true), Some(Code::ClaimUnknown));
        assert_eq!(code(&[0xa0], true), Some(Code::ClaimInvalid));
        assert_eq!(code(&[0xa1, 0x20, 0x41, 0], true), Some(Code::ClaimUnknown));
        let mut tail = part(0, &ids);
        tail.push(0);
        assert_eq!(code(&tail, false), Some(Code::Malformed));
        let whole = part(1, &ids);
        (0..whole.len()).for_each(|end| assert_eq!(code(&whole[..end], false), Some(Code::Malformed), "{end}"));
    }
}
