//! What a file log keeps of calls that are hostile, or have secrets.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use deputize::os::{LogFile, LogOptions, SysRng, check_log, now, read_log};
use deputize::{
    ArgumentRules, Arguments, AuditEvent, Call, Grant, LogRecord, MemoryStore, SigningKey, Tools, TrustAnchor, Value, Verifier,
};

const SERVER: &str = "https://tools.acme.example";

fn path(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("deputize-audit-log-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    folder.join("calls.log")
}

fn key(first: u8) -> SigningKey {
    SigningKey::from_seed(&std::array::from_fn(|at| first + at as u8)).unwrap()
}

fn verifier() -> Verifier {
    let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now().unwrap()).unwrap();
    Verifier::new([TrustAnchor::new("ana", key(1).verifying_key()).unwrap()], SERVER, store).unwrap()
}

#[test]
fn no_secret_no_token_and_no_signature_is_in_a_record() {
    let path = path("secrets");
    let log = LogFile::open(&path, "o", LogOptions::new().disclosing(["shown".to_owned()]), now().unwrap()).unwrap();
    let verifier = verifier();
    let arguments = [("password".into(), "correct horse battery staple".into()), ("shown".into(), Value::from(1))];
    let arguments = Arguments::new(arguments.into()).unwrap();
    let tools = Tools::new().allow("t", ArgumentRules::new()).unwrap();
    let chain = deputize::issue(&key(1), "ana", &Grant::to(key(51).verifying_key()).tools(tools), &mut SysRng, now().unwrap()).unwrap();
    log.event(&AuditEvent::issued(&chain, key(1).verifying_key(), now().unwrap()).unwrap()).unwrap();
    let call = Call::new("t", &arguments);
    let presentation = deputize::prove(&key(51), &chain, &call, SERVER, &mut SysRng, now().unwrap()).unwrap();
    let allowed = verifier.authorize(presentation.encode(), &call, now().unwrap()).unwrap();
    log.record(allowed.record()).unwrap();
    log.event(&AuditEvent::outcome(&allowed, None, now().unwrap())).unwrap();
    log.record(verifier.authorize(presentation.encode(), &call, now().unwrap()).unwrap_err().record()).unwrap();

    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!((written.lines().count(), written.contains("correct horse")), (5, false));
    let last_64 = |bytes: &[u8]| bytes[bytes.len() - 64..].to_vec();
    let seeds = [1, 51].map(|first: u8| (first..first + 32).collect::<Vec<u8>>());
    for secret in [&seeds[0], &seeds[1], &last_64(chain.encode()), &last_64(presentation.encode())] {
        for window in secret.windows(9) {
            let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
            let base64 = STANDARD_NO_PAD.encode(window);
            assert!(
                !written.contains(&hex) && !written.contains(&base64) && !written.contains(&base64.replace('+', "-").replace('/', "_"))
            );
        }
    }
}

#[test]
fn whatever_a_caller_sends_is_one_record_of_bounded_size() {
    let path = path("hostile");
    let log = LogFile::open(&path, "o", LogOptions::new().with_arguments(true), now().unwrap()).unwrap();
    let verifier = verifier();
    let long = "x".repeat(1_000_000);
    let texts = ["a\nb", "\u{1b}[2J", "\0", "{\"kind\":\"continued\",\"roots\":[]}", "\",\"sequence\":0}\n{", "\u{2028}\u{202e}", &long];
    for text in texts {
        let arguments = Arguments::new(vec![("a".into(), text.into())]).unwrap();
        let denied = verifier.authorize(text.as_bytes(), &Call::new(text, &arguments), now().unwrap()).unwrap_err();
        log.record(denied.record()).unwrap();
    }
    assert_eq!(check_log(&path, vec![log.head().checkpoint("o")], |_, _| {}).unwrap().head.size(), texts.len() as u64 + 1);
    let each = |sequence: u64, record: &str| {
        let read = LogRecord::from_json(record)?;
        let is_shown = read.to_sentence().chars().all(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{202e}'));
        assert!(is_shown && record.len() < 40_000 && !record.contains('\n') && (sequence == 0 || read.arguments_digest.is_some()));
        Ok(())
    };
    read_log(&path, Vec::new(), each, |_, _| {}).unwrap();
}
