//! What an approver is asked, sees and signs; and a principal's consent.

use deputize::os::SysRng;
use deputize::*;

const AUDIENCE: &str = "https://bank.example";
const TIME: u64 = 1_764_000_000;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn at(secs: u64) -> Now {
    Now::from_millis(secs * 1000).unwrap()
}

fn now() -> Now {
    at(TIME)
}

/// From ana (1) to planner (2) to coder (3); 11 and 12 may approve.
fn chain() -> UnverifiedChain {
    let approvals = ApprovalRules::new().require("pay", 1, &[key(11).verifying_key().clone(), key(12).verifying_key().clone()]).unwrap();
    let tools = Tools::new().allow("pay", ArgumentRules::new()).unwrap();
    let grant = Grant::to(key(2).verifying_key())
        .holder_name("planner")
        .tools(tools)
        .approvals(approvals)
        .reason("invoices of May")
        .context("tenant:1")
        .session(SessionId::from_bytes([0xab; 16]));
    let root = issue(&key(1), "ana", &grant, &mut SysRng, now()).unwrap();
    let grant = Grant::to(key(3).verifying_key()).holder_name("coder").ttl(600);
    delegate(&key(2), &root, &grant, &mut SysRng, now()).unwrap()
}

fn arguments(entries: Vec<(&str, Value)>) -> Arguments {
    Arguments::new(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).unwrap()
}

fn request_of(chain: &UnverifiedChain, arguments: &Arguments) -> ApprovalRequest {
    ApprovalRequest::new(chain, &Call::new("pay", arguments).context("tenant:1"), AUDIENCE).unwrap()
}

fn request() -> ApprovalRequest {
    request_of(&chain(), &arguments(vec![("to", "acme".into()), ("amount", 100.into())]))
}

/// The text of a call with one argument: the last line is about it.
fn line(value: impl Into<Value>) -> String {
    let text = request_of(&chain(), &arguments(vec![("x", value.into())])).to_text();
    text.lines().last().unwrap().strip_prefix("argument \"x\": ").unwrap().to_owned()
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    Digest::from_bytes(sha2::Sha256::digest(bytes).into()).to_string()
}

#[test]
fn a_person_sees_every_bound_thing_on_a_line_of_its_own() {
    let request = request();
    let [planner, coder, first, second] = [2, 3, 11, 12].map(|n| key(n).verifying_key().did_key());
    let mut approvers = [key(11), key(12)];
    approvers.sort_by_key(|key| *key.verifying_key().as_bytes());
    let approvers = approvers.map(|key| key.verifying_key().did_key());
    assert!(approvers.contains(&first) && approvers.contains(&second));
    let expected = format!(
        r#"approval request "{}"
tool: "pay"
for: "ana", on behalf of
issuer: "ana" (not verified here)
holder 1: "planner" "{planner}"
holder 1 reason: "invoices of May"
holder 2: "coder" "{coder}"
at: "https://bank.example"
context: "tenant:1"
session: "abababababababababababababababab"
until: "2025-11-24T16:10:00Z"
approvals: "1" of "{}" "{}"
arguments: "2"
argument "to": "acme"
argument "amount": 100
"#,
        request.id(),
        approvers[0],
        approvers[1]
    );
    assert_eq!(request.to_text(), expected);
}

#[test]
fn a_request_says_what_it_is_about() {
    let request = request();
    assert_eq!((request.principal(), request.tool(), request.audience(), request.context()), ("ana", "pay", AUDIENCE, Some("tenant:1")));
    assert_eq!((request.mode(), request.reason()), (Mode::OnBehalfOf, Some("invoices of May")));
    assert_eq!(request.holders().collect::<Vec<_>>(), [key(2).verifying_key(), key(3).verifying_key()]);
    assert_eq!((request.session(), request.expires().secs()), (SessionId::from_bytes([0xab; 16]), TIME + 600));
    let again = ApprovalRequest::decode(request.encode()).unwrap();
    assert_eq!((again.encode(), again.id(), again.to_text()), (request.encode(), request.id(), request.to_text()));
    assert_eq!(again.arguments().digest(), request.arguments().digest());
    assert_eq!(again.chain(), request.chain());
}

