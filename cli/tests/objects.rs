//! `keygen`, `inspect`, `verify`, `explain`: what they print, and how they end.

mod scene;

use std::path::Path;

use deputize::*;
use deputize_cli::Terminal;
use scene::{AUDIENCE, Counter, Done, Folder, at, chains, deputize, deputize_in, is_as_written, key};

fn refused(done: &Done, code: &str) {
    assert!(done.code == 1 && done.output.is_empty(), "{done:?}");
    assert!(done.error.starts_with(&format!("error: {code}: ")) && done.error.contains("\nhelp: "), "{done:?}");
}

fn presentation(rng: &mut Counter) -> Presentation {
    let chain = &chains(rng)[2];
    let arguments = Arguments::new(vec![("environment".into(), "staging".into())]).unwrap();
    let call = Call::new("deploy", &arguments);
    let request = ApprovalRequest::new(chain, &call, AUDIENCE).unwrap();
    let approval = approve(&key(5), &request, &ApprovalGrant::new().name("bo").reason("go"), rng, at(90_000)).unwrap();
    prove(&key(4), chain, &call, AUDIENCE, rng, at(100_000)).unwrap().attach([approval.encode()]).unwrap()
}

#[test]
fn a_key_is_made_once_and_never_shown() {
    let folder = Folder::new("keygen");
    let keys = folder.path("keys");
    let made = deputize(&[&"keygen", &"ana", &"--directory", &keys, &"--origin", &"acme.example/calls"]);
    let file = keys.join("ana.pem");
    let key = os::load(&file).unwrap();
    let (did, thumbprint) = (key.verifying_key().did_key(), key.verifying_key().thumbprint());
    let note_key = NoteKey::of_log("acme.example/calls", key.verifying_key()).unwrap().to_text();
    let said = format!("file\t{}\ndid\t{did}\nthumbprint\t{thumbprint}\nnote key\t{note_key}\n", file.display());
    assert_eq!(made, Done { code: 0, output: said, error: String::new() });
    let before = std::fs::read(&file).unwrap();
    refused(&deputize(&[&"keygen", &"ana", &"--directory", &keys]), "key-file-exists");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    for name in ["", ".ana", "a/b", "a\\b", "a\nb", "\u{202e}", &"x".repeat(257)] {
        let done = deputize(&[&"keygen", &name, &"--directory", &keys]);
        refused(&done, "name-invalid");
        assert!(!done.error.contains('\u{202e}'));
    }
    let json = deputize(&[&"keygen", &"bo", &"--directory", &keys, &"--json"]);
    assert!(json.output.starts_with("{\"did\":\"did:key:z6Mk") && json.output.ends_with("}\n"), "{json:?}");
    let pem = os::load(keys.join("bo.pem")).unwrap().to_pem();
    assert!(!json.output.contains(pem.lines().nth(1).unwrap()));
}

#[test]
fn a_chain_is_shown_as_a_tree_with_what_each_hop_removed() {
    let folder = Folder::new("inspect");
    let chain = &chains(&mut Counter(7))[1];
    let shown = deputize(&[&"inspect", &chain.to_text()]);
    assert_eq!((shown.code, &*shown.error), (0, ""));
    is_as_written("chain.txt", &shown.output);
    for (name, bytes) in [
        ("text", chain.to_text().into_bytes()),
        ("line", format!("{}\n", chain.to_text()).into_bytes()),
        ("bytes", chain.encode().to_vec()),
    ] {
        let file = folder.write(name, &bytes);
        assert_eq!(deputize(&[&"inspect", &format!("@{}", file.display())]), shown);
        assert_eq!(deputize_in(None, &bytes, &[&"inspect", &"-"]), shown);
    }
    is_as_written("chain.token", &format!("{}\n", chain.to_text()));
    is_as_written("chain.json", &deputize(&[&"inspect", &chain.to_text(), &"--json"]).output);
    let coloured = deputize_in(Some(Terminal { width: 80, has_colours: true }), b"", &[&"inspect", &chain.to_text()]);
    assert!(coloured.output.contains("\x1b[33mNOT VERIFIED\x1b[0m"), "{}", coloured.output);
}

