//! The claims of a token: the only place that knows their labels (specification, token.md).

use crate::budget::Budgets;
use crate::capability::Tools;
use crate::cbor::{Decoder, Encoder};
use crate::id::{Digest, SessionId, TokenId, is_context, is_free_text, is_name};
use crate::key::VerifyingKey;
use crate::requirement::ApprovalRules;
use crate::time::Timestamp;
use crate::{Code, Error, Result, limits};

pub(crate) const ISS: i64 = 1;
pub(crate) const AUD: i64 = 3;
pub(crate) const EXP: i64 = 4;
pub(crate) const IAT: i64 = 6;
pub(crate) const CTI: i64 = 7;
pub(crate) const SUB: i64 = 2;
const NBF: i64 = 5;
pub(crate) const CNF: i64 = 8;
const CAPABILITY: i64 = -65_537;
/// Labels below this may appear without authority.
const IGNORABLE_BELOW: i64 = -100_000;

const VERSION: u64 = 1;
/// COSE_Key: key type OKP, curve Ed25519 (RFC 9053 section 7.2).
const COSE_KEY_HEAD: [u8; 6] = [0xa3, 0x01, 0x01, 0x20, 0x06, 0x21];

/// Whose authority the holder uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The holder's own: the root's holder is the subject.
    OwnBehalf,
    /// The subject's, who stays accountable.
    OnBehalfOf,
    /// The holder acts as the subject. One hop, one audience list, by a trust anchor that may.
    Impersonation,
}

impl Mode {
    /// The name, as in audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::OwnBehalf => "own_behalf",
            Mode::OnBehalfOf => "on_behalf_of",
            Mode::Impersonation => "impersonation",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Mode::OwnBehalf, Mode::OnBehalfOf, Mode::Impersonation].into_iter().find(|mode| mode.as_str() == name)
    }
}

/// The claims of one token.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claims {
    /// Who issued the chain; in the root only.
    pub issuer: Option<String>,
    /// The accountable principal.
    pub subject: String,
    /// The audiences it is for; sorted. An empty list matches nobody.
    pub audience: Option<Vec<String>>,
    /// Valid while now is before this.
    pub expires: Timestamp,
    /// Valid from this time on.
    pub not_before: Option<Timestamp>,
    /// When it was issued.
    pub issued: Timestamp,
    /// Its id.
    pub id: TokenId,
    /// The holder's key.
    pub holder: VerifyingKey,
    /// Whose authority the holder uses.
    pub mode: Mode,
    /// Its position: the root is 0.
    pub depth: u8,
    /// The deepest position that a token below it may have.
    pub max_depth: u8,
    /// The hash of the parent.
    pub parent: Option<Digest>,
    /// What it allows.
    pub tools: Tools,
    /// The session it belongs to.
    pub session: SessionId,
    /// The digest of the task it is for.
    pub task: Option<Digest>,
    /// What the giver calls the holder.
    pub holder_name: Option<String>,
    /// What has to be approved.
    pub approvals: ApprovalRules,
    /// The digest of attestation evidence.
    pub evidence: Option<Digest>,
    /// Why it was given. No authority.
    pub reason: Option<String>,
    /// The partition it is for.
    pub context: Option<String>,
    /// What is counted.
    pub budgets: Budgets,
    /// Labels that are signed and carry no authority.
    pub ignored: Vec<i64>,
}

