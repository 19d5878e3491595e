//! Budgets, closed sessions, immediate revocation, and trust anchors with bounds.

use deputize::os::SysRng;
use deputize::*;

const AUDIENCE: &str = "https://tools.acme.example";
const START: u64 = 1_764_000_000;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn at(secs: u64) -> Now {
    Now::from_millis((START + secs) * 1000 + 500).unwrap()
}

fn verifier_by(anchor: TrustAnchor) -> Verifier {
    Verifier::new([anchor], AUDIENCE, MemoryStore::new(10_000, at(0)).unwrap()).unwrap()
}

fn ana() -> TrustAnchor {
    TrustAnchor::new("ana", key(1).verifying_key()).unwrap()
}

fn grant(holder: u8) -> Grant {
    let tools = Tools::new().allow("pay", ArgumentRules::new()).unwrap().allow("read", ArgumentRules::new()).unwrap();
    Grant::to(key(holder).verifying_key()).tools(tools).audience(vec![AUDIENCE.into()])
}

fn root(grant: &Grant) -> UnverifiedChain {
    issue(&key(1), "ana", grant, &mut SysRng, at(1)).unwrap()
}

fn delegated(chain: &UnverifiedChain, grant: &Grant) -> UnverifiedChain {
    delegate(&key(2), chain, grant, &mut SysRng, at(1)).unwrap()
}

fn amount(amount: impl Into<Value>) -> Arguments {
    Arguments::new(vec![("amount".into(), amount.into())]).unwrap()
}

fn nothing() -> Arguments {
    Arguments::new(Vec::new()).unwrap()
}

fn call(
    verifier: &Verifier,
    holder: u8,
    chain: &UnverifiedChain,
    tool: &str,
    arguments: &Arguments,
    now: Now,
) -> Result<Authorized, Denied> {
    let call = Call::new(tool, arguments);
    let presentation = prove(&key(holder), chain, &call, AUDIENCE, &mut SysRng, now).unwrap();
    verifier.authorize(presentation.encode(), &call, now)
}

fn read(verifier: &Verifier, holder: u8, chain: &UnverifiedChain, now: Now) -> Result<Authorized, Denied> {
    call(verifier, holder, chain, "read", &nothing(), now)
}

fn refused<T: std::fmt::Debug>(result: Result<T, Denied>, code: Code, link: Option<usize>) {
    let denied = result.unwrap_err();
    assert_eq!((denied.code(), denied.link()), (code, link), "{denied}");
}

#[test]
fn a_budget_of_calls_lasts_for_that_many_and_no_more() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::calls(3).unwrap()]));
    for _ in 0..3 {
        read(&verifier, 2, &chain, at(2)).unwrap();
    }
    refused(read(&verifier, 2, &chain, at(2)), Code::BudgetExhausted, Some(0));
}

#[test]
fn of_a_thousand_calls_at_once_as_many_as_the_budget_are_allowed() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::calls(10).unwrap()]));
    let allowed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..125 {
                    match read(&verifier, 2, &chain, at(2)) {
                        Ok(_) => drop(allowed.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
                        Err(denied) => assert_eq!(denied.code(), Code::BudgetExhausted),
                    }
                }
            });
        }
    });
    assert_eq!(allowed.into_inner(), 10);
}

#[test]
fn what_children_spend_their_parent_has_spent() {
    let verifier = verifier_by(ana());
    let parent = root(&grant(2).budgets(vec![Budget::calls(3).unwrap()]));
    let [one, two] = [3, 4].map(|holder| delegated(&parent, &grant(holder).budgets(vec![Budget::calls(2).unwrap()])));
    read(&verifier, 3, &one, at(2)).unwrap();
    read(&verifier, 3, &one, at(2)).unwrap();
    refused(read(&verifier, 3, &one, at(2)), Code::BudgetExhausted, Some(1));
    read(&verifier, 4, &two, at(2)).unwrap();
    refused(read(&verifier, 4, &two, at(2)), Code::BudgetExhausted, Some(0));
    refused(read(&verifier, 2, &parent, at(2)), Code::BudgetExhausted, Some(0));
}

#[test]
fn a_child_that_states_more_than_its_parent_still_gets_its_parents() {
    let verifier = verifier_by(ana());
    let parent = root(&grant(2).budgets(vec![Budget::calls(1).unwrap()]));
    let child = delegated(&parent, &grant(3).budgets(vec![Budget::calls(1000).unwrap()]));
    read(&verifier, 3, &child, at(2)).unwrap();
    refused(read(&verifier, 3, &child, at(2)), Code::BudgetExhausted, Some(0));
}