#[test]
fn presentations_requests_approvals_consents_and_identities_are_shown() {
    let rng = &mut Counter(7);
    let presentation = presentation(rng);
    is_as_written("presentation.txt", &deputize(&[&"inspect", &presentation.to_text()]).output);
    let json = deputize(&[&"inspect", &presentation.to_text(), &"--json"]).output;
    assert!(
        json.contains("\"object\":\"presentation\"") && json.contains("\"verified\":false") && json.contains("\"object\":\"approval\""),
        "{json}"
    );
    let arguments = Arguments::new(vec![("environment".into(), "staging".into())]).unwrap();
    let request = ApprovalRequest::new(&chains(rng)[2], &Call::new("deploy", &arguments), AUDIENCE).unwrap();
    let shown = deputize(&[&"inspect", &text_from_bytes(request.encode())]).output;
    assert!(shown.contains(&request.to_text()), "{shown}");
    let no = deny(&key(5), &request, &ApprovalGrant::new().name("bo").reason("not today"), rng, at(90_000)).unwrap();
    is_as_written("refusal.txt", &deputize(&[&"inspect", &no.to_text()]).output);
    let grant = ConsentGrant::new("ana", key(3).verifying_key(), "support", AUDIENCE).tools(vec!["deploy".into()]);
    is_as_written("consent.txt", &deputize(&[&"inspect", &consent(&key(1), &grant, rng, at(0)).unwrap().to_text()]).output);
    let grant = IdentityGrant::new("coder-1", key(3).verifying_key()).environment("production").attribute("team", "payments");
    let identity = issue_identity(&key(1), "acme", &grant, rng, at(0)).unwrap();
    is_as_written("identity.txt", &deputize(&[&"inspect", &text_from_bytes(&identity)]).output);
}

#[test]
fn a_token_that_is_wider_than_its_parent_is_shown_as_such() {
    // The leaf of one chain below the root of another: nobody verifies here.
    let rng = &mut Counter(7);
    let narrow = Tools::new().allow("read", ArgumentRules::new().required("path", Constraint::path("/srv").unwrap())).unwrap();
    let wide = Tools::new().allow("read", ArgumentRules::new()).unwrap();
    let root = |tools: Tools, ttl| {
        issue(&key(1), "ana", &Grant::to(key(2).verifying_key()).tools(tools).ttl(ttl).max_depth(1), rng_of(7), at(0)).unwrap()
    };
    fn rng_of(seed: u64) -> &'static mut Counter {
        Box::leak(Box::new(Counter(seed)))
    }
    let (small, large) = (root(narrow, 600), root(wide, 3600));
    let child = delegate(&key(2), &large, &Grant::to(key(3).verifying_key()).ttl(3000), rng, at(0)).unwrap();
    let (root, leaf) = (small.token_bytes().unwrap()[0], child.token_bytes().unwrap()[1]);
    let head = |token: &[u8]| match u8::try_from(token.len()) {
        Ok(length) => [&[0x58, length], token].concat(),
        Err(_) => [&[0x59], &(token.len() as u16).to_be_bytes()[..], token].concat(),
    };
    let forged = [vec![0x82], head(root), head(leaf)].concat();
    let shown = deputize(&[&"inspect", &text_from_bytes(&forged)]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.output.contains("WIDER     not-provably-narrower: "), "{}", shown.output);
    assert!(shown.output.contains("lifetime: ends later by 40 min"), "{}", shown.output);
    let trust = format!("ana={}", key(1).verifying_key().did_key());
    refused(&deputize(&[&"verify", &text_from_bytes(&forged), &"--trust", &trust, &"--audience", &AUDIENCE]), "parent-mismatch");
}

