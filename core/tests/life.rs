//! Authority over its life: revoked, suspended, rotated and renewed, one agent by one, without breaking the others.

use std::sync::Arc;

use deputize::os::SysRng;
use deputize::*;

const AUDIENCE: &str = "https://tools.acme.example";
const START: u64 = 1_764_000_000;

fn key(n: u16) -> SigningKey {
    let mut seed = [0; 32];
    seed[..2].copy_from_slice(&n.to_be_bytes());
    SigningKey::from_seed(&seed).unwrap()
}

fn at(secs: u64) -> Now {
    Now::from_millis((START + secs) * 1000).unwrap()
}

fn state() -> Arc<TrustState> {
    Arc::new(TrustState::new([Authority::new("ana", key(1).verifying_key()).unwrap()]).unwrap())
}

fn verifier(state: &Arc<TrustState>) -> Verifier {
    let anchor = TrustAnchor::new("ana", key(1).verifying_key()).unwrap();
    Verifier::new([anchor], AUDIENCE, MemoryStore::new(10_000, at(0)).unwrap()).unwrap().with_trust_state(state.clone())
}

fn grant(holder: u16) -> Grant {
    Grant::to(key(holder).verifying_key()).tools(Tools::new().allow("read", ArgumentRules::new()).unwrap())
}

fn root_by(issuer: u16, grant: &Grant, now: u64) -> UnverifiedChain {
    issue(&key(issuer), "ana", grant, &mut SysRng, at(now)).unwrap()
}

fn delegated(by: u16, chain: &UnverifiedChain, to: u16) -> UnverifiedChain {
    delegate(&key(by), chain, &Grant::to(key(to).verifying_key()), &mut SysRng, at(1)).unwrap()
}

fn read(verifier: &Verifier, holder: u16, chain: &UnverifiedChain, now: u64) -> Result<Authorized, Denied> {
    let arguments = Arguments::new(Vec::new()).unwrap();
    let call = Call::new("read", &arguments);
    let presentation = prove(&key(holder), chain, &call, AUDIENCE, &mut SysRng, at(now)).unwrap();
    verifier.authorize(presentation.encode(), &call, at(now))
}

fn refused(result: Result<Authorized, Denied>, code: Code, link: Option<usize>) {
    let denied = result.unwrap_err();
    assert_eq!((denied.code(), denied.link()), (code, link), "{denied}");
}

fn apply(state: &TrustState, list: RevocationList, now: u64) {
    let list = list.sign(&key(1), "ana", 3600, at(now)).unwrap();
    state.apply_list(&list, at(now)).unwrap();
}

fn id(chain: &UnverifiedChain) -> TokenId {
    chain.unverified_claims().unwrap().last().unwrap().id
}

#[test]
fn without_a_fresh_list_nothing_is_allowed() {
    let state = state();
    let (verifier, chain) = (verifier(&state), root_by(1, &grant(2).ttl(30 * 24 * 3600), 1));
    refused(read(&verifier, 2, &chain, 2), Code::RevocationStale, Some(0));
    apply(&state, RevocationList::full(1), 2);
    read(&verifier, 2, &chain, 2).unwrap();
    read(&verifier, 2, &chain, 3601).unwrap();
    refused(read(&verifier, 2, &chain, 3602), Code::RevocationStale, Some(0));
}

#[test]
fn of_a_thousand_agents_one_is_revoked_and_all_others_go_on() {
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let parent = root_by(1, &grant(2), 1);
    let agents: Vec<(u16, UnverifiedChain)> = (100..1100).map(|agent| (agent, delegated(2, &parent, agent))).collect();
    let below = delegated(600, &agents[500].1, 50);
    for (agent, chain) in &agents {
        read(&verifier, *agent, chain, 2).unwrap();
    }
    apply(&state, RevocationList::change(1, 2).revoke([Target::Key(key(600).verifying_key().clone())]), 3);
    refused(read(&verifier, 50, &below, 4), Code::KeyRevoked, Some(1));
    for (agent, chain) in &agents {
        let outcome = read(&verifier, *agent, chain, 4);
        if *agent == 600 { refused(outcome, Code::KeyRevoked, Some(1)) } else { drop(outcome.unwrap()) }
    }
}