#[test]
fn the_same_call_has_the_same_id_and_every_other_call_another() {
    let (one, values) = (chain(), || arguments(vec![("to", "acme".into())]));
    let id = |chain: &UnverifiedChain, call: &Call<'_>, audience: &str| ApprovalRequest::new(chain, call, audience).unwrap().id();
    let values = values();
    let call = Call::new("pay", &values).context("tenant:1");
    let first = id(&one, &call, AUDIENCE);
    assert_eq!(id(&one, &call.challenge(b"a challenge"), AUDIENCE), first);
    let other = arguments(vec![("to", "acmf".into())]);
    assert_ne!(id(&chain(), &call, AUDIENCE), first);
    assert_ne!(id(&one, &Call::new("pay2", &values).context("tenant:1"), AUDIENCE), first);
    assert_ne!(id(&one, &Call::new("pay", &other).context("tenant:1"), AUDIENCE), first);
    assert_ne!(id(&one, &Call::new("pay", &values).context("tenant:2"), AUDIENCE), first);
    assert_ne!(id(&one, &Call::new("pay", &values), AUDIENCE), first);
    assert_ne!(id(&one, &call, "https://bank.example/"), first);
}

#[test]
fn every_prefix_of_a_request_is_refused() {
    let request = request();
    let bytes = request.encode();
    for length in 0..bytes.len() {
        ApprovalRequest::decode(&bytes[..length]).unwrap_err();
    }
    assert_eq!(ApprovalRequest::decode(&[bytes, &[0]].concat()).unwrap_err().code(), Code::Malformed);
}

/// A signature is not shown and not bound; everything else is both.
#[test]
fn a_changed_bit_of_a_request_is_refused_or_makes_another_request_or_changes_nothing_that_is_shown() {
    let request = request();
    let (mut refused, mut others, mut signatures) = (0, 0, 0);
    for bit in 0..request.encode().len() * 8 {
        let mut changed = request.encode().to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        match ApprovalRequest::decode(&changed) {
            Err(_) => refused += 1,
            Ok(other) if other.id() != request.id() => others += 1,
            Ok(other) => {
                assert_eq!(other.to_text(), request.to_text());
                signatures += 1;
            }
        }
    }
    assert_eq!(signatures, 2 * 512);
    assert!(refused > 0 && others > 0);
}

#[test]
fn a_request_with_another_parent_than_the_leaf_was_made_from_is_refused() {
    let (one, other) = (chain(), chain());
    let tokens = [other.token_bytes().unwrap()[0], one.token_bytes().unwrap()[1]];
    let mut bytes = vec![0x82];
    for token in tokens {
        bytes.extend([0x59, (token.len() >> 8) as u8, token.len() as u8]);
        bytes.extend(token);
    }
    let mixed = UnverifiedChain::decode(&bytes).unwrap();
    let values = arguments(vec![]);
    let error = ApprovalRequest::new(&mixed, &Call::new("pay", &values), AUDIENCE).unwrap_err();
    assert_eq!((error.code(), error.link()), (Code::ParentMismatch, Some(1)));
    let mut leaf_alone = vec![0x81];
    leaf_alone.extend(&bytes[bytes.len() - tokens[1].len() - 3..]);
    let leaf_alone = UnverifiedChain::decode(&leaf_alone).unwrap();
    let error = ApprovalRequest::new(&leaf_alone, &Call::new("pay", &values), AUDIENCE).unwrap_err();
    assert_eq!((error.code(), error.link()), (Code::ClaimMissing, Some(0)));
}

#[test]
fn a_request_is_bounded() {
    let chain = chain();
    let many = |count: usize| Arguments::new((0..count).map(|n| (n.to_string(), Value::Null)).collect()).unwrap();
    let fits = ApprovalRequest::new(&chain, &Call::new("pay", &many(256)), AUDIENCE).unwrap();
    assert_eq!(fits.to_text().lines().filter(|line| line.starts_with("argument \"")).count(), 256);
    assert_eq!(ApprovalRequest::new(&chain, &Call::new("pay", &many(257)), AUDIENCE).unwrap_err().code(), Code::TooMany);
    assert_eq!(ApprovalRequest::decode(&vec![0; limits::MAX_APPROVAL_REQUEST + 1]).unwrap_err().code(), Code::TooLarge);
    let none = arguments(vec![]);
    for tool in ["", "a\n", &"x".repeat(257)] {
        assert_eq!(ApprovalRequest::new(&chain, &Call::new(tool, &none), AUDIENCE).unwrap_err().code(), Code::NameInvalid);
        assert_eq!(ApprovalRequest::new(&chain, &Call::new("pay", &none), tool).unwrap_err().code(), Code::NameInvalid);
    }
    for context in ["", "*", "a//b", "tenant:1/../2"] {
        assert_eq!(
            ApprovalRequest::new(&chain, &Call::new("pay", &none).context(context), AUDIENCE).unwrap_err().code(),
            Code::ClaimInvalid
        );
    }
    let mut version = ApprovalRequest::new(&chain, &Call::new("pay", &none), AUDIENCE).unwrap().encode().to_vec();
    version[1] = 2;
    assert_eq!(ApprovalRequest::decode(&version).unwrap_err().code(), Code::VersionUnsupported);
}