impl Claims {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(320);
        let optional = [self.issuer.is_some(), self.audience.is_some(), self.not_before.is_some()];
        out.map(6 + count(&optional));
        if let Some(issuer) = &self.issuer {
            out.integer(ISS).text(issuer);
        }
        out.integer(SUB).text(&self.subject);
        if let Some(audience) = &self.audience {
            out.integer(AUD).array(audience.len());
            for name in audience {
                out.text(name);
            }
        }
        out.integer(EXP).unsigned(self.expires.secs());
        if let Some(not_before) = self.not_before {
            out.integer(NBF).unsigned(not_before.secs());
        }
        out.integer(IAT).unsigned(self.issued.secs()).integer(CTI).bytes(self.id.as_bytes());
        write_holder(&mut out, &self.holder);
        self.write_capability(out.integer(CAPABILITY));
        out.into_bytes()
    }

    fn write_capability(&self, out: &mut Encoder) {
        let optional = [
            self.parent.is_some(),
            self.task.is_some(),
            self.holder_name.is_some(),
            !self.approvals.is_empty(),
            self.evidence.is_some(),
            self.reason.is_some(),
            self.context.is_some(),
            !self.budgets.is_empty(),
        ];
        out.map(6 + count(&optional)).unsigned(0).unsigned(VERSION).unsigned(1).unsigned(self.mode as u64);
        out.unsigned(2).unsigned(self.depth.into()).unsigned(3).unsigned(self.max_depth.into());
        if let Some(parent) = &self.parent {
            out.unsigned(4).bytes(parent.as_bytes());
        }
        self.tools.write(out.unsigned(5));
        out.unsigned(6).bytes(self.session.as_bytes());
        if let Some(task) = &self.task {
            out.unsigned(7).bytes(task.as_bytes());
        }
        if let Some(name) = &self.holder_name {
            out.unsigned(8).text(name);
        }
        if !self.approvals.is_empty() {
            self.approvals.write(out.unsigned(9));
        }
        if let Some(evidence) = &self.evidence {
            out.unsigned(10).bytes(evidence.as_bytes());
        }
        if let Some(reason) = &self.reason {
            out.unsigned(11).text(reason);
        }
        if let Some(context) = &self.context {
            out.unsigned(12).text(context);
        }
        if !self.budgets.is_empty() {
            self.budgets.write(out.unsigned(13));
        }
    }

    /// Reads the claims of a token in this position. Everything that one token can break by itself is checked here.
    pub(crate) fn decode(payload: &[u8], link: usize) -> Result<Self> {
        Claims::decode_held_by(payload, link, None)
    }

    /// The same, with a parsed key that the holder's is likely to be: the same bytes are not parsed twice.
    pub(crate) fn decode_held_by(payload: &[u8], link: usize, likely: Option<&VerifyingKey>) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        let mut draft = Draft { likely_holder: likely, ..Draft::default() };
        let mut previous = None;
        for _ in 0..decoder.map()? {
            let label = decoder.integer_key(&mut previous)?;
            draft.read_claim(label, &mut decoder)?;
        }
        decoder.finish()?;
        draft.finish(link)
    }
}

pub(crate) fn count(present: &[bool]) -> usize {
    present.iter().filter(|present| **present).count()
}

/// Claims as they are read: nothing is required yet.
#[derive(Default)]
struct Draft<'a> {
    likely_holder: Option<&'a VerifyingKey>,
    issuer: Option<String>,
    subject: Option<String>,
    audience: Option<Vec<String>>,
    expires: Option<Timestamp>,
    not_before: Option<Timestamp>,
    issued: Option<Timestamp>,
    id: Option<TokenId>,
    holder: Option<VerifyingKey>,
    capability: Option<()>,
    ignored: Vec<i64>,
    version: Option<()>,
    mode: Option<Mode>,
    depth: Option<u8>,
    max_depth: Option<u8>,
    parent: Option<Digest>,
    tools: Option<Tools>,
    session: Option<SessionId>,
    task: Option<Digest>,
    holder_name: Option<String>,
    approvals: ApprovalRules,
    evidence: Option<Digest>,
    reason: Option<String>,
    context: Option<String>,
    budgets: Budgets,
}