#[test]
fn a_suspended_agent_goes_on_when_it_is_activated_again() {
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let (chain, agent) = (root_by(1, &grant(2), 1), key(2));
    read(&verifier, 2, &chain, 2).unwrap();
    apply(&state, RevocationList::change(1, 2).suspend([agent.verifying_key()]), 3);
    refused(read(&verifier, 2, &chain, 3), Code::AgentSuspended, Some(0));
    apply(&state, RevocationList::change(2, 3).activate([agent.verifying_key()]), 4);
    read(&verifier, 2, &chain, 4).unwrap();
    apply(&state, RevocationList::change(3, 4).pending([agent.verifying_key()]), 5);
    refused(read(&verifier, 2, &chain, 5), Code::AgentPending, Some(0));
}

#[test]
fn tokens_sessions_tasks_and_old_roots_are_refused_by_a_list() {
    let session = SessionId::from_bytes([3; 16]);
    let task = Digest::from_bytes([4; 32]);
    for (list, code, link) in [
        (RevocationList::full(2).revoke([Target::Session(session)]), Code::SessionClosed, Some(0)),
        (RevocationList::full(2).revoke([Target::Task(task)]), Code::TaskClosed, Some(0)),
        (RevocationList::full(2).epoch(Timestamp::from_secs(START + 2).unwrap()), Code::IssuedBeforeEpoch, Some(0)),
    ] {
        let state = state();
        let verifier = verifier(&state);
        apply(&state, RevocationList::full(1), 1);
        let child = delegated(2, &root_by(1, &grant(2).session(session).task(task), 1), 3);
        read(&verifier, 3, &child, 2).unwrap();
        apply(&state, list, 3);
        refused(read(&verifier, 3, &child, 4), code, link);
        let fresh = root_by(1, &grant(2), 5);
        read(&verifier, 2, &fresh, 5).unwrap();
    }
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let parent = root_by(1, &grant(2), 1);
    let [one, two] = [3, 4].map(|holder| delegated(2, &parent, holder));
    apply(&state, RevocationList::full(2).revoke([Target::Token(id(&one))]), 2);
    refused(read(&verifier, 3, &one, 3), Code::TokenRevoked, Some(1));
    read(&verifier, 4, &two, 3).unwrap();
}

#[test]
fn a_rotated_trust_anchor_issues_with_its_new_key_and_during_the_overlap_with_both() {
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let by_new = root_by(9, &grant(2), 1);
    refused(read(&verifier, 2, &by_new, 2), Code::SignatureInvalid, Some(0));
    let rotation = rotate(&key(1), &key(9), 60, None, &mut SysRng, at(2)).unwrap();
    for _ in 0..10 {
        state.apply_rotation(&rotation, at(2)).unwrap();
    }
    let by_old = root_by(1, &grant(3), 2);
    read(&verifier, 2, &by_new, 3).unwrap();
    read(&verifier, 3, &by_old, 61).unwrap();
    refused(read(&verifier, 3, &by_old, 62), Code::KeyRetired, Some(0));
    read(&verifier, 2, &by_new, 62).unwrap();
    // A message that says it is from before changes nothing.
    let dated_back = root_by(1, &grant(4), 1);
    refused(read(&verifier, 4, &dated_back, 62), Code::KeyRetired, Some(0));
}

#[test]
fn an_agent_that_rotated_holds_new_tokens_with_its_new_key_and_the_old_ones_end_with_the_overlap() {
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let old = root_by(1, &grant(2), 1);
    state.apply_rotation(&rotate(&key(2), &key(5), 30, Some("coder"), &mut SysRng, at(2)).unwrap(), at(2)).unwrap();
    let new = root_by(1, &grant(5), 3);
    read(&verifier, 2, &old, 31).unwrap();
    read(&verifier, 5, &new, 31).unwrap();
    refused(read(&verifier, 2, &old, 32), Code::KeyRetired, Some(0));
    read(&verifier, 5, &new, 32).unwrap();
}

