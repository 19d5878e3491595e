//! The main story, and its refusals.

use deputize::os::SysRng;
use deputize::*;

const AUDIENCE: &str = "https://tools.acme.example";

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn now() -> Now {
    Now::from_millis(1_764_000_000_000).unwrap()
}

fn arguments() -> Arguments {
    Arguments::new(vec![("repo".into(), "acme/app".into()), ("labels".into(), vec!["bug"].into())]).unwrap()
}

fn verifier() -> Verifier {
    let anchor = TrustAnchor::new("ana", key(1).verifying_key()).unwrap();
    Verifier::new([anchor], AUDIENCE, MemoryStore::new(100, now()).unwrap()).unwrap()
}

#[test]
fn a_coder_calls_a_tool_for_ana_by_way_of_a_planner() {
    let (ana, planner, coder) = (key(1), key(2), key(3));
    let wide =
        ArgumentRules::new().required("repo", Constraint::one_of(["acme/app", "acme/web"]).unwrap()).required("labels", Constraint::any());
    let grant = Grant::to(planner.verifying_key())
        .holder_name("planner")
        .tools(Tools::new().allow("github.update_pr", wide).unwrap())
        .reason("fix the login bug");
    let task = issue(&ana, "ana", &grant, &mut SysRng, now()).unwrap();
    let narrow = ArgumentRules::new()
        .required("repo", Constraint::exact("acme/app").unwrap())
        .required("labels", Constraint::subset(["bug"]).unwrap());
    let grant =
        Grant::to(coder.verifying_key()).holder_name("coder").ttl(600).tools(Tools::new().allow("github.update_pr", narrow).unwrap());
    let part = delegate(&planner, &task, &grant, &mut SysRng, now()).unwrap();
    let arguments = arguments();
    let call = Call::new("github.update_pr", &arguments);
    let presentation = prove(&coder, &part, &call, AUDIENCE, &mut SysRng, now()).unwrap();

    let verifier = verifier();
    let read = Presentation::decode(presentation.attach([b"evidence".as_slice()]).unwrap().encode()).unwrap();
    let proof = read.unverified_proof().unwrap();
    assert_eq!((read.unverified_chain().unwrap(), read.evidence().unwrap()), (part.clone(), vec![b"evidence".as_slice()]));
    assert_eq!((&*proof.tool, &*proof.audience, proof.arguments), ("github.update_pr", AUDIENCE, arguments.digest()));
    assert_eq!(Presentation::decode(part.encode()).unwrap_err().code(), Code::Malformed);
    assert_eq!(Presentation::decode(b"").unwrap_err().code(), Code::ProofMissing);
    assert_eq!(Presentation::from_text(&presentation.to_text()).unwrap(), presentation);
    assert_eq!(Presentation::from_text("").unwrap_err().code(), Code::ProofMissing);
    assert_eq!(Presentation::from_text("a b").unwrap_err().code(), Code::TextMalformed);
    let allowed = verifier.authorize(presentation.encode(), &call, now()).unwrap();
    assert_eq!((allowed.caller().as_str(), allowed.on_behalf_of()), ("coder", "ana"));
    let again = verifier.authorize(presentation.encode(), &call, now()).unwrap_err();
    assert_eq!(again.code(), Code::ProofReplayed);
}
