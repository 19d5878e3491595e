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