#[test]
fn an_approver_whose_key_was_retired_or_revoked_after_signing_does_not_count() {
    for revoked in [false, true] {
        let state = state();
        let verifier = verifier(&state);
        apply(&state, RevocationList::full(1), 1);
        let approver = key(20);
        let rules = ApprovalRules::new().require("read", 1, &[approver.verifying_key().clone()]).unwrap();
        let chain = root_by(1, &grant(2).approvals(rules), 1);
        let arguments = Arguments::new(Vec::new()).unwrap();
        let call = Call::new("read", &arguments);
        let request = ApprovalRequest::new(&chain, &call, AUDIENCE).unwrap();
        let decide = |now: u64| {
            let approval = approve(&approver, &request, &ApprovalGrant::new(), &mut SysRng, at(2)).unwrap();
            let presentation = prove(&key(2), &chain, &call, AUDIENCE, &mut SysRng, at(now)).unwrap();
            verifier.authorize(presentation.attach([approval.encode()]).unwrap().encode(), &call, at(now))
        };
        decide(3).unwrap();
        if revoked {
            apply(&state, RevocationList::full(2).revoke([Target::Key(approver.verifying_key().clone())]), 4);
            refused(decide(5), Code::KeyRevoked, None);
        } else {
            state.apply_rotation(&rotate(&approver, &key(21), 0, None, &mut SysRng, at(4)).unwrap(), at(4)).unwrap();
            refused(decide(5), Code::KeyRetired, None);
        }
    }
}

#[test]
fn an_approver_that_rotated_ten_times_is_one_approver_with_its_newest_key() {
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let named = [20, 40].map(|n| key(n).verifying_key().clone());
    let both = ApprovalRules::new().require("read", 2, &named).unwrap();
    let later = ApprovalRules::new().require("read", 1, &[key(25).verifying_key().clone()]).unwrap();
    let [two, one] = [both, later].map(|rules| root_by(1, &grant(2).approvals(rules), 1));
    for n in 20..30 {
        let overlap = if n == 29 { 3600 } else { 0 };
        state.apply_rotation(&rotate(&key(n), &key(n + 1), overlap, None, &mut SysRng, at(2)).unwrap(), at(2)).unwrap();
    }
    let arguments = Arguments::new(Vec::new()).unwrap();
    let call = Call::new("read", &arguments);
    let decide = |chain: &UnverifiedChain, approvers: &[u16]| {
        let request = ApprovalRequest::new(chain, &call, AUDIENCE).unwrap();
        let approvals: Vec<Approval> =
            approvers.iter().map(|n| approve(&key(*n), &request, &ApprovalGrant::new(), &mut SysRng, at(2)).unwrap()).collect();
        let presentation = prove(&key(2), chain, &call, AUDIENCE, &mut SysRng, at(3)).unwrap();
        verifier.authorize(presentation.attach(approvals.iter().map(Approval::encode)).unwrap().encode(), &call, at(3))
    };
    refused(decide(&two, &[30, 29]), Code::ApprovalRequired, Some(0));
    refused(decide(&two, &[40, 20]), Code::KeyRetired, None);
    refused(decide(&two, &[40, 30, 24]), Code::KeyRetired, None);
    refused(decide(&two, &[40, 31]), Code::ApproverRefused, None);
    decide(&two, &[40, 30]).unwrap();
    refused(decide(&one, &[24]), Code::ApproverRefused, None);
    decide(&one, &[29]).unwrap();
}

fn renewal(until: u64) -> RenewalPolicy<'static> {
    RenewalPolicy::new(60, Timestamp::from_secs(START + until).unwrap())
}

#[test]
fn a_token_is_renewed_in_its_last_minute_and_gives_what_the_old_one_gave() {
    let state = state();
    let verifier = verifier(&state);
    apply(&state, RevocationList::full(1), 1);
    let old = root_by(1, &grant(2).ttl(600).holder_name("planner").reason("work").context("tenant:1"), 1);
    assert!(renewal(3600).renew_root(&key(1), "ana", &old, &mut SysRng, at(540)).unwrap().is_none());
    let new = renewal(3600).renew_root(&key(1), "ana", &old, &mut SysRng, at(541)).unwrap().unwrap();
    let ([before], [after]) = (&old.unverified_claims().unwrap()[..], &new.unverified_claims().unwrap()[..]) else { panic!() };
    let mut expected = before.clone();
    (expected.id, expected.issued, expected.expires) =
        (after.id, Timestamp::from_secs(START + 541).unwrap(), Timestamp::from_secs(START + 1141).unwrap());
    assert_eq!(after, &expected);
    assert_ne!(after.id, before.id);
    // However long before the end: as early as one likes.
    let early = RenewalPolicy::new(u64::MAX, Timestamp::from_secs(START + 3600).unwrap());
    assert!(early.renew_root(&key(1), "ana", &old, &mut SysRng, at(2)).unwrap().is_some());

    let parent = root_by(1, &grant(2), 1);
    let child = delegate(&key(2), &parent, &Grant::to(key(3).verifying_key()).ttl(120), &mut SysRng, at(1)).unwrap();
    let renewed = renewal(3600).renew(&key(2), &parent, &child, &mut SysRng, at(100)).unwrap().unwrap();
    refused(read(&verifier, 3, &child, 121), Code::TokenExpired, Some(1));
    read(&verifier, 3, &renewed, 121).unwrap();
}