impl Draft<'_> {
    fn read_claim(&mut self, label: i64, decoder: &mut Decoder<'_>) -> Result<()> {
        match label {
            ISS => self.issuer = Some(read_name(decoder, "iss")?),
            SUB => self.subject = Some(read_name(decoder, "sub")?),
            AUD => self.audience = Some(read_audience(decoder)?),
            EXP => self.expires = Some(read_time(decoder)?),
            NBF => self.not_before = Some(read_time(decoder)?),
            IAT => self.issued = Some(read_time(decoder)?),
            CTI => self.id = Some(TokenId::from_bytes(decoder.fixed()?)),
            CNF => {
                let bytes = read_holder(decoder)?;
                let likely = self.likely_holder.filter(|key| key.as_bytes() == bytes);
                self.holder = Some(likely.map_or_else(|| VerifyingKey::try_from_slice(bytes), |key| Ok(key.clone()))?);
            }
            CAPABILITY => {
                self.read_capability(decoder)?;
                self.capability = Some(());
            }
            label if label < IGNORABLE_BELOW => {
                crate::value::Value::read(decoder)?;
                self.ignored.push(label);
            }
            _ => return Err(Code::ClaimUnknown.into()),
        }
        Ok(())
    }

    fn read_capability(&mut self, decoder: &mut Decoder<'_>) -> Result<()> {
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => match decoder.integer()? {
                    1 => self.version = Some(()),
                    _ => return Err(Code::VersionUnsupported.into()),
                },
                1 => self.mode = Some(read_mode(decoder)?),
                2 => self.depth = Some(read_depth(decoder)?),
                3 => self.max_depth = Some(read_depth(decoder)?),
                4 => self.parent = Some(Digest::from_bytes(decoder.fixed()?)),
                5 => self.tools = Some(Tools::read(decoder)?),
                6 => self.session = Some(SessionId::from_bytes(decoder.fixed()?)),
                7 => self.task = Some(Digest::from_bytes(decoder.fixed()?)),
                8 => self.holder_name = Some(read_name(decoder, "holder_name")?),
                9 => self.approvals = ApprovalRules::read(decoder)?,
                10 => self.evidence = Some(Digest::from_bytes(decoder.fixed()?)),
                11 => self.reason = Some(read_text(decoder, "reason", is_free_text)?),
                12 => self.context = Some(read_text(decoder, "context", is_context)?),
                13 => self.budgets = Budgets::read(decoder)?,
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(())
    }

    fn finish(self, link: usize) -> Result<Claims> {
        need(self.capability, "capability")?;
        need(self.version, "version")?;
        let claims = Claims {
            issuer: self.issuer,
            subject: need(self.subject, "sub")?,
            audience: self.audience,
            expires: need(self.expires, "exp")?,
            not_before: self.not_before,
            issued: need(self.issued, "iat")?,
            id: need(self.id, "cti")?,
            holder: need(self.holder, "cnf")?,
            mode: need(self.mode, "mode")?,
            depth: need(self.depth, "depth")?,
            max_depth: need(self.max_depth, "max_depth")?,
            parent: self.parent,
            tools: need(self.tools, "tools")?,
            session: need(self.session, "session")?,
            task: self.task,
            holder_name: self.holder_name,
            approvals: self.approvals,
            evidence: self.evidence,
            reason: self.reason,
            context: self.context,
            budgets: self.budgets,
            ignored: self.ignored,
        };
        claims.validate(link == 0)?;
        Ok(claims)
    }
}

impl Claims {
    /// The rules between the claims of one token; the same when it is made and when it is verified.
    pub(crate) fn validate(&self, is_root: bool) -> Result<()> {
        let invalid = |what| Err(Error::about(Code::ClaimInvalid, what));
        if is_root {
            need(self.issuer.as_ref(), "iss")?;
            if self.parent.is_some() || self.depth != 0 {
                return invalid("a root with a parent or a depth");
            }
        } else {
            need(self.parent, "parent")?;
            if self.issuer.is_some() {
                return invalid("iss below the root");
            }
        }
        if self.issued >= self.expires {
            return invalid("exp is not after iat");
        }
        if self.expires.secs() - self.issued.secs() > limits::MAX_LIFETIME {
            return invalid("a lifetime of more than 30 days");
        }
        match self.mode {
            Mode::Impersonation if !is_root => return invalid("impersonation below the root"),
            _ if !is_root => {}
            Mode::OwnBehalf if self.holder_name.as_ref() != Some(&self.subject) => return invalid("own behalf for another name"),
            Mode::Impersonation if self.holder_name.is_none() => return invalid("impersonation without the holder's name"),
            Mode::Impersonation if self.audience.as_ref().is_none_or(Vec::is_empty) => return invalid("impersonation without an audience"),
            Mode::Impersonation if self.max_depth != 0 => return invalid("impersonation that could be delegated"),
            _ => {}
        }
        if is_root {
            self.counted_in(self.audience.as_deref())?;
        }
        if self.approvals.has_approver(&self.holder) { Err(Code::HolderIsApprover.into()) } else { Ok(()) }
    }
}

impl Claims {
    /// Budgets are counted in one place: the audience that binds this token is one name.
    pub(crate) fn counted_in(&self, audience: Option<&[String]>) -> Result<()> {
        if self.budgets.is_empty() || audience.is_some_and(|names| names.len() == 1) {
            return Ok(());
        }
        Err(Error::about(Code::ClaimInvalid, "budgets without one audience that counts them"))
    }
}