#[test]
fn a_refused_call_spends_nothing() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::calls(1).unwrap()]));
    refused(call(&verifier, 2, &chain, "deploy", &nothing(), at(2)), Code::ToolNotAllowed, Some(0));
    read(&verifier, 2, &chain, at(2)).unwrap();
}

#[test]
fn a_sum_counts_the_argument_of_its_tool_and_nothing_else() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::sum(100, "pay", "amount").unwrap()]));
    call(&verifier, 2, &chain, "pay", &amount(60), at(2)).unwrap();
    refused(call(&verifier, 2, &chain, "pay", &amount(41), at(2)), Code::BudgetExhausted, Some(0));
    call(&verifier, 2, &chain, "pay", &amount(40), at(2)).unwrap();
    refused(call(&verifier, 2, &chain, "pay", &amount(1), at(2)), Code::BudgetExhausted, Some(0));
    read(&verifier, 2, &chain, at(2)).unwrap();
    call(&verifier, 2, &chain, "pay", &amount(0), at(2)).unwrap();
}

#[test]
fn what_cannot_be_summed_is_refused() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::sum(100, "pay", "amount").unwrap()]));
    for bad in [
        Value::Integer(-1),
        Value::Integer(1 << 53),
        Value::Integer(i64::MAX),
        Value::Float(0.5),
        "1".into(),
        Value::Null,
        vec![1i64].into(),
    ] {
        refused(call(&verifier, 2, &chain, "pay", &amount(bad), at(2)), Code::ArgumentRefused, Some(0));
    }
    call(&verifier, 2, &chain, "pay", &amount(100), at(2)).unwrap();
}

#[test]
fn a_rate_begins_anew_with_each_window() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::calls(2).unwrap().per(60).unwrap()]));
    let window = 60 - START % 60;
    for start in [window, window + 60] {
        read(&verifier, 2, &chain, at(start)).unwrap();
        read(&verifier, 2, &chain, at(start + 30)).unwrap();
        refused(read(&verifier, 2, &chain, at(start + 59)), Code::BudgetExhausted, Some(0));
    }
}

#[test]
fn a_budget_over_the_session_counts_every_chain_of_it_and_no_other_issuers() {
    let bo = TrustAnchor::new("bo", key(9).verifying_key()).unwrap();
    let verifier = Verifier::new([ana(), bo], AUDIENCE, MemoryStore::new(10_000, at(0)).unwrap()).unwrap();
    let session = SessionId::from_bytes([7; 16]);
    let budget = || vec![Budget::calls(2).unwrap().over_session()];
    let [one, two] = [2, 3].map(|holder| root(&grant(holder).session(session).budgets(budget())));
    let other = issue(&key(9), "bo", &grant(4).session(session).budgets(budget()), &mut SysRng, at(1)).unwrap();
    read(&verifier, 2, &one, at(2)).unwrap();
    read(&verifier, 4, &other, at(2)).unwrap();
    read(&verifier, 3, &two, at(2)).unwrap();
    refused(read(&verifier, 2, &one, at(2)), Code::BudgetExhausted, Some(0));
    read(&verifier, 4, &other, at(2)).unwrap();
}

#[test]
fn a_refund_gives_back_what_was_spent_and_only_once() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).budgets(vec![Budget::calls(1).unwrap()]));
    let first = read(&verifier, 2, &chain, at(2)).unwrap();
    verifier.refund(&first, at(3)).unwrap();
    read(&verifier, 2, &chain, at(3)).unwrap();
    verifier.refund(&first, at(3)).unwrap();
    refused(read(&verifier, 2, &chain, at(3)), Code::BudgetExhausted, Some(0));
}

#[test]
fn a_refund_is_given_once_also_when_the_leaf_has_expired_and_its_parents_budget_goes_on() {
    let verifier = verifier_by(ana());
    let parent = root(&grant(2).ttl(3600).budgets(vec![Budget::calls(2).unwrap()]));
    let child = delegated(&parent, &grant(3).ttl(60));
    let first = read(&verifier, 3, &child, at(2)).unwrap();
    read(&verifier, 2, &parent, at(2)).unwrap();
    verifier.refund(&first, at(3)).unwrap();
    read(&verifier, 2, &parent, at(62)).unwrap();
    verifier.refund(&first, at(63)).unwrap();
    refused(read(&verifier, 2, &parent, at(64)), Code::BudgetExhausted, Some(0));
}