#[test]
fn nothing_is_renewed_beyond_the_policy_or_after_the_end_or_for_another() {
    let old = root_by(1, &grant(2).ttl(600), 1);
    let renewed = renewal(700).renew_root(&key(1), "ana", &old, &mut SysRng, at(590)).unwrap().unwrap();
    assert_eq!(renewed.unverified_claims().unwrap()[0].expires.secs(), START + 700);
    let code = |result: Result<Option<UnverifiedChain>>| result.unwrap_err().code();
    assert_eq!(code(renewal(560).renew_root(&key(1), "ana", &old, &mut SysRng, at(560))), Code::TokenExpired);
    assert_eq!(code(renewal(3600).renew_root(&key(1), "ana", &old, &mut SysRng, at(601))), Code::TokenExpired);
    assert_eq!(code(renewal(3600).renew_root(&key(1), "bo", &old, &mut SysRng, at(590))), Code::ClaimInvalid);
    assert_eq!(code(renewal(3600).renew(&key(2), &old, &old, &mut SysRng, at(590))), Code::ClaimInvalid);
    let counted = root_by(1, &grant(2).ttl(600).audience(vec![AUDIENCE.into()]).budgets(vec![Budget::calls(1).unwrap()]), 1);
    assert_eq!(code(renewal(3600).renew_root(&key(1), "ana", &counted, &mut SysRng, at(590))), Code::ClaimInvalid);
}

#[test]
fn an_agent_that_was_revoked_or_suspended_is_not_renewed() {
    let state = state();
    let old = root_by(1, &grant(2).ttl(600), 1);
    let until = Timestamp::from_secs(START + 3600).unwrap();
    let renew = || RenewalPolicy::new(60, until).with_trust_state(&state).renew_root(&key(1), "ana", &old, &mut SysRng, at(590));
    assert_eq!(renew().unwrap_err().code(), Code::RevocationStale);
    apply(&state, RevocationList::full(1), 1);
    assert!(renew().unwrap().is_some());
    apply(&state, RevocationList::full(2).suspend([key(2).verifying_key()]), 2);
    assert_eq!(renew().unwrap_err().code(), Code::AgentSuspended);
    apply(&state, RevocationList::full(3).revoke([Target::Key(key(2).verifying_key().clone())]), 3);
    assert_eq!(renew().unwrap_err().code(), Code::KeyRevoked);
}

#[test]
fn only_what_the_signer_signed_is_renewed() {
    let code = |result: Result<Option<UnverifiedChain>>| result.unwrap_err().code();
    let forged = root_by(9, &grant(8).ttl(600), 1);
    assert_eq!(code(renewal(3600).renew_root(&key(1), "ana", &forged, &mut SysRng, at(590))), Code::SignatureInvalid);
    let parent = root_by(1, &grant(2), 1);
    let child =
        |delegator, parent| delegate(&key(delegator), parent, &Grant::to(key(3).verifying_key()).ttl(120), &mut SysRng, at(1)).unwrap();
    let stolen = root_by(8, &grant(9), 1);
    assert_eq!(code(renewal(3600).renew(&key(2), &parent, &child(9, &stolen), &mut SysRng, at(100))), Code::SignatureInvalid);
    // The leaf is the signer's, and what it is shown to hang on is not what it hangs on.
    let other = root_by(1, &grant(2), 1);
    let tokens = [other.token_bytes().unwrap()[0], child(2, &parent).token_bytes().unwrap()[1]].map(<[u8]>::to_vec);
    let spliced = chain_of(&tokens);
    assert_eq!(code(renewal(3600).renew(&key(2), &parent, &spliced, &mut SysRng, at(100))), Code::ParentMismatch);
    assert!(renewal(3600).renew(&key(2), &parent, &child(2, &parent), &mut SysRng, at(100)).unwrap().is_some());
}