#[test]
fn no_value_can_begin_a_line_leave_its_place_or_be_there_unseen() {
    let count = request_of(&chain(), &arguments(vec![("x", 1.into())])).to_text().lines().count();
    for hostile in [
        "\n",
        "\r",
        "\r\n",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{1b}[2J\u{1b}[1;1H",
        "\u{1b}]0;x\u{7}",
        "\u{9b}2J",
        "\u{7f}",
        "\u{8}\u{8}\u{8}",
        "\0",
        "\t",
        "\u{202e}evil\u{202c}",
        "\u{2066}x\u{2069}",
        "\u{200f}",
        "\u{61c}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{2060}",
        "\u{feff}",
        "\u{ad}",
        "\u{34f}",
        "\u{180e}",
        "\u{3164}",
        "\u{115f}",
        "\u{ffa0}",
        "\u{e0041}\u{e0042}\u{e007f}",
        "\u{e0100}",
        "\u{fe0f}",
        "\u{2800}",
        "\u{a0}",
        "\u{3000}",
        "\u{fffc}",
        "\u{e000}",
        "\u{10ffff}",
        "\u{336}",
        "\u{20dd}",
        "e\u{301}\u{301}\u{301}",
        "\u{5d0}\u{5d1}",
        "\u{627}",
        "\u{10900}",
        "\u{1e900}",
        "          ",
    ] {
        for value in [format!("a{hostile}b"), hostile.to_owned(), format!("{hostile}\nuntil: \"2099-01-01T00:00:00Z\"")] {
            let request = request_of(&chain(), &arguments(vec![("x", value.as_str().into())]));
            let text = request.to_text();
            assert_eq!(text.lines().count(), count, "{text}");
            for part in hostile.chars().filter(|c| !c.is_ascii_graphic() && !matches!(c, ' ' | 'e')) {
                assert!(part == '\n' || !text.contains(part), "{part:?}");
            }
            assert!(!text.contains("  "));
            // Nothing is lost: what is shown is JSON of the value.
            assert_eq!(value_from_json(&line(value.as_str())).unwrap(), Value::from(value.as_str()));
        }
    }
}

#[test]
fn names_and_reasons_are_escaped_as_values_are() {
    let tools = Tools::new().allow("pay", ArgumentRules::new()).unwrap();
    let hostile = "planner\" \"did:key:z\u{200b}\u{e0041}\u{336}\u{5d0}  \\";
    let grant = Grant::to(key(2).verifying_key()).holder_name(hostile).tools(tools).reason(hostile);
    let chain = issue(&key(1), "ana", &grant, &mut SysRng, now()).unwrap();
    let values = arguments(vec![(hostile, 1.into())]);
    let text = ApprovalRequest::new(&chain, &Call::new(hostile, &values), hostile).unwrap().to_text();
    let shown = r#""planner\" \"did:key:z\u200b\udb40\udc41\u0336\u05d0 \u0020\\""#;
    for label in ["tool: ", "at: ", "holder 1: ", "holder 1 reason: ", "argument "] {
        assert!(text.lines().any(|line| line.strip_prefix(label).is_some_and(|rest| rest.starts_with(shown))), "{label}\n{text}");
    }
    assert!(text.lines().all(|line| line.contains('"')));
    assert!(text.is_ascii());
}

#[test]
fn each_line_has_a_quotation_mark_that_no_data_can_make() {
    let text = request_of(&chain(), &arguments(vec![("x", r#"until: "2099-01-01T00:00:00Z""#.into())])).to_text();
    assert!(text.ends_with("argument \"x\": \"until: \\\"2099-01-01T00:00:00Z\\\"\"\n"), "{text}");
}

#[test]
fn long_values_are_shown_by_their_beginning_size_and_digest() {
    assert_eq!(line("x".repeat(198)), format!("\"{}\"", "x".repeat(198)));
    for (length, fill) in [(199, "x"), (1 << 19, "x"), (1000, "é"), (1000, "\n")] {
        let text = fill.repeat(length);
        let shown = line(text.as_str());
        let expected = format!("(\"{}\" bytes, SHA-256 \"{}\", it begins) \"", text.len(), sha256(text.as_bytes()));
        assert!(shown.starts_with(&expected), "{shown}");
        assert!(shown.chars().count() <= expected.len() + 199);
    }
    let bytes = vec![7; 500_000];
    assert!(
        line(Value::Bytes(bytes.clone()))
            .starts_with(&format!("(\"500000\" bytes, SHA-256 \"{}\", it begins) {{\"$bytes\":\"", sha256(&bytes)))
    );
    let list = Value::from(vec![1; 30_000]);
    let json = value_to_json(&list);
    assert_eq!(line(list), format!("(\"{}\" bytes, SHA-256 \"{}\", it begins) {}", json.len(), sha256(json.as_bytes()), &json[..200]));
}

#[test]
fn a_value_cannot_pretend_to_be_its_own_digest() {
    let forged = format!("x\" (\"3\" bytes, SHA-256 \"{}\", it begins) {}", "0".repeat(64), "y".repeat(400));
    let shown = line(forged.as_str());
    assert!(shown.starts_with(&format!(
        "(\"{}\" bytes, SHA-256 \"{}\", it begins) \"x\\\" (\\\"3\\\" bytes",
        forged.len(),
        sha256(forged.as_bytes())
    )));
}

#[test]
fn values_of_every_type_are_told_apart() {
    let nested = (0..14).fold(Value::from(1), |inner, _| Value::List(vec![inner]));
    for (value, shown) in [
        (Value::Null, "null"),
        (true.into(), "true"),
        ("true".into(), "\"true\""),
        (1.into(), "1"),
        ("1".into(), "\"1\""),
        (1.5.into(), "1.5"),
        (i64::MAX.into(), r#"{"$integer":"9223372036854775807"}"#),
        (Value::Bytes(vec![1]), r#"{"$bytes":"AQ"}"#),
        (Value::Map(vec![("$bytes".into(), "AQ".into())]), r#"{"$$bytes":"AQ"}"#),
        (Value::Map(vec![("a\u{200b}".into(), Value::List(vec![]))]), r#"{"a\u200b":[]}"#),
        (nested, "[[[[[[[[[[[[[[1]]]]]]]]]]]]]]"),
    ] {
        assert_eq!(line(value), shown);
    }
}

/// Letters that look alike are shown; the keys tell their bearers apart.
#[test]
fn a_holder_that_is_called_like_another_has_another_key() {
    let tools = Tools::new().allow("pay", ArgumentRules::new()).unwrap();
    let texts = [("planner", 2), ("pl\u{430}nner", 5)].map(|(name, holder)| {
        let grant = Grant::to(key(holder).verifying_key()).holder_name(name).tools(tools.clone());
        let chain = issue(&key(1), "ana", &grant, &mut SysRng, now()).unwrap();
        request_of(&chain, &arguments(vec![])).to_text()
    });
    assert!(texts[0].contains(&key(2).verifying_key().did_key()));
    assert!(texts[1].contains(&key(5).verifying_key().did_key()));
}

#[test]
fn an_approver_signs_yes_or_no_for_five_minutes() {
    let request = request();
    for (approves, approval) in [
        (true, approve(&key(11), &request, &ApprovalGrant::new().name("Ana").reason("as agreed"), &mut SysRng, now()).unwrap()),
        (false, deny(&key(11), &request, &ApprovalGrant::new(), &mut SysRng, now()).unwrap()),
    ] {
        assert_eq!((approval.approves(), approval.approver(), approval.request()), (approves, key(11).verifying_key(), request.id()));
        assert_eq!(approval.expires().secs(), TIME + DEFAULT_APPROVAL_TTL);
        assert_eq!(Approval::decode(approval.encode()).unwrap(), approval);
        assert_eq!(Approval::from_text(&approval.to_text()).unwrap(), approval);
    }
    let twice = [(); 2].map(|()| approve(&key(11), &request, &ApprovalGrant::new(), &mut SysRng, now()).unwrap());
    assert_ne!(twice[0].id(), twice[1].id());
}

#[test]
fn nobody_approves_its_own_call() {
    let request = request();
    for holder in [2, 3] {
        let error = approve(&key(holder), &request, &ApprovalGrant::new(), &mut SysRng, now()).unwrap_err();
        assert_eq!(error.code(), Code::ApproverRefused);
        let error = deny(&key(holder), &request, &ApprovalGrant::new(), &mut SysRng, now()).unwrap_err();
        assert_eq!(error.code(), Code::ApproverRefused);
    }
}

#[test]
fn an_approval_lives_a_second_to_an_hour_and_is_not_made_for_a_call_that_is_over() {
    let request = request();
    let sign = |grant: ApprovalGrant, now| approve(&key(11), &request, &grant, &mut SysRng, now).map_err(|error| error.code());
    for ttl in [1, 3600] {
        assert_eq!(sign(ApprovalGrant::new().ttl(ttl), now()).unwrap().expires().secs(), TIME + ttl);
    }
    for ttl in [0, 3601, u64::MAX] {
        assert_eq!(sign(ApprovalGrant::new().ttl(ttl), now()).unwrap_err(), Code::ClaimInvalid);
    }
    sign(ApprovalGrant::new(), at(TIME + 599)).unwrap();
    assert_eq!(sign(ApprovalGrant::new(), at(TIME + 600)).unwrap_err(), Code::TokenExpired);
    assert_eq!(sign(ApprovalGrant::new().name("a\n"), now()).unwrap_err(), Code::NameInvalid);
    assert_eq!(sign(ApprovalGrant::new().reason(&"x".repeat(1025)), now()).unwrap_err(), Code::ClaimInvalid);
    assert_eq!(sign(ApprovalGrant::new().reason("a\u{1b}"), now()).unwrap_err(), Code::ClaimInvalid);
}

#[test]
fn an_approval_is_read_strictly() {
    let approval = approve(&key(11), &request(), &ApprovalGrant::new(), &mut SysRng, now()).unwrap();
    for length in 0..approval.encode().len() {
        Approval::decode(&approval.encode()[..length]).unwrap_err();
    }
    assert_eq!(Approval::decode(&vec![0; limits::MAX_APPROVAL + 1]).unwrap_err().code(), Code::TooLarge);
    assert_eq!(Approval::decode(request().chain().token_bytes().unwrap()[0]).unwrap_err().code(), Code::KindMismatch);
    assert_eq!(Approval::from_text("=").unwrap_err().code(), Code::TextMalformed);
    UnverifiedChain::decode(approval.encode()).unwrap_err();
    Consent::decode(approval.encode()).unwrap_err();
}

#[test]
fn a_principal_consents_to_be_impersonated() {
    let grant = || ConsentGrant::new("ana", key(2).verifying_key(), "acme", AUDIENCE);
    let made = consent(&key(1), &grant().tools(vec!["send".into(), "read".into(), "read".into()]), &mut SysRng, now()).unwrap();
    assert_eq!(Consent::decode(made.encode()).unwrap(), made);
    assert_eq!(Consent::from_text(&made.to_text()).unwrap(), made);
    let code = |grant: ConsentGrant| consent(&key(1), &grant, &mut SysRng, now()).err().map(|error| error.code());
    let tools = |count: usize, size: usize| (0..count).map(|n| format!("{n:0size$}")).collect::<Vec<_>>();
    assert_eq!(code(grant().ttl(1)), None);
    assert_eq!(code(grant().ttl(86_400)), None);
    assert_eq!(code(grant().ttl(0)), Some(Code::ClaimInvalid));
    assert_eq!(code(grant().ttl(86_401)), Some(Code::ClaimInvalid));
    assert_eq!(code(grant().tools(vec![])), Some(Code::ClaimInvalid));
    assert_eq!(code(grant().tools(vec!["a\n".into()])), Some(Code::NameInvalid));
    assert_eq!(code(grant().tools(tools(256, 3))), None);
    assert_eq!(code(grant().tools(tools(257, 3))), Some(Code::TooMany));
    assert_eq!(code(grant().tools(tools(256, 250))), Some(Code::TooLarge));
    assert_eq!(code(ConsentGrant::new("", key(2).verifying_key(), "acme", AUDIENCE)), Some(Code::NameInvalid));
    assert_eq!(code(ConsentGrant::new("ana", key(2).verifying_key(), "", AUDIENCE)), Some(Code::NameInvalid));
    assert_eq!(code(ConsentGrant::new("ana", key(2).verifying_key(), "acme", "\u{200f}")), Some(Code::NameInvalid));
}