#[test]
fn nothing_is_given_back_when_what_was_taken_is_not_counted_any_more() {
    let verifier = verifier_by(ana());
    let session = SessionId::from_bytes([7; 16]);
    let shared = |ttl| root(&grant(2).session(session).ttl(ttl).budgets(vec![Budget::calls(2).unwrap().over_session()]));
    let (short, long) = (shared(60), shared(3600));
    let first = read(&verifier, 2, &short, at(2)).unwrap();
    read(&verifier, 2, &long, at(2)).unwrap();
    verifier.refund(&first, at(3)).unwrap();
    read(&verifier, 2, &long, at(4)).unwrap();
    assert!(first.refund(at(61)).is_empty());
    verifier.refund(&first, at(61)).unwrap();
    refused(read(&verifier, 2, &long, at(62)), Code::BudgetExhausted, Some(0));
}

#[test]
fn a_budget_from_before_the_stores_memory_is_not_counted_from_zero() {
    let chain = root(&grant(2).budgets(vec![Budget::calls(1).unwrap()]));
    let restarted = Verifier::new([ana()], AUDIENCE, MemoryStore::new(100, at(2)).unwrap()).unwrap();
    refused(read(&restarted, 2, &chain, at(3)), Code::TokenPredatesStore, Some(0));
}

#[test]
fn a_budget_names_the_one_audience_that_counts_it() {
    let budgets = || vec![Budget::calls(1).unwrap()];
    let several = vec![AUDIENCE.into(), "https://other.example".into()];
    for audience in [Vec::new(), several.clone()] {
        let error = issue(&key(1), "ana", &grant(2).audience(audience).budgets(budgets()), &mut SysRng, at(1)).unwrap_err();
        assert_eq!(error.code(), Code::ClaimInvalid);
    }
    let wide = root(&grant(2).audience(several.clone()));
    let child = |grant: Grant| delegate(&key(2), &wide, &grant.budgets(budgets()), &mut SysRng, at(1));
    assert_eq!(child(grant(3).audience(several)).unwrap_err().code(), Code::ClaimInvalid);
    assert_eq!(child(Grant::to(key(3).verifying_key())).unwrap_err().code(), Code::ClaimInvalid);
    child(grant(3)).unwrap();
}

#[test]
fn budgets_that_mean_nothing_are_refused() {
    for bad in [0, 1 << 53, u64::MAX] {
        assert_eq!(Budget::calls(bad).unwrap_err().code(), Code::ClaimInvalid, "{bad}");
    }
    for bad in [0, 30 * 24 * 3600 + 1, u64::MAX] {
        assert_eq!(Budget::calls(1).unwrap().per(bad).unwrap_err().code(), Code::ClaimInvalid, "{bad}");
    }
    assert_eq!(Budget::sum(1, "", "amount").unwrap_err().code(), Code::NameInvalid);
    assert_eq!(Budget::sum(1, "pay", "\n").unwrap_err().code(), Code::NameInvalid);
    let many = vec![Budget::calls(1).unwrap(); 9];
    assert_eq!(issue(&key(1), "ana", &grant(2).budgets(many), &mut SysRng, at(1)).unwrap_err().code(), Code::TooMany);
}

#[test]
fn a_closed_session_stops_everything_in_it_and_no_other() {
    let bo = TrustAnchor::new("bo", key(9).verifying_key()).unwrap();
    let verifier = Verifier::new([ana(), bo], AUDIENCE, MemoryStore::new(10_000, at(0)).unwrap()).unwrap();
    let session = SessionId::from_bytes([7; 16]);
    let parent = root(&grant(2).session(session));
    let child = delegated(&parent, &grant(3));
    let sibling = root(&grant(2));
    let same_id_of_another_issuer = issue(&key(9), "bo", &grant(4).session(session), &mut SysRng, at(1)).unwrap();
    read(&verifier, 3, &child, at(2)).unwrap();
    verifier.revoke(&Revocable::Session("ana", session), at(3)).unwrap();
    refused(read(&verifier, 2, &parent, at(3)), Code::SessionClosed, None);
    refused(read(&verifier, 3, &child, at(3)), Code::SessionClosed, None);
    read(&verifier, 2, &sibling, at(3)).unwrap();
    read(&verifier, 4, &same_id_of_another_issuer, at(3)).unwrap();
    // Closed again: no difference. Opened with a new root: still closed.
    verifier.revoke(&Revocable::Session("ana", session), at(4)).unwrap();
    refused(read(&verifier, 2, &root(&grant(2).session(session)), at(4)), Code::SessionClosed, None);
}