fn chain_of(tokens: &[Vec<u8>]) -> UnverifiedChain {
    let tokens = tokens.iter().map(|token| ciborium::Value::Bytes(token.clone())).collect();
    let mut bytes = Vec::new();
    ciborium::into_writer(&ciborium::Value::Array(tokens), &mut bytes).unwrap();
    UnverifiedChain::decode(&bytes).unwrap()
}

#[test]
fn what_a_list_revokes_or_closes_is_not_renewed_under_another_id() {
    let until = Timestamp::from_secs(START + 3600).unwrap();
    let root = root_by(1, &grant(2).ttl(600).task(Digest::from_bytes([7; 32])), 1);
    let child = delegate(&key(2), &root, &Grant::to(key(3).verifying_key()).ttl(500), &mut SysRng, at(1)).unwrap();
    let claims = child.unverified_claims().unwrap();
    let revoking = |target: Target| RevocationList::full(1).revoke([target]);
    let both = [Target::Token(claims[0].id), Target::Session(claims[0].session), Target::Task(Digest::from_bytes([7; 32]))];
    let codes = [Code::TokenRevoked, Code::SessionClosed, Code::TaskClosed, Code::IssuedBeforeEpoch, Code::TokenRevoked];
    let lists = both
        .map(revoking)
        .into_iter()
        .chain([RevocationList::full(1).epoch(Timestamp::from_secs(START + 2).unwrap()), revoking(Target::Token(claims[1].id))]);
    for (turn, (list, code)) in lists.zip(codes).enumerate() {
        let state = state();
        apply(&state, list, 1);
        let policy = RenewalPolicy::new(600, until).with_trust_state(&state);
        let renewed = policy.renew(&key(2), &root, &child, &mut SysRng, at(400));
        assert_eq!(renewed.unwrap_err().code(), code);
        let renewed = policy.renew_root(&key(1), "ana", &root, &mut SysRng, at(400));
        assert_eq!(renewed.err().map(|error| error.code()), (turn < 4).then_some(code), "the last is about the child only");
    }
}

#[test]
fn a_renewal_that_is_always_due_does_not_overflow() {
    let old = root_by(1, &grant(2).ttl(600), 1);
    let policy = RenewalPolicy::new(u64::MAX, Timestamp::from_secs(START + 3600).unwrap());
    assert!(policy.renew_root(&key(1), "ana", &old, &mut SysRng, at(2)).unwrap().is_some());
}

#[test]
fn rev_15_what_was_allowed_before_a_revocation_is_not_allowed_again() {
    struct Shared(Arc<MemoryStore>);
    impl Store for Shared {
        fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
            self.0.commit(transaction, now)
        }
    }
    let (state, store) = (state(), Arc::new(MemoryStore::new(100, at(0)).unwrap()));
    let anchor = TrustAnchor::new("ana", key(1).verifying_key()).unwrap();
    let verifier = Verifier::new([anchor], AUDIENCE, Shared(store.clone())).unwrap().with_trust_state(state.clone());
    apply(&state, RevocationList::full(1), 1);
    let chain = root_by(1, &grant(2), 1);
    let arguments = Arguments::new(Vec::new()).unwrap();
    let call = Call::new("read", &arguments);
    let present = |now| prove(&key(2), &chain, &call, AUDIENCE, &mut SysRng, at(now)).unwrap();
    let (used, undecided) = (present(2), present(2));
    verifier.authorize(used.encode(), &call, at(2)).unwrap();
    // The store is asked last, and knows what was revoked in between.
    let admissible = verifier.evaluate(undecided.encode(), &call, at(2)).unwrap();
    verifier.revoke(&Revocable::Token(id(&chain)), at(2)).unwrap();
    let outcome = store.commit(admissible.transaction(), admissible.now());
    refused(admissible.admit(outcome), Code::TokenRevoked, Some(0));
    apply(&state, RevocationList::full(2).revoke([Target::Token(id(&chain))]), 2);
    for presentation in [used, undecided, present(3)] {
        refused(verifier.authorize(presentation.encode(), &call, at(3)), Code::TokenRevoked, Some(0));
    }
}