#[test]
fn a_chain_is_verified_for_an_audience_at_a_time() {
    let folder = Folder::new("verify");
    let [task, coding, shipping] = chains(&mut Counter(7));
    let trust = format!("ana={}", key(1).verifying_key().did_key());
    let verify = |chain: &UnverifiedChain, more: &[&str]| {
        let text = chain.to_text();
        let mut arguments: Vec<&dyn AsRef<Path>> = vec![&"verify", &text, &"--trust", &trust, &"--audience", &AUDIENCE];
        arguments.extend(more.iter().map(|one| one as &dyn AsRef<Path>));
        deputize(&arguments)
    };
    is_as_written("verified.txt", &[&task, &coding, &shipping].map(|chain| verify(chain, &[]).output).concat());
    is_as_written("verified.json", &verify(&coding, &["--json"]).output);
    refused(&verify(&coding, &["--at", "2026-11-21T09:00:00Z"]), "token-expired");
    refused(&verify(&coding, &["--at", "2026-11-20"]), "token-not-yet-valid");
    refused(&verify(&coding, &["--at", "soon"]), "config-invalid");
    refused(&deputize(&[&"verify", &coding.to_text(), &"--trust", &trust, &"--audience", &"https://other.example"]), "audience-mismatch");
    let pem = folder.write("bo.pem", key(5).verifying_key().to_pem());
    let by_file =
        |name: &str| deputize(&[&"verify", &coding.to_text(), &"--trust", &format!("{name}={}", pem.display()), &"--audience", &AUDIENCE]);
    refused(&by_file("bo"), "issuer-untrusted");
    refused(&by_file("ana"), "signature-invalid");
    refused(&deputize(&[&"verify", &coding.to_text(), &"--trust", &"ana", &"--audience", &AUDIENCE]), "config-invalid");
    assert_eq!(deputize(&[&"verify", &coding.to_text(), &"--audience", &AUDIENCE]).code, 2);
    let json = deputize(&[&"verify", &"AAAA", &"--trust", &trust, &"--audience", &AUDIENCE, &"--json"]);
    assert!(json.code == 1 && json.error.starts_with("{\"code\":\"malformed\",\"entry\":null,\"help\":"), "{json:?}");
}

#[test]
fn what_is_no_object_is_refused() {
    for (text, code) in
        [("", "malformed"), ("!", "text-malformed"), ("AAAA", "malformed"), ("0oRY", "malformed"), ("@/nowhere/at/all", "file-unavailable")]
    {
        refused(&deputize(&[&"inspect", &text]), code);
    }
    refused(&deputize_in(None, &[b'A'; 2_000_000], &[&"inspect", &"-"]), "too-large");
    let token = chains(&mut Counter(7))[0].token_bytes().unwrap()[0].to_vec();
    refused(&deputize(&[&"inspect", &text_from_bytes(&token)]), "kind-mismatch");
}

#[test]
fn every_prefix_and_every_flipped_bit_of_an_object_ends_with_a_code() {
    let bytes = presentation(&mut Counter(7)).encode().to_vec();
    let looked = |bytes: &[u8]| deputize_in(None, bytes, &[&"inspect", &"-"]).code;
    for end in (0..bytes.len()).step_by(7) {
        assert_eq!(looked(&bytes[..end]), 1);
    }
    for bit in (0..bytes.len() * 8).step_by(13) {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(looked(&bytes) <= 1);
    }
}

#[test]
fn codes_are_explained() {
    let said = "tool-not-granted (narrowing)\n  what was wrong: the parent does not allow this tool\n  what to do:     delegate only tools that the parent allows\n";
    let done = Done { code: 0, output: said.into(), error: String::new() };
    assert_eq!(deputize(&[&"explain", &"tool-not-granted"]), done);
    assert_eq!(deputize(&[&"explain", &"error: TOOL_NOT_GRANTED:", &"the parent …"]), done);
    assert_eq!(deputize_in(None, b"2026 DENY tool-not-granted: x\n", &[&"explain", &"-"]), done);
    for code in Code::ALL {
        assert_eq!(deputize(&[&"explain", &code.as_str(), &"--json"]).code, 0);
    }
    refused(&deputize(&[&"explain", &"\x1b[31mnothing"]), "config-invalid");
    assert!(!deputize(&[&"explain", &"\x1b[31mnothing"]).error.contains('\x1b'));
}

#[test]
fn what_is_no_usage_ends_with_2_and_help_with_0() {
    for arguments in [&[][..], &["frob"], &["audit"], &["audit", "frob"], &["inspect"], &["\x1b[31m"]] {
        let arguments: Vec<&dyn AsRef<Path>> = arguments.iter().map(|one| one as &dyn AsRef<Path>).collect();
        let done = deputize(&arguments);
        assert!(done.code == 2 && done.output.is_empty() && !done.error.contains('\x1b'), "{done:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["audit", "--help"], &["audit", "verify", "--help"]] {
        let arguments: Vec<&dyn AsRef<Path>> = arguments.iter().map(|one| one as &dyn AsRef<Path>).collect();
        let done = deputize(&arguments);
        assert!(done.code == 0 && !done.output.is_empty() && done.error.is_empty(), "{done:?}");
    }
}