pub(crate) fn need<T>(claim: Option<T>, name: &'static str) -> Result<T> {
    claim.ok_or(Error::about(Code::ClaimMissing, name))
}

pub(crate) fn read_text(decoder: &mut Decoder<'_>, what: &'static str, rule: fn(&str) -> bool) -> Result<String> {
    let text = decoder.text()?;
    if rule(text) { Ok(text.to_owned()) } else { Err(Error::about(Code::ClaimInvalid, what)) }
}

pub(crate) fn read_name(decoder: &mut Decoder<'_>, what: &'static str) -> Result<String> {
    read_text(decoder, what, is_name)
}

/// Seconds: an integer, and a time that can be.
pub(crate) fn read_time(decoder: &mut Decoder<'_>) -> Result<Timestamp> {
    let seconds = decoder.integer()?;
    Timestamp::from_secs(u64::try_from(seconds).map_err(|_| Error::about(Code::ClaimInvalid, "a time before 1970"))?)
}

fn read_mode(decoder: &mut Decoder<'_>) -> Result<Mode> {
    match decoder.integer()? {
        0 => Ok(Mode::OwnBehalf),
        1 => Ok(Mode::OnBehalfOf),
        2 => Ok(Mode::Impersonation),
        _ => Err(Error::about(Code::ClaimInvalid, "mode")),
    }
}

fn read_depth(decoder: &mut Decoder<'_>) -> Result<u8> {
    let depth = decoder.integer()?;
    match u8::try_from(depth) {
        Ok(depth) if depth <= limits::MAX_DELEGATION_DEPTH => Ok(depth),
        _ => Err(Error::about(Code::ClaimInvalid, "a depth above 15")),
    }
}

fn read_audience(decoder: &mut Decoder<'_>) -> Result<Vec<String>> {
    let length = decoder.array()?;
    if length > limits::MAX_AUDIENCES {
        return Err(Code::TooMany.into());
    }
    let mut names = Vec::with_capacity(length);
    let mut previous: &[u8] = &[];
    for _ in 0..length {
        let start = decoder.position();
        names.push(read_name(decoder, "aud")?);
        decoder.ascending(&mut previous, start)?;
    }
    Ok(names)
}

/// The claim cnf, with this key.
pub(crate) fn write_holder(out: &mut Encoder, holder: &VerifyingKey) {
    out.integer(CNF).map(1).unsigned(1).raw(&COSE_KEY_HEAD).bytes(holder.as_bytes());
}

/// `{1: {1: 1, -1: 6, -2: x}}`: the bytes of x.
pub(crate) fn read_holder<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8]> {
    let invalid = Error::about(Code::ClaimInvalid, "cnf");
    if decoder.map()? != 1 {
        return Err(invalid);
    }
    if decoder.integer()? != 1 {
        return Err(invalid);
    }
    let mut previous = None;
    if decoder.map()? != 3 {
        return Err(invalid);
    }
    for (key, value) in [(1, 1), (-1, 6)] {
        if decoder.integer_key(&mut previous)? != key || decoder.integer()? != value {
            return Err(invalid);
        }
    }
    if decoder.integer_key(&mut previous)? != -2 {
        return Err(invalid);
    }
    decoder.bytes()
}

/// The holder's key in a payload, unverified: to see whether a token is one's own.
pub(crate) fn unverified_holder(payload: &[u8]) -> Result<&[u8]> {
    let mut decoder = Decoder::new(payload);
    for _ in 0..decoder.map()? {
        if decoder.integer()? == CNF {
            return read_holder(&mut decoder);
        }
        decoder.skip()?;
    }
    Err(Error::about(Code::ClaimMissing, "cnf"))
}

/// The issuer's name at the front of a root's payload, and nothing else of it: enough to look up a trust anchor before any signature is checked.
pub(crate) fn unverified_issuer(payload: &[u8]) -> Option<&str> {
    let mut decoder = Decoder::new(payload);
    decoder.map().ok()?;
    if decoder.integer().ok()? != ISS {
        return None;
    }
    decoder.text().ok().filter(|name| name.len() <= limits::MAX_NAME)
}