#[test]
fn sessions_and_tasks_of_nobody_that_is_trusted_cannot_be_closed() {
    let verifier = verifier_by(ana());
    for target in [Revocable::Session("Ana", SessionId::from_bytes([7; 16])), Revocable::Task("", Digest::from_bytes([5; 32]))] {
        for error in [verifier.revoke(&target, at(2)).unwrap_err(), verifier.mark(&target, at(2)).unwrap_err()] {
            assert_eq!(error.code(), Code::IssuerUntrusted, "{error}");
        }
    }
}

#[test]
fn a_closed_task_stops_everything_for_it() {
    let verifier = verifier_by(ana());
    let task = Digest::from_bytes([5; 32]);
    let child = delegated(&root(&grant(2).task(task)), &grant(3));
    verifier.revoke(&Revocable::Task("ana", task), at(2)).unwrap();
    refused(read(&verifier, 3, &child, at(2)), Code::TaskClosed, None);
    read(&verifier, 2, &root(&grant(2)), at(2)).unwrap();
}

#[test]
fn a_revoked_token_takes_everything_below_it_along_and_its_siblings_stay() {
    let verifier = verifier_by(ana());
    let parent = root(&grant(2));
    let [one, two] = [3, 4].map(|holder| delegated(&parent, &grant(holder)));
    let id = |chain: &UnverifiedChain| chain.unverified_claims().unwrap().last().unwrap().id;
    verifier.revoke(&Revocable::Token(id(&one)), at(2)).unwrap();
    refused(read(&verifier, 3, &one, at(2)), Code::TokenRevoked, Some(1));
    read(&verifier, 4, &two, at(2)).unwrap();
    verifier.revoke(&Revocable::Token(id(&parent)), at(2)).unwrap();
    refused(read(&verifier, 4, &two, at(2)), Code::TokenRevoked, Some(0));
}

#[test]
fn a_revoked_key_neither_issues_nor_holds() {
    let verifier = verifier_by(ana());
    let parent = root(&grant(2));
    let child = delegated(&parent, &grant(3));
    verifier.revoke(&Revocable::Key(key(3).verifying_key()), at(2)).unwrap();
    refused(read(&verifier, 3, &child, at(2)), Code::KeyRevoked, Some(1));
    read(&verifier, 2, &parent, at(2)).unwrap();
    verifier.revoke(&Revocable::Key(key(1).verifying_key()), at(2)).unwrap();
    refused(read(&verifier, 2, &parent, at(2)), Code::KeyRevoked, Some(0));
}

#[test]
fn a_revocation_lasts_as_long_as_anything_that_it_is_about() {
    let verifier = verifier_by(ana());
    let month = 30 * 24 * 3600;
    let chain = root(&grant(2).ttl(month));
    let id = chain.unverified_claims().unwrap()[0].id;
    verifier.revoke(&Revocable::Token(id), at(2)).unwrap();
    refused(read(&verifier, 2, &chain, at(month)), Code::TokenRevoked, Some(0));
    refused(read(&verifier, 2, &chain, at(month + 1)), Code::TokenExpired, Some(0));
    let year = 365 * 24 * 3600;
    verifier.revoke(&Revocable::Key(key(2).verifying_key()), at(month + 2)).unwrap();
    let later = issue(&key(1), "ana", &grant(2), &mut SysRng, at(year)).unwrap();
    refused(read(&verifier, 2, &later, at(year)), Code::KeyRevoked, Some(0));
}

#[test]
fn another_organisations_issuer_stays_within_its_bounds() {
    let bounds =
        Bounds { tools: Some(Tools::new().allow("read", ArgumentRules::new()).unwrap()), max_lifetime: Some(600), max_depth: Some(1) };
    let verifier = verifier_by(ana().bounded(bounds));
    let read_only = || Tools::new().allow("read", ArgumentRules::new()).unwrap();
    let within = || grant(2).tools(read_only()).ttl(600).max_depth(1);
    let child = delegated(&root(&within()), &Grant::to(key(3).verifying_key()));
    read(&verifier, 3, &child, at(2)).unwrap();
    for wider in [grant(2).ttl(600).max_depth(1), within().ttl(601), within().max_depth(2)] {
        let chain = root(&wider);
        refused(read(&verifier, 2, &chain, at(2)), Code::AnchorExceeded, Some(0));
        refused(read(&verifier, 3, &delegated(&chain, &Grant::to(key(3).verifying_key()).ttl(60)), at(2)), Code::AnchorExceeded, Some(0));
    }
}

