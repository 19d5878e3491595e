//! Independent implementations agree: `ciborium` about values, `coset` about the envelope.

use coset::{CborSerializable, CoseSign1, RegisteredLabelWithPrivate, TaggedCborSerializable, iana};
use deputize::os::{SysRng, generate_key, now};
use deputize::*;

fn as_ciborium(value: &Value) -> ciborium::Value {
    match value {
        Value::Null => ciborium::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => bytes.clone().into(),
        Value::List(values) => ciborium::Value::Array(values.iter().map(as_ciborium).collect()),
        Value::Map(entries) => ciborium::Value::Map(entries.iter().map(|(key, value)| (key.as_str().into(), as_ciborium(value))).collect()),
    }
}

#[test]
fn ciborium_reads_what_we_write_and_writes_the_same_bytes() {
    let numbers = [0, 23, 24, 255, 256, 65_535, 65_536, i64::from(u32::MAX), i64::from(u32::MAX) + 1, i64::MAX];
    let mut values: Vec<Value> = numbers.iter().flat_map(|n| [Value::from(*n), Value::from(-1 - *n)]).collect();
    values.extend([0.5, -1.5, 0.1, 1e-7, 65_503.5, 5e-324, f64::from(f32::MIN_POSITIVE), 2f64.powi(-24)].map(Value::from));
    values.extend([Value::Null, true.into(), "é".into(), Value::Bytes(vec![0; 300]), vec!["a", "b"].into()]);
    values.push(Value::Map(vec![("b".into(), 1.into()), ("aa".into(), Value::List(vec![]))]));
    for value in values {
        let ours = value.encode().unwrap();
        assert_eq!(ciborium::from_reader::<ciborium::Value, _>(&*ours).unwrap(), as_ciborium(&value), "{value:?}");
        let mut theirs = Vec::new();
        ciborium::into_writer(&as_ciborium(&value), &mut theirs).unwrap();
        assert_eq!(ours, theirs, "{value:?}");
    }
}

#[test]
fn coset_verifies_every_hop_of_a_chain() {
    let (ana, planner, coder) = (generate_key().unwrap(), generate_key().unwrap(), generate_key().unwrap());
    let now = now().unwrap();
    let root = issue(&ana, "ana", &Grant::to(planner.verifying_key()), &mut SysRng, now).unwrap();
    let chain = delegate(&planner, &root, &Grant::to(coder.verifying_key()), &mut SysRng, now).unwrap();
    for (token, signer) in chain.token_bytes().unwrap().into_iter().zip([&ana, &planner]) {
        let object = CoseSign1::from_tagged_slice(token).unwrap();
        assert_eq!(object.protected.header.alg, Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::Ed25519)));
        assert!(object.unprotected.is_empty());
        let verify = |signature: &[u8], message: &[u8]| signer.verifying_key().verify(message, signature.try_into().unwrap());
        object.verify_signature(b"", verify).unwrap();
        assert!(object.verify_signature(b"another context", verify).is_err());
        let claims = coset::cwt::ClaimsSet::from_slice(object.payload.as_ref().unwrap()).unwrap();
        assert_eq!(claims.subject.as_deref(), Some("ana"));
    }
}
