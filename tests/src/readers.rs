//! Reads each kind of signed object of `objects.json` by the library, and says what it read.

use deputize::{
    Approval, ApprovalRequest, Authority, Consent, IdentityAuthority, IdentityPolicy, Inbox, Now, Result, TrustState, Value,
    VerifiedIdentity, VerifyingKey, value_to_json,
};
use serde_json::{Map, Value as Json, json};

use crate::vector::{hex, unhex};
use crate::verifier::at;

/// What a table says beside its cases.
pub struct Setting<'a>(pub &'a Json);

impl Setting<'_> {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text")
    }

    fn named(&self, name: &str) -> (&str, VerifyingKey) {
        let named = &self.0[name];
        (named["name"].as_str().expect("a name"), key(named["key"].as_str().expect("a key")))
    }

    fn time(&self, name: &str) -> Now {
        at(self.0[name].as_u64().expect("a time"))
    }

    /// What is read of an object.
    pub fn read(&self, object: &str, bytes: &[u8]) -> Result<Json> {
        match object {
            "approval" => approval(bytes),
            "consent" => Consent::decode(bytes).map(|consent| {
                assert_eq!(consent.encode(), bytes);
                json!({})
            }),
            "identity" => {
                let (name, key) = self.named("identity_authority");
                let policy = IdentityPolicy::new([IdentityAuthority::new(name, &key)?])?;
                policy.verify(bytes, self.time("now_ms")).map(|identity| described(&identity))
            }
            "message" => self.message(bytes),
            "request" => ApprovalRequest::decode(bytes).map(|request| json!({ "id": request.id().to_string(), "text": request.to_text() })),
            "rotation" => self.state().apply_rotation(bytes, self.time("now_ms")).map(|_| json!({})),
            "list" => {
                let state = self.state();
                state.apply_list(bytes, self.time("now_ms"))?;
                let held = state.held("ana").expect("a list");
                Ok(json!({ "sequence": held.sequence, "next_update": held.next_update.secs(), "ids": held.ids }))
            }
            other => panic!("object {other}"),
        }
    }

    fn state(&self) -> TrustState {
        let (name, key) = self.named("revocation_authority");
        TrustState::new([Authority::new(name, &key).expect("an authority").danger_allow_stale()]).expect("a state")
    }

    fn message(&self, bytes: &[u8]) -> Result<Json> {
        let mut inbox = Inbox::new(self.text("recipient"), 10, self.time("began_ms"))?;
        inbox.know(&key(self.text("sender")))?;
        let payload = unhex(self.text("payload"));
        let message = inbox.receive(bytes, &payload, None, self.time("now_ms"))?;
        let mut claims = json!({
            "id": message.id().to_string(),
            "session": message.session().to_string(),
            "sequence": message.sequence(),
            "sender": hex(message.sender().as_bytes()),
        });
        if let Some(token) = message.token() {
            claims["token"] = token.to_string().into();
        }
        Ok(claims)
    }
}

fn key(text: &str) -> VerifyingKey {
    VerifyingKey::try_from_slice(&unhex(text)).expect("a key")
}

fn approval(bytes: &[u8]) -> Result<Json> {
    let approval = Approval::decode(bytes)?;
    assert_eq!(approval.encode(), bytes);
    Ok(json!({
        "approves": approval.approves(),
        "id": approval.id().to_string(),
        "approver": hex(approval.approver().as_bytes()),
        "expires": approval.expires().secs(),
        "request": approval.request().to_string(),
    }))
}

fn described(identity: &VerifiedIdentity) -> Json {
    let json_of = |value: &Value| serde_json::from_str::<Json>(&value_to_json(value)).expect("json");
    let attributes: Map<String, Json> = identity.attributes().map(|(name, value)| (name.to_owned(), json_of(value))).collect();
    let mut claims = json!({
        "authority": identity.authority().name(),
        "name": identity.name(),
        "key": hex(identity.key().as_bytes()),
        "id": identity.id().to_string(),
        "issued": identity.issued().secs(),
        "expires": identity.expires().secs(),
        "kind": identity.kind().as_str(),
        "state": identity.state().as_str(),
        "attributes": attributes,
    });
    for (name, text) in [("environment", identity.environment()), ("attestor", identity.attestor())] {
        if let Some(text) = text {
            claims[name] = text.into();
        }
    }
    if let Some(evidence) = identity.evidence() {
        claims["evidence"] = evidence.to_string().into();
    }
    claims
}