#[test]
fn evidence_is_bounded_and_of_a_known_kind() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2));
    let arguments = nothing();
    let call = Call::new("read", &arguments);
    let presentation = prove(&key(2), &chain, &call, AUDIENCE, &mut SysRng, at(2)).unwrap();
    let garbage = presentation.attach([&b"garbage"[..]]).unwrap();
    refused(verifier.authorize(garbage.encode(), &call, at(2)), Code::Malformed, None);
    let token = chain.token_bytes().unwrap()[0];
    refused(verifier.authorize(presentation.attach([token]).unwrap().encode(), &call, at(2)), Code::KindMismatch, None);
    assert_eq!(presentation.attach([token; 65]).unwrap_err().code(), Code::TooMany);
    assert_eq!(presentation.attach([&[0; 130 * 1024][..]]).unwrap_err().code(), Code::TooLarge);
    assert_eq!(presentation.attach([]).unwrap(), presentation);
    verifier.authorize(presentation.encode(), &call, at(2)).unwrap();
}

#[test]
fn the_three_modes_of_delegation_say_for_whom_the_holder_acts() {
    let verifier = Verifier::new([ana().allow_impersonation()], AUDIENCE, MemoryStore::new(100, at(0)).unwrap()).unwrap();
    let holder = key(2);
    let holder = holder.verifying_key();
    let audience = || vec![AUDIENCE.to_owned()];
    for (grant, mode, principal) in [
        (Grant::own_behalf(holder, "cron"), Mode::OwnBehalf, "cron"),
        (Grant::on_behalf_of(holder, "bo"), Mode::OnBehalfOf, "bo"),
        (Grant::impersonating(holder, "desk", "bo", audience()), Mode::Impersonation, "bo"),
    ] {
        let chain = verifier.verify_chain(&root(&grant), at(2)).unwrap();
        assert_eq!((chain.leaf().mode, chain.principal()), (mode, principal));
    }
    for nobody in ["", "\n"] {
        let error = issue(&key(1), "ana", &Grant::on_behalf_of(holder, nobody), &mut SysRng, at(1)).unwrap_err();
        assert_eq!(error.code(), Code::NameInvalid, "a principal that is not named is no reason to act for oneself");
    }
}

#[test]
fn a_session_and_its_task_are_in_every_token_below() {
    let verifier = verifier_by(ana());
    let session = Session::open(&mut SysRng).unwrap().for_task(b"fix the login bug");
    let child = delegated(&root(&grant(2).in_session(&session)), &grant(3));
    let allowed = read(&verifier, 3, &child, at(2)).unwrap();
    for claims in allowed.chain().claims() {
        assert_eq!((claims.session, claims.task), (session.id(), session.task()));
    }
    assert_ne!(Session::open(&mut SysRng).unwrap().id(), session.id());
    verifier.revoke(&Revocable::Task("ana", session.task().unwrap()), at(2)).unwrap();
    refused(read(&verifier, 3, &child, at(2)), Code::TaskClosed, None);
}

#[test]
fn a_tool_asks_whether_a_partition_is_the_calls() {
    let verifier = verifier_by(ana());
    let chain = root(&grant(2).context("tenant:1/task:7"));
    let arguments = nothing();
    let call = Call::new("read", &arguments).context("tenant:1/task:7");
    let presentation = prove(&key(2), &chain, &call, AUDIENCE, &mut SysRng, at(2)).unwrap();
    let allowed = verifier.authorize(presentation.encode(), &call, at(2)).unwrap();
    for own in ["tenant:1/task:7", "tenant:1/task:7/notes"] {
        allowed.check_context(own).unwrap();
    }
    for other in
        ["tenant:1", "tenant:1/task:70", "tenant:1/task:7/../8", "TENANT:1/task:7", "tenant:1/task:7/", "", "*", "tenant:1/task:7/*", "/"]
    {
        assert_eq!(allowed.check_context(other).unwrap_err().code(), Code::ContextMismatch, "{other}");
    }
    let without = read(&verifier, 3, &root(&grant(3)), at(2)).unwrap();
    assert_eq!(without.check_context("tenant:1").unwrap_err().code(), Code::ContextMismatch);
}

fn ask(chain: &UnverifiedChain, tool: &str, arguments: &Arguments) -> ApprovalRequest {
    ApprovalRequest::new(chain, &Call::new(tool, arguments), AUDIENCE).unwrap()
}

fn approved_by(approver: u8, request: &ApprovalRequest, now: Now) -> Approval {
    approve(&key(approver), request, &ApprovalGrant::new(), &mut SysRng, now).unwrap()
}

fn denied_by(approver: u8, request: &ApprovalRequest, now: Now) -> Approval {
    deny(&key(approver), request, &ApprovalGrant::new(), &mut SysRng, now).unwrap()
}

/// A call with evidence beside its proof.
fn call_with(verifier: &Verifier, chain: &UnverifiedChain, call: &Call<'_>, evidence: &[&[u8]], now: Now) -> Result<Authorized, Denied> {
    let presentation = prove(&key(2), chain, call, AUDIENCE, &mut SysRng, now).unwrap().attach(evidence.iter().copied()).unwrap();
    verifier.authorize(presentation.encode(), call, now)
}

fn two_humans() -> UnverifiedChain {
    let approvers = [20, 21, 22].map(|n| key(n).verifying_key().clone());
    root(&grant(2).approvals(ApprovalRules::new().require("pay", 2, &approvers).unwrap()))
}

#[test]
fn a_call_that_needs_two_approvals_runs_once_with_two_and_not_with_one() {
    let (verifier, chain, arguments) = (verifier_by(ana()), two_humans(), amount(5));
    let call = Call::new("pay", &arguments);
    let request = ask(&chain, "pay", &arguments);
    let [one, again, two] = [20, 20, 21].map(|approver| approved_by(approver, &request, at(2)));
    assert_eq!(call_with(&verifier, &chain, &call, &[], at(3)).unwrap_err().request_id(), Some(request.id()));
    refused(call_with(&verifier, &chain, &call, &[], at(3)), Code::ApprovalRequired, Some(0));
    refused(call_with(&verifier, &chain, &call, &[one.encode(), again.encode()], at(3)), Code::ApprovalRequired, Some(0));
    let both = [one.encode(), two.encode()];
    let allowed = call_with(&verifier, &chain, &call, &both, at(3)).unwrap();
    let record = allowed.record().to_json();
    for approver in [20, 21] {
        assert!(record.contains(&format!(r#""approver":"{}""#, key(approver).verifying_key().did_key())), "{record}");
    }
    refused(call_with(&verifier, &chain, &call, &both, at(3)), Code::ApprovalSpent, None);
    let three = approved_by(22, &request, at(4));
    refused(call_with(&verifier, &chain, &call, &[one.encode(), three.encode()], at(4)), Code::ApprovalSpent, None);
}

#[test]
fn of_many_calls_at_once_with_one_approval_exactly_one_runs() {
    let approver = key(20);
    let chain = root(&grant(2).approvals(ApprovalRules::new().require("pay", 1, &[approver.verifying_key().clone()]).unwrap()));
    let (verifier, arguments) = (verifier_by(ana()), amount(5));
    let approval = approved_by(20, &ask(&chain, "pay", &arguments), at(2));
    let allowed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| match call_with(&verifier, &chain, &Call::new("pay", &arguments), &[approval.encode()], at(3)) {
                Ok(_) => drop(allowed.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
                Err(denied) => assert_eq!(denied.code(), Code::ApprovalSpent),
            });
        }
    });
    assert_eq!(allowed.into_inner(), 1);
}

#[test]
fn an_approval_is_for_exactly_one_request() {
    let (verifier, chain, arguments) = (verifier_by(ana()), two_humans(), amount(5));
    let request = ask(&chain, "pay", &arguments);
    let both = [20, 21].map(|approver| approved_by(approver, &request, at(2)));
    let both = [both[0].encode(), both[1].encode()];
    let other = amount(6);
    refused(call_with(&verifier, &chain, &Call::new("pay", &other), &both, at(3)), Code::ApprovalMismatch, None);
    refused(call_with(&verifier, &two_humans(), &Call::new("pay", &arguments), &both, at(3)), Code::ApprovalMismatch, None);
    refused(call_with(&verifier, &chain, &Call::new("read", &arguments), &both, at(3)), Code::ApprovalMismatch, None);
    let child = delegated(&chain, &Grant::to(key(3).verifying_key()));
    let call = Call::new("pay", &arguments);
    let presentation = prove(&key(3), &child, &call, AUDIENCE, &mut SysRng, at(3)).unwrap().attach(both).unwrap();
    refused(verifier.authorize(presentation.encode(), &call, at(3)), Code::ApprovalMismatch, None);
    call_with(&verifier, &chain, &call, &both, at(3)).unwrap();
}

#[test]
fn what_a_denied_call_leaves_of_an_approval_can_be_used() {
    let (verifier, chain, arguments) = (verifier_by(ana()), two_humans(), amount(5));
    let request = ask(&chain, "pay", &arguments);
    let [one, two] = [20, 21].map(|approver| approved_by(approver, &request, at(2)));
    let call = Call::new("pay", &arguments);
    refused(call_with(&verifier, &chain, &call, &[one.encode()], at(3)), Code::ApprovalRequired, Some(0));
    call_with(&verifier, &chain, &call, &[one.encode(), two.encode()], at(3)).unwrap();
}

#[test]
fn a_no_stands_until_it_expires_also_where_it_is_not_shown_again() {
    let (verifier, chain, arguments) = (verifier_by(ana()), two_humans(), amount(5));
    let request = ask(&chain, "pay", &arguments);
    let yes = [20, 21].map(|approver| approve(&key(approver), &request, &ApprovalGrant::new().ttl(3600), &mut SysRng, at(2)).unwrap());
    let no = denied_by(22, &request, at(2));
    let call = Call::new("pay", &arguments);
    let all = [yes[0].encode(), no.encode(), yes[1].encode()];
    refused(call_with(&verifier, &chain, &call, &all, at(3)), Code::ApprovalDenied, None);
    let two = [yes[0].encode(), yes[1].encode()];
    refused(call_with(&verifier, &chain, &call, &two, at(4)), Code::ApprovalDenied, None);
    refused(call_with(&verifier, &chain, &call, &two, at(301)), Code::ApprovalDenied, None);
    call_with(&verifier, &chain, &call, &two, at(302)).unwrap();
}

#[test]
fn an_approval_that_was_taken_back_or_whose_key_was_revoked_does_not_count() {
    let (verifier, chain, arguments) = (verifier_by(ana()), two_humans(), amount(5));
    let request = ask(&chain, "pay", &arguments);
    let [one, two, three] = [20, 21, 22].map(|approver| approved_by(approver, &request, at(2)));
    let call = Call::new("pay", &arguments);
    verifier.revoke(&Revocable::Approval(key(20).verifying_key(), one.id()), at(3)).unwrap();
    refused(call_with(&verifier, &chain, &call, &[one.encode(), two.encode()], at(3)), Code::ApprovalWithdrawn, None);
    verifier.revoke(&Revocable::Key(key(21).verifying_key()), at(3)).unwrap();
    refused(call_with(&verifier, &chain, &call, &[two.encode(), three.encode()], at(3)), Code::KeyRevoked, None);
    let afresh = approved_by(20, &request, at(4));
    call_with(&verifier, &chain, &call, &[afresh.encode(), three.encode()], at(4)).unwrap();
}

#[test]
fn an_approval_from_before_the_stores_memory_is_not_taken_for_unused() {
    let (chain, arguments) = (two_humans(), amount(5));
    let request = ask(&chain, "pay", &arguments);
    let both = [20, 21].map(|approver| approved_by(approver, &request, at(2)));
    let restarted = Verifier::new([ana()], AUDIENCE, MemoryStore::new(100, at(3)).unwrap()).unwrap();
    let result = call_with(&restarted, &chain, &Call::new("pay", &arguments), &[both[0].encode(), both[1].encode()], at(4));
    refused(result, Code::TokenPredatesStore, None);
}

#[test]
fn a_verifiers_policy_takes_unlisted_tools_for_destructive() {
    let approver = key(20);
    let policy = ApprovalPolicy::new(1, &[approver.verifying_key().clone()]).unwrap().harmless(["read"]).unwrap();
    let verifier = verifier_by(ana()).with_approvals(policy.clone());
    let (chain, arguments) = (root(&grant(2)), amount(5));
    let call = Call::new("pay", &arguments);
    read(&verifier, 2, &chain, at(2)).unwrap();
    refused(call_with(&verifier, &chain, &call, &[], at(2)), Code::ApprovalRequired, None);
    refused(call_with(&verifier, &chain, &call.hint(ToolHint::ReadOnly), &[], at(2)), Code::ApprovalRequired, None);
    let approval = approved_by(20, &ask(&chain, "pay", &arguments), at(2));
    call_with(&verifier, &chain, &call, &[approval.encode()], at(3)).unwrap();
    let trusting = verifier_by(ana()).with_approvals(policy.by_annotation());
    refused(call_with(&trusting, &chain, &call, &[], at(2)), Code::ApprovalRequired, None);
    refused(call_with(&trusting, &chain, &call.hint(ToolHint::Destructive), &[], at(2)), Code::ApprovalRequired, None);
    call_with(&trusting, &chain, &call.hint(ToolHint::ReadOnly), &[], at(2)).unwrap();
}

#[test]
fn a_denial_names_the_request_that_an_approver_is_asked() {
    let (verifier, chain, arguments) = (verifier_by(ana()), two_humans(), amount(5));
    let denied = call_with(&verifier, &chain, &Call::new("pay", &arguments), &[], at(2)).unwrap_err();
    let request = ask(&chain, "pay", &arguments);
    assert!(denied.error().context().unwrap().contains(&request.id().to_string()), "{denied}");
}

#[test]
fn impersonation_needs_the_principals_consent_to_this_holder_tool_and_audience() {
    let person = key(30);
    let verifier = verifier_by(ana().allow_impersonation()).with_principal("bo", person.verifying_key()).unwrap();
    let holder = key(2);
    let holder = holder.verifying_key();
    let tools = Tools::new().allow("read", ArgumentRules::new()).unwrap().allow("pay", ArgumentRules::new()).unwrap();
    let chain = root(&Grant::impersonating(holder, "desk", "bo", vec![AUDIENCE.into()]).tools(tools));
    let arguments = nothing();
    let call = Call::new("read", &arguments);
    refused(call_with(&verifier, &chain, &call, &[], at(2)), Code::ConsentMissing, None);
    let terms = ConsentGrant::new("bo", holder, "ana", AUDIENCE).tools(vec!["read".into()]);
    let signed = consent(&person, &terms, &mut SysRng, at(1)).unwrap();
    let forged = consent(&key(31), &terms, &mut SysRng, at(1)).unwrap();
    refused(call_with(&verifier, &chain, &call, &[forged.encode()], at(2)), Code::ConsentInvalid, None);
    refused(call_with(&verifier, &chain, &call, &[signed.encode(), signed.encode()], at(2)), Code::ConsentInvalid, None);
    refused(call_with(&verifier, &chain, &Call::new("pay", &arguments), &[signed.encode()], at(2)), Code::ConsentInvalid, None);
    refused(call_with(&verifier, &root(&grant(2)), &call, &[signed.encode()], at(2)), Code::ConsentInvalid, None);
    let unknown = verifier_by(ana().allow_impersonation());
    refused(call_with(&unknown, &chain, &call, &[signed.encode()], at(2)), Code::ConsentInvalid, None);
    let allowed = call_with(&verifier, &chain, &call, &[signed.encode()], at(2)).unwrap();
    assert!(allowed.record().to_json().contains(r#""consent":""#));
}

#[test]
fn a_verifier_that_knows_identities_names_holders_by_nothing_else() {
    let authority = key(40);
    let policy = |rule| {
        let policy = IdentityPolicy::new([IdentityAuthority::new("acme", authority.verifying_key()).unwrap()]).unwrap();
        verifier_by(ana()).with_identities(policy.with_rule(rule).unwrap())
    };
    let (chain, arguments) = (root(&grant(2).holder_name("the boss")), nothing());
    let call = Call::new("read", &arguments);
    let document = IdentityGrant::new("coder", key(2).verifying_key()).kind(IdentityKind::Agent);
    let document = issue_identity(&authority, "acme", &document, &mut SysRng, at(1)).unwrap();
    let strict = policy(IdentityRule::new(Hops::Leaf).kind(IdentityKind::Agent));
    refused(call_with(&strict, &chain, &call, &[], at(2)), Code::IdentityRequired, Some(0));
    let allowed = call_with(&strict, &chain, &call, &[&document], at(2)).unwrap();
    assert_eq!(allowed.caller(), "coder");
    assert!(!allowed.record().to_sentence().contains("boss"), "{}", allowed.record());
    refused(
        call_with(&policy(IdentityRule::new(Hops::Leaf).kind(IdentityKind::Human)), &chain, &call, &[&document], at(2)),
        Code::IdentityRefused,
        Some(0),
    );
    refused(call_with(&verifier_by(ana()), &chain, &call, &[&document], at(2)), Code::IdentityUntrusted, None);
    let named = call_with(&verifier_by(ana()), &chain, &call, &[], at(2)).unwrap();
    assert_eq!(named.caller(), "the boss");
    let policy = IdentityPolicy::new([IdentityAuthority::new("acme", authority.verifying_key()).unwrap()]).unwrap();
    let nameless = call_with(&verifier_by(ana()).with_identities(policy), &chain, &call, &[], at(2)).unwrap();
    assert_eq!(nameless.caller(), key(2).verifying_key().did_key());
}
