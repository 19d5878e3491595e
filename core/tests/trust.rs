//! The trust state: revocation lists, suspended agents, epochs and rotated keys. What must be refused, and what must go on.

use std::sync::{Arc, Mutex};

use deputize::os::SysRng;
use deputize::*;

const START: u64 = 1_764_000_000_000;
const HOUR: u64 = 3600;

fn at(seconds: u64) -> Now {
    Now::from_millis(START + seconds * 1000).unwrap()
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_secs(START / 1000 + seconds).unwrap()
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn public(n: u8) -> VerifyingKey {
    key(n).verifying_key().clone()
}

fn token(n: u32) -> TokenId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    TokenId::from_bytes(id)
}

const SESSION: SessionId = SessionId::from_bytes([7; 16]);
const TASK: Digest = Digest::from_bytes([8; 32]);

/// The key of the authority `ana`.
const ANA: u8 = 1;
/// The key of the authority `ops`, for every issuer.
const OPS: u8 = 2;

fn ana() -> TrustState {
    TrustState::new([Authority::new("ana", &public(ANA)).unwrap()]).unwrap()
}

fn list(sequence: u64) -> RevocationList {
    RevocationList::full(sequence)
}

fn signed(list: RevocationList) -> Vec<u8> {
    list.sign(&key(ANA), "ana", HOUR, at(0)).unwrap()
}

fn apply(state: &TrustState, list: RevocationList) -> Result<Update> {
    state.apply_list(&signed(list), at(0))
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.unwrap_err().code()
}

/// A chain of ana's: its tokens and its holders, root first.
#[derive(Clone)]
struct Chain {
    tokens: Vec<TokenId>,
    holders: Vec<VerifyingKey>,
    issuer: &'static str,
    issuer_key: VerifyingKey,
    issued: Timestamp,
}

impl Chain {
    fn new(first: u32, holders: &[u8]) -> Self {
        Chain {
            tokens: (0..holders.len() as u32).map(|n| token(first + n)).collect(),
            holders: holders.iter().map(|n| public(*n)).collect(),
            issuer: "ana",
            issuer_key: public(ANA),
            issued: time(0),
        }
    }

    fn judged(&self, state: &TrustState, now: Now) -> Result<()> {
        let facts =
            ChainFacts { issuer: self.issuer, issuer_key: &self.issuer_key, issued: self.issued, session: &SESSION, task: Some(&TASK) };
        let links = self.tokens.iter().zip(&self.holders).enumerate();
        let links = links.map(|(position, (token, holder))| LinkFacts { position, token, holder });
        let upwards: Vec<LinkFacts<'_>> = links.clone().rev().collect();
        let judged = state.judge(&facts, links, now);
        assert_eq!(judged, state.judge(&facts, upwards, now), "the order of the links does not matter");
        judged
    }

    fn refused(&self, state: &TrustState) -> (Code, Option<usize>) {
        let error = self.judged(state, at(1)).unwrap_err();
        (error.code(), error.link())
    }
}

fn chain() -> Chain {
    Chain::new(100, &[11, 12, 13])
}

// Lists.

#[test]
fn rev_01_a_sequence_goes_only_up() {
    let state = ana();
    let seventh = signed(list(7).revoke([Target::Token(token(1))]));
    assert_eq!(state.apply_list(&seventh, at(0)), Ok(Update::Accepted));
    assert_eq!(code(apply(&state, list(6))), Code::RevocationRollback);
    let other = signed(list(7).revoke([Target::Token(token(2))]));
    assert_eq!(code(state.apply_list(&other, at(0))), Code::RevocationEquivocation);
    assert_eq!(code(state.apply_list(&other, at(0))), Code::RevocationEquivocation);
    assert_eq!(state.apply_list(&seventh, at(0)), Ok(Update::Unchanged));
    let evidence = state.evidence();
    assert_eq!(evidence.len(), 1);
    assert_eq!((evidence[0].code, &*evidence[0].about), (Code::RevocationEquivocation, "ana"));
    assert!(seventh.starts_with(&evidence[0].first) && other.starts_with(&evidence[0].second));
    assert_eq!(Chain::new(1, &[11]).refused(&state), (Code::TokenRevoked, Some(0)));
    assert_eq!(Chain::new(2, &[11]).judged(&state, at(1)), Ok(()));
    assert_eq!(apply(&state, list(8)), Ok(Update::Accepted));
}

#[test]
fn rev_02_a_list_by_anyone_else_changes_nothing() {
    let everyone = || Authority::new("ops", &public(OPS)).unwrap().for_every_issuer();
    let state = TrustState::new([Authority::new("ana", &public(ANA)).unwrap(), everyone()]).unwrap();
    let by = |signer: u8, name: &str| state.apply_list(&list(9).sign(&key(signer), name, HOUR, at(0)).unwrap(), at(0));
    state.apply_list(&list(1).sign(&key(OPS), "ops", HOUR, at(0)).unwrap(), at(0)).unwrap();
    assert_eq!(code(by(99, "ana")), Code::SignatureInvalid);
    assert_eq!(code(by(11, "ana")), Code::SignatureInvalid);
    assert_eq!(code(by(OPS, "ana")), Code::SignatureInvalid);
    assert_eq!(code(by(ANA, "bob")), Code::RevocationUntrusted);
    assert_eq!(state.held("ana"), None);
    let revoked = RevocationList::change(1, 2).revoke([Target::Key(public(ANA))]).sign(&key(OPS), "ops", HOUR, at(0)).unwrap();
    state.apply_list(&revoked, at(0)).unwrap();
    assert_eq!(code(by(ANA, "ana")), Code::KeyRevoked);
    assert_eq!(state.held("ana"), None);
    let lifted = list(3).sign(&key(OPS), "ops", HOUR, at(0)).unwrap();
    state.apply_list(&lifted, at(0)).unwrap();
    assert_eq!(by(ANA, "ana"), Ok(Update::Accepted));
}

#[test]
fn rev_05_without_a_fresh_list_nothing_of_this_issuer_is_allowed() {
    let state = ana();
    assert_eq!(chain().refused(&state), (Code::RevocationStale, Some(0)));
    assert_eq!(code(state.judge_key("ana", &public(50), at(0))), Code::RevocationStale);
    assert_eq!(code(state.judge_approval("ana", &token(5), at(0))), Code::RevocationStale);
    apply(&state, list(1)).unwrap();
    let last = Now::from_millis(START + HOUR * 1000 - 1).unwrap();
    assert_eq!(chain().judged(&state, last), Ok(()));
    for later in [HOUR, 24 * HOUR] {
        assert_eq!(code(chain().judged(&state, at(later))), Code::RevocationStale);
        assert_eq!(code(state.judge_key("ana", &public(50), at(later))), Code::RevocationStale);
        assert_eq!(code(state.judge_approval("ana", &token(5), at(later))), Code::RevocationStale);
    }
    let mut other = chain();
    other.issuer = "bob";
    assert_eq!(other.refused(&state), (Code::RevocationStale, Some(0)));
}

#[test]
fn who_allows_stale_lists_by_name_is_judged_by_the_last_one() {
    let state = TrustState::new([Authority::new("ana", &public(ANA)).unwrap().danger_allow_stale()]).unwrap();
    assert_eq!(chain().judged(&state, at(0)), Ok(()));
    apply(&state, list(1).revoke([Target::Token(token(100))])).unwrap();
    assert_eq!(code(chain().judged(&state, at(24 * HOUR))), Code::TokenRevoked);
    assert_eq!(Chain::new(200, &[11]).judged(&state, at(24 * HOUR)), Ok(()));
}

#[test]
fn rev_08_every_descendant_is_refused_and_no_sibling() {
    let sibling = Chain::new(200, &[21, 22, 23]);
    for (target, refused) in [
        (Target::Token(token(100)), (Code::TokenRevoked, Some(0))),
        (Target::Token(token(101)), (Code::TokenRevoked, Some(1))),
        (Target::Token(token(102)), (Code::TokenRevoked, Some(2))),
        (Target::Key(public(11)), (Code::KeyRevoked, Some(0))),
        (Target::Key(public(12)), (Code::KeyRevoked, Some(1))),
        (Target::Key(public(13)), (Code::KeyRevoked, Some(2))),
    ] {
        let state = ana();
        apply(&state, list(1)).unwrap();
        assert_eq!(chain().judged(&state, at(1)), Ok(()));
        apply(&state, RevocationList::change(1, 2).revoke([target.clone()])).unwrap();
        assert_eq!(chain().refused(&state), refused, "{target}");
        assert_eq!(sibling.judged(&state, at(1)), Ok(()), "{target}");
        let full = ana();
        apply(&full, list(2).revoke([target.clone()])).unwrap();
        assert_eq!(chain().refused(&full), refused, "{target}");
    }
    for (target, refused) in [
        (Target::Session(SESSION), Code::SessionClosed),
        (Target::Task(TASK), Code::TaskClosed),
        (Target::Key(public(ANA)), Code::KeyRevoked),
    ] {
        let state = ana();
        apply(&state, list(1).revoke([target])).unwrap();
        assert_eq!(chain().refused(&state), (refused, Some(0)));
    }
    let state = ana();
    apply(&state, list(1).revoke([Target::Key(public(50)), Target::Approval(token(5))])).unwrap();
    assert_eq!(code(state.judge_key("ana", &public(50), at(1))), Code::KeyRevoked);
    assert_eq!(state.judge_key("ana", &public(51), at(1)), Ok(()));
    assert_eq!(code(state.judge_approval("ana", &token(5), at(1))), Code::ApprovalWithdrawn);
    assert_eq!(state.judge_approval("ana", &token(6), at(1)), Ok(()));
    // The id of an approval is no id of a token.
    assert_eq!(Chain::new(5, &[11]).judged(&state, at(1)), Ok(()));
}

#[test]
fn the_token_nearest_to_the_root_gives_the_error() {
    let state = ana();
    apply(&state, list(1).revoke([Target::Token(token(102)), Target::Key(public(12))])).unwrap();
    assert_eq!(chain().refused(&state), (Code::KeyRevoked, Some(1)));
}

#[test]
fn of_a_thousand_agents_one_is_revoked_and_nobody_else_notices() {
    let keys: Vec<SigningKey> = (0..1000u32)
        .map(|n| {
            let mut seed = [1; 32];
            seed[..4].copy_from_slice(&n.to_be_bytes());
            SigningKey::from_seed(&seed).unwrap()
        })
        .collect();
    let state = ana();
    apply(&state, list(1)).unwrap();
    let chain_of = |n: usize| {
        // Each agent has delegated to one below it.
        let mut chain = Chain::new(10_000 + 2 * n as u32, &[11, 12]);
        chain.holders = vec![keys[n].verifying_key().clone(), public(12)];
        chain
    };
    apply(&state, RevocationList::change(1, 2).revoke([Target::Key(keys[417].verifying_key().clone())])).unwrap();
    let refused: Vec<usize> = (0..1000).filter(|n| chain_of(*n).judged(&state, at(1)).is_err()).collect();
    assert_eq!(refused, [417]);
    assert_eq!(chain_of(417).refused(&state), (Code::KeyRevoked, Some(0)));
}

#[test]
fn rev_09_an_id_has_one_spelling() {
    let state = ana();
    apply(&state, list(1).revoke([Target::from_text(&format!("token:{}", token(100))).unwrap()])).unwrap();
    assert_eq!(chain().refused(&state), (Code::TokenRevoked, Some(0)));
    let hex = TokenId::from_bytes([0xab; 16]).to_string();
    for text in [hex.to_uppercase(), hex[..16].to_owned(), "q6urq6urq6urq6urq6urqw".to_owned(), format!("0x{hex}"), format!("{hex}\n")] {
        assert_eq!(code(Target::from_text(&format!("token:{text}"))), Code::Malformed, "{text}");
        assert_eq!(code(Target::from_text(&text)), Code::Malformed, "{text}");
    }
}

#[test]
fn rev_10_ids_that_share_their_first_bytes_are_two() {
    let id = |last: u8| {
        let mut id = [9; 16];
        id[15] = last;
        TokenId::from_bytes(id)
    };
    let state = ana();
    apply(&state, list(1).revoke([Target::Token(id(1)), Target::Token(id(2))])).unwrap();
    let of = |id: TokenId| Chain { tokens: vec![id], ..Chain::new(1, &[11]) };
    assert_eq!(of(id(1)).refused(&state), (Code::TokenRevoked, Some(0)));
    assert_eq!(of(id(2)).refused(&state), (Code::TokenRevoked, Some(0)));
    assert_eq!(of(id(3)).judged(&state, at(1)), Ok(()));
}

#[test]
fn rev_10_a_million_ids_in_a_row_are_loaded_and_looked_up_fast() {
    let bytes = signed(list(1).revoke((0..1_000_000).map(|n| Target::Token(token(n)))));
    let state = ana();
    let started = std::time::Instant::now();
    state.apply_list(&bytes, at(0)).unwrap();
    assert!(started.elapsed().as_secs() < 10);
    let started = std::time::Instant::now();
    for n in (0..1_000_000).step_by(1000) {
        assert_eq!(Chain::new(n, &[11]).refused(&state), (Code::TokenRevoked, Some(0)));
        assert_eq!(Chain::new(1_000_000 + n, &[11]).judged(&state, at(1)), Ok(()));
    }
    // A thousandth of a second for each of the look-ups, of which there are a few thousand.
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn every_prefix_and_every_flipped_bit_is_refused_and_changes_nothing() {
    let state = ana();
    let keys = [public(30)];
    let bytes = signed(list(2).epoch(time(0)).revoke([Target::Token(token(1)), Target::Key(public(12))]).suspend(&keys));
    for end in 0..bytes.len() {
        let refused = code(state.apply_list(&bytes[..end], at(0)));
        assert!(matches!(refused, Code::RevocationIncomplete | Code::Malformed), "{refused:?} at {end}");
    }
    for (at_byte, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = bytes.clone();
        changed[at_byte] ^= 1 << bit;
        assert!(state.apply_list(&changed, at(0)).is_err(), "byte {at_byte}, bit {bit}");
    }
    for tail in [vec![0], vec![0x40], bytes.clone()] {
        assert_eq!(code(state.apply_list(&[bytes.clone(), tail].concat(), at(0))), Code::Malformed);
    }
    assert_eq!((state.held("ana"), state.evidence().len()), (None, 0));
    assert_eq!(state.apply_list(&bytes, at(0)), Ok(Update::Accepted));
}

#[test]
fn rev_12_random_and_mutated_bytes_are_refused_without_a_panic() {
    let state = ana();
    let bytes = signed(list(2).revoke((0..50).map(|n| Target::Token(token(n)))));
    let mut random = 1u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for _ in 0..20_000 {
        let mut changed = bytes.clone();
        for _ in 0..1 + next() % 8 {
            match next() % 3 {
                0 => changed.truncate(next() % (changed.len() + 1)),
                1 => changed.insert(next() % (changed.len() + 1), next() as u8),
                _ => {
                    let length = changed.len().max(1);
                    if let Some(byte) = changed.get_mut(next() % length) {
                        *byte = byte.wrapping_add(1 + (next() % 255) as u8);
                    }
                }
            }
        }
        if changed != bytes {
            assert!(state.apply_list(&changed, at(0)).is_err(), "{changed:x?}");
        }
        let rubbish: Vec<u8> = (0..next() % 300).map(|_| next() as u8).collect();
        assert!(state.apply_list(&rubbish, at(0)).is_err());
    }
    assert_eq!(state.held("ana"), None);
}

#[test]
fn rev_13_what_declares_more_than_it_may_is_refused_before_it_is_there() {
    let state = ana();
    let good = signed(list(1).revoke([Target::Token(token(1))]));
    let head_end = good.len() - (1 + 1 + 2 + 16);
    // Of a part that says it has 4 GiB, and of one that has a byte too many.
    for (start, refused) in [
        (&[0x5b, 0, 0, 0, 1, 0, 0, 0, 0][..], Code::TooLarge),
        (&[0x5a, 0, 0x10, 0, 1], Code::TooLarge),
        (&[0x5a, 0, 0, 0, 1], Code::NotCanonical),
        (&[0x5f], Code::NotCanonical),
        (&[0x80], Code::Malformed),
    ] {
        let mut bytes = good[..head_end].to_vec();
        bytes.extend(start);
        assert_eq!(code(state.apply_list(&bytes, at(0))), refused, "{start:x?}");
    }
    let mut head = good[..40].to_vec();
    assert_eq!(head[..2], [0xd2, 0x84]);
    let protected = 4 + usize::from(head[3]);
    head = good[..=protected].to_vec();
    head.extend([0x5a, 0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(code(state.apply_list(&head, at(0))), Code::TooLarge);
    assert_eq!(code(state.apply_list(&vec![0xd2; 1 << 20], at(0))), Code::Malformed);
}

#[test]
fn chunks_of_any_size_give_the_same_answer() {
    let good = signed(list(3).revoke((0..200).map(|n| Target::Token(token(n)))).suspend(&[public(30)]));
    let mut wrong_kind = good.clone();
    wrong_kind[30] ^= 1;
    let cut = &good[..good.len() - 1];
    let long = [&good[..], &[0]].concat();
    for (bytes, expected) in [
        (&good[..], None),
        (cut, Some(Code::RevocationIncomplete)),
        (&long, Some(Code::Malformed)),
        (&wrong_kind, Some(Code::KindMismatch)),
        (&[], Some(Code::RevocationIncomplete)),
    ] {
        for size in [1, 2, 3, 7, 64, 1000, 1 << 20] {
            let state = ana();
            let mut loader = state.loader(at(0));
            let pushed = bytes.chunks(size).try_for_each(|chunk| loader.push(chunk));
            assert_eq!(state.held("ana"), None, "nothing before the end");
            let result = pushed.and_then(|()| loader.finish(at(0)).map(drop));
            assert_eq!(result.err().map(|error| error.code()), expected, "chunks of {size}");
        }
    }
}

#[test]
fn a_loader_that_failed_stays_failed_and_one_that_is_dropped_changes_nothing() {
    let state = ana();
    let good = signed(list(1).revoke([Target::Token(token(1))]));
    let mut loader = state.loader(at(0));
    assert_eq!(code(loader.push(&[&good[..], &[0]].concat())), Code::Malformed);
    assert_eq!(code(loader.push(&[])), Code::Malformed);
    assert_eq!(code(loader.push(&good)), Code::Malformed);
    assert_eq!(code(loader.finish(at(0))), Code::Malformed);
    let mut loader = state.loader(at(0));
    loader.push(&good).unwrap();
    drop(loader);
    assert_eq!(state.held("ana"), None);
}

#[test]
fn rev_14_of_two_that_load_at_once_the_higher_sequence_stays() {
    for round in 0..1000 {
        let state = Arc::new(ana());
        let lists = [signed(list(5)), signed(list(10))];
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for bytes in &lists {
                scope.spawn(|| {
                    let mut loader = state.loader(at(0));
                    loader.push(bytes).unwrap();
                    barrier.wait();
                    match loader.finish(at(0)) {
                        Ok(update) => assert_eq!(update, Update::Accepted),
                        Err(error) => assert_eq!(error.code(), Code::RevocationRollback),
                    }
                });
            }
        });
        assert_eq!(state.held("ana").unwrap().sequence, 10, "round {round}");
    }
}

/// Whether a list that names its own number is what is held: the token of that number is revoked.
fn names_itself(state: &TrustState) -> bool {
    let sequence = state.held("ana").map_or(0, |held| held.sequence as u32);
    let link = LinkFacts { position: 0, token: &token(sequence), holder: &public(50) };
    let facts = ChainFacts { issuer: "ana", issuer_key: &public(9), issued: time(0), session: &SessionId::from_bytes([1; 16]), task: None };
    sequence == 0 || code(state.judge(&facts, [link], at(0))) == Code::TokenRevoked
}

/// What is done under the lock is one step, so these are all the orders that two full lists and a change can come in.
#[test]
fn rev_14_in_every_order_of_the_steps_of_three_loaders_the_state_moves_only_forward() {
    let own = |list: RevocationList, sequence| signed(list.revoke([Target::Token(token(sequence))]));
    let lists = [own(list(5), 5), own(list(10), 10), own(RevocationList::change(5, 12), 12)];
    let orders = orders(&mut Vec::new(), [3; 3]);
    assert_eq!(orders.len(), 1680);
    let (mut with_change, mut without) = (0, 0);
    for order in orders {
        let state = ana();
        let mut loaders: [_; 3] = std::array::from_fn(|of| (Some(state.loader(at(0))), lists[of].chunks(lists[of].len() - 10)));
        let mut held = 0;
        for of in order {
            let (loader, chunks) = &mut loaders[of];
            match chunks.next() {
                Some(chunk) => drop(loader.as_mut().unwrap().push(chunk)),
                None => {
                    let finished = loader.take().unwrap().finish(at(0));
                    let is_refused = |error: &Error| [Code::RevocationRollback, Code::RevocationGap].contains(&error.code());
                    assert!(finished.as_ref().is_ok_and(|update| *update == Update::Accepted) || finished.is_err_and(|e| is_refused(&e)));
                }
            }
            let now = state.held("ana").map_or(0, |held| held.sequence);
            assert!(now >= held && names_itself(&state));
            held = now;
        }
        *match held {
            10 => &mut without,
            12 => &mut with_change,
            other => panic!("{other} is held"),
        } += 1;
    }
    assert!(with_change > 0 && without > 0, "{with_change} {without}");
}

/// Every order of so many steps of each.
fn orders(before: &mut Vec<usize>, left: [usize; 3]) -> Vec<Vec<usize>> {
    if left == [0; 3] {
        return vec![before.clone()];
    }
    let mut all = Vec::new();
    for of in (0..3).filter(|of| left[*of] > 0) {
        let mut left = left;
        left[of] -= 1;
        before.push(of);
        all.extend(orders(before, left));
        before.pop();
    }
    all
}

#[test]
fn rev_14_readers_see_the_sequence_go_up_while_updaters_race() {
    let lists: Vec<Vec<u8>> = (1..=200).map(|sequence| signed(list(sequence))).collect();
    let state = ana();
    let running = std::sync::atomic::AtomicUsize::new(4);
    std::thread::scope(|scope| {
        for updater in 0..4usize {
            let (lists, state, running) = (&lists, &state, &running);
            scope.spawn(move || {
                // Each takes them in another order: 200 and these steps have no common divisor.
                for turn in 0..lists.len() {
                    let _ = state.apply_list(&lists[(turn * [1, 199, 7, 193][updater] + updater) % lists.len()], at(0));
                }
                running.fetch_sub(1, std::sync::atomic::Ordering::Release);
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 0;
                while running.load(std::sync::atomic::Ordering::Acquire) > 0 {
                    let now = state.held("ana").map_or(0, |held| held.sequence);
                    assert!(now >= seen, "{now} after {seen}");
                    seen = now;
                }
            });
        }
    });
    assert_eq!(state.held("ana").unwrap().sequence, 200);
}

#[test]
fn a_list_that_was_passed_while_it_was_loaded_is_too_old() {
    let state = ana();
    let (fifth, tenth) = (signed(list(5)), signed(list(10)));
    let (mut one, mut two) = (state.loader(at(0)), state.loader(at(0)));
    one.push(&fifth).unwrap();
    two.push(&tenth).unwrap();
    assert_eq!(two.finish(at(0)), Ok(Update::Accepted));
    assert_eq!(code(one.finish(at(0))), Code::RevocationRollback);
    assert_eq!(state.held("ana").unwrap().sequence, 10);
    // The key is judged again at the end.
    let mut late = state.loader(at(0));
    late.push(&signed(list(20))).unwrap();
    apply(&state, list(11).revoke([Target::Key(public(ANA))])).unwrap();
    assert_eq!(code(late.finish(at(0))), Code::KeyRevoked);
}

#[test]
fn a_change_follows_exactly_the_list_that_is_held() {
    let state = ana();
    let change = |base, sequence| RevocationList::change(base, sequence).revoke([Target::Token(token(sequence as u32))]);
    assert_eq!(code(apply(&state, change(1, 2))), Code::RevocationGap);
    apply(&state, list(1)).unwrap();
    assert_eq!(code(apply(&state, change(2, 3))), Code::RevocationGap);
    apply(&state, change(1, 5)).unwrap();
    assert_eq!(code(apply(&state, change(1, 6))), Code::RevocationGap);
    assert_eq!(code(apply(&state, change(1, 4))), Code::RevocationRollback);
    apply(&state, change(5, 6)).unwrap();
    for revoked in [5, 6] {
        assert_eq!(Chain::new(revoked, &[11]).refused(&state).0, Code::TokenRevoked);
    }
    assert_eq!(state.held("ana").unwrap().sequence, 6);
    // A full list stands instead of all before, also of what it does not name any longer.
    apply(&state, list(7)).unwrap();
    assert_eq!(Chain::new(5, &[11]).judged(&state, at(1)), Ok(()));
    assert_eq!(code(apply(&state, change(6, 8))), Code::RevocationGap);
}

#[test]
fn the_number_of_changes_to_one_list_is_bounded() {
    let state = ana();
    apply(&state, list(1)).unwrap();
    for sequence in 2..=u64::from(limits::MAX_CHANGES) + 1 {
        apply(&state, RevocationList::change(sequence - 1, sequence)).unwrap();
    }
    let last = u64::from(limits::MAX_CHANGES) + 1;
    assert_eq!(code(apply(&state, RevocationList::change(last, last + 1))), Code::TooMany);
    assert_eq!(apply(&state, list(last + 1)), Ok(Update::Accepted));
}

#[test]
fn a_list_below_the_number_that_is_known_from_elsewhere_is_too_old() {
    let state = TrustState::new([Authority::new("ana", &public(ANA)).unwrap().at_least(7)]).unwrap();
    assert_eq!(code(apply(&state, list(6))), Code::RevocationRollback);
    assert_eq!(apply(&state, list(7)), Ok(Update::Accepted));
}

#[test]
fn a_list_from_the_future_is_refused() {
    let state = ana();
    let sign = |seconds| list(1).sign(&key(ANA), "ana", HOUR, at(seconds)).unwrap();
    assert_eq!(code(state.apply_list(&sign(31), at(0))), Code::ClaimInvalid);
    assert_eq!(state.apply_list(&sign(30), at(0)), Ok(Update::Accepted));
}

#[test]
fn lists_that_break_a_rule_are_not_made() {
    let keys = [public(3)];
    let sign = |list: RevocationList, ttl| code(list.sign(&key(ANA), "ana", ttl, at(0)));
    assert_eq!(sign(list(0), HOUR), Code::ClaimInvalid);
    assert_eq!(sign(list(1 << 53), HOUR), Code::ClaimInvalid);
    assert_eq!(sign(RevocationList::change(0, 1), HOUR), Code::ClaimInvalid);
    assert_eq!(sign(RevocationList::change(2, 2), HOUR), Code::ClaimInvalid);
    assert_eq!(sign(list(1), 0), Code::ClaimInvalid);
    assert_eq!(sign(list(1), limits::MAX_LIST_LIFETIME + 1), Code::ClaimInvalid);
    assert_eq!(sign(list(1), u64::MAX), Code::ClaimInvalid);
    assert_eq!(sign(list(1).activate(&keys), HOUR), Code::ClaimInvalid);
    assert_eq!(sign(RevocationList::change(1, 2).activate(&keys).suspend(&keys), HOUR), Code::ClaimInvalid);
    assert_eq!(sign(RevocationList::change(1, 2).activate(&keys).revoke([Target::Key(public(3))]), HOUR), Code::ClaimInvalid);
    assert_eq!(code(list(1).sign(&key(ANA), "a\nb", HOUR, at(0))), Code::NameInvalid);
    assert!(list((1 << 53) - 1).sign(&key(ANA), "ana", limits::MAX_LIST_LIFETIME, at(0)).is_ok());
}

#[test]
fn a_list_has_one_encoding() {
    let targets = || [Target::Token(token(3)), Target::Key(public(9)), Target::Token(token(1))];
    let mut backwards = targets().to_vec();
    backwards.reverse();
    let twice = targets().into_iter().chain(targets());
    assert_eq!(signed(list(1).revoke(targets())), signed(list(1).revoke(backwards)));
    assert_eq!(signed(list(1).revoke(targets())), signed(list(1).revoke(twice)));
}

// States of agents, epochs, scopes.

#[test]
fn an_agent_is_pending_active_suspended_active_again_and_revoked() {
    let state = ana();
    let agent = [public(12)];
    let refused = || chain().judged(&state, at(1)).map_err(|error| (error.code(), error.link()));
    apply(&state, list(1).pending(&agent)).unwrap();
    assert_eq!(refused(), Err((Code::AgentPending, Some(1))));
    assert_eq!(code(state.judge_key("ana", &agent[0], at(1))), Code::AgentPending);
    apply(&state, RevocationList::change(1, 2).activate(&agent)).unwrap();
    assert_eq!(refused(), Ok(()));
    apply(&state, RevocationList::change(2, 3).suspend(&agent)).unwrap();
    assert_eq!(refused(), Err((Code::AgentSuspended, Some(1))));
    apply(&state, RevocationList::change(3, 4).activate(&agent)).unwrap();
    assert_eq!(refused(), Ok(()));
    apply(&state, RevocationList::change(4, 5).suspend(&agent).pending(&agent)).unwrap();
    assert_eq!(refused(), Err((Code::AgentSuspended, Some(1))));
    apply(&state, list(6)).unwrap();
    assert_eq!(refused(), Ok(()));
    apply(&state, RevocationList::change(6, 7).revoke([Target::Key(public(12))])).unwrap();
    // Nothing but a full list takes back a revocation.
    apply(&state, RevocationList::change(7, 8).activate(&agent)).unwrap();
    assert_eq!(refused(), Err((Code::KeyRevoked, Some(1))));
}

#[test]
fn roots_from_before_the_epoch_are_refused() {
    let state = ana();
    apply(&state, list(1).epoch(time(10))).unwrap();
    let issued = |seconds| Chain { issued: time(seconds), ..chain() }.judged(&state, at(20)).map_err(|error| (error.code(), error.link()));
    assert_eq!(issued(9), Err((Code::IssuedBeforeEpoch, Some(0))));
    assert_eq!(issued(10), Ok(()));
    apply(&state, RevocationList::change(1, 2).epoch(time(5))).unwrap();
    assert_eq!(issued(9), Err((Code::IssuedBeforeEpoch, Some(0))), "a change does not put it back");
    apply(&state, RevocationList::change(2, 3).epoch(time(11))).unwrap();
    assert_eq!(issued(10), Err((Code::IssuedBeforeEpoch, Some(0))));
    apply(&state, list(4)).unwrap();
    assert_eq!(issued(0), Ok(()));
}

#[test]
fn an_authority_has_no_say_about_other_issuers_unless_it_is_for_every_one() {
    let authorities = |everyone: bool| {
        let ops = Authority::new("ops", &public(OPS)).unwrap();
        let ops = if everyone { ops.for_every_issuer() } else { ops };
        TrustState::new([Authority::new("ana", &public(ANA)).unwrap(), ops]).unwrap()
    };
    let by_ops = list(1).revoke([Target::Token(token(100)), Target::Session(SESSION)]).epoch(time(5));
    let by_ops = by_ops.sign(&key(OPS), "ops", HOUR, at(0)).unwrap();
    let only_ana = authorities(false);
    apply(&only_ana, list(1)).unwrap();
    only_ana.apply_list(&by_ops, at(0)).unwrap();
    assert_eq!(chain().judged(&only_ana, at(1)), Ok(()));
    let both = authorities(true);
    apply(&both, list(1)).unwrap();
    assert_eq!(chain().refused(&both), (Code::RevocationStale, Some(0)), "both have to be fresh");
    both.apply_list(&by_ops, at(0)).unwrap();
    assert_eq!(chain().refused(&both).0, Code::IssuedBeforeEpoch);
}

#[test]
fn a_state_needs_authorities_of_different_names() {
    let ana = || Authority::new("ana", &public(ANA)).unwrap();
    assert_eq!(TrustState::new([]).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(TrustState::new([ana(), ana()]).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(code(Authority::new("", &public(ANA))), Code::NameInvalid);
}

// Rotations.

fn rotation(old: u8, new: u8, overlap: u64) -> Vec<u8> {
    rotate(&key(old), &key(new), overlap, None, &mut SysRng, at(0)).unwrap()
}

fn fresh() -> TrustState {
    let state = ana();
    apply(&state, list(1)).unwrap();
    state
}

#[test]
fn rot_02_both_keys_sign_the_same_rotation() {
    let state = fresh();
    let split = |bytes: &[u8]| {
        let length = 2 + usize::from(bytes[2]);
        assert_eq!((bytes[0], bytes[1]), (0x82, 0x58));
        (bytes[1..1 + length].to_vec(), bytes[1 + length..].to_vec())
    };
    let joined = |one: &[u8], two: &[u8]| [&[0x82], one, two].concat();
    let good = rotation(11, 12, 60);
    let (by_old, by_new) = split(&good);
    let (_, by_other) = split(&rotation(11, 13, 60));
    assert_eq!(code(state.apply_rotation(&joined(&by_old, &by_old), at(0))), Code::SignatureInvalid);
    assert_eq!(code(state.apply_rotation(&joined(&by_new, &by_new), at(0))), Code::SignatureInvalid);
    assert_eq!(code(state.apply_rotation(&joined(&by_new, &by_old), at(0))), Code::SignatureInvalid);
    assert_eq!(code(state.apply_rotation(&joined(&by_old, &by_other), at(0))), Code::RotationInvalid);
    assert_eq!(code(state.apply_rotation(&joined(&by_old, &[]), at(0))), Code::Malformed);
    let named = rotate(&key(ANA), &key(12), 60, Some("bob"), &mut SysRng, at(0)).unwrap();
    assert_eq!(code(state.apply_rotation(&named, at(0))), Code::RotationInvalid);
    assert_eq!(state.keys_of(&public(11), at(0)).len(), 1);
    assert_eq!(state.apply_rotation(&good, at(0)), Ok(Update::Accepted));
}

#[test]
fn every_prefix_and_every_flipped_bit_of_a_rotation_is_refused() {
    let state = fresh();
    let good = rotate(&key(11), &key(12), 60, Some("coder"), &mut SysRng, at(0)).unwrap();
    for end in 0..good.len() {
        assert_eq!(code(state.apply_rotation(&good[..end], at(0))), Code::Malformed, "{end}");
    }
    for (at_byte, bit) in (0..good.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = good.clone();
        changed[at_byte] ^= 1 << bit;
        assert!(state.apply_rotation(&changed, at(0)).is_err(), "byte {at_byte}, bit {bit}");
    }
    assert_eq!(code(state.apply_rotation(&[&good[..], &[0]].concat(), at(0))), Code::Malformed);
    assert_eq!(code(state.apply_rotation(&vec![0; limits::MAX_ROTATION + 1], at(0))), Code::TooLarge);
    assert_eq!(state.apply_rotation(&good, at(0)), Ok(Update::Accepted));
}

#[test]
fn rot_04_a_rotation_that_is_sent_again_changes_nothing() {
    let state = fresh();
    let bytes = rotation(11, 12, 60);
    assert_eq!(state.apply_rotation(&bytes, at(0)), Ok(Update::Accepted));
    for retry in 1..=10 {
        assert_eq!(state.apply_rotation(&bytes, at(retry)), Ok(Update::Unchanged));
    }
    // Signed afresh, for want of the bytes: the overlap does not grow.
    let again = rotate(&key(11), &key(12), 3600, None, &mut SysRng, at(30)).unwrap();
    assert_eq!(state.apply_rotation(&again, at(30)), Ok(Update::Unchanged));
    assert_eq!(state.apply_rotation(&bytes, at(3 * 24 * HOUR)), Ok(Update::Unchanged));
    let holder = |n: u8, seconds| Chain::new(1, &[n]).judged(&state, at(seconds)).map_err(|error| error.code());
    assert_eq!([holder(11, 59), holder(12, 59)], [Ok(()), Ok(())]);
    assert_eq!([holder(11, 60), holder(12, 60)], [Err(Code::KeyRetired), Ok(())]);
}

#[test]
fn the_overlap_counts_from_the_acceptance_whatever_the_rotation_says_of_its_time() {
    let state = fresh();
    let bytes = rotation(11, 12, 60);
    state.apply_rotation(&bytes, at(1000)).unwrap();
    let holder = |seconds| Chain::new(1, &[11]).judged(&state, at(seconds)).map_err(|error| error.code());
    assert_eq!(holder(1059), Ok(()));
    assert_eq!(holder(1060), Err(Code::KeyRetired));
}

#[test]
fn another_successor_of_one_key_is_refused_and_kept_as_evidence() {
    let state = fresh();
    let (first, second) = (rotation(11, 12, 60), rotation(11, 13, 60));
    state.apply_rotation(&first, at(0)).unwrap();
    assert_eq!(code(state.apply_rotation(&second, at(0))), Code::RotationEquivocation);
    assert_eq!(code(state.apply_rotation(&second, at(2 * 24 * HOUR))), Code::RotationEquivocation);
    let evidence = state.evidence();
    assert_eq!(evidence.len(), 1);
    assert_eq!((evidence[0].code, &evidence[0].about), (Code::RotationEquivocation, &public(11).did_key()));
    assert_eq!((&*evidence[0].first, &*evidence[0].second), (&*first, &*second));
    assert_eq!(state.keys_of(&public(11), at(0)).last().unwrap().key, public(12));
}

#[test]
fn rotations_that_cannot_be_are_refused() {
    let state = ana();
    state.apply_list(&list(1).sign(&key(ANA), "ana", 48 * HOUR, at(0)).unwrap(), at(0)).unwrap();
    let apply_at = |bytes: &[u8], seconds| state.apply_rotation(bytes, at(seconds)).map_err(|error| error.code());
    let signed_at = |seconds| rotate(&key(11), &key(12), 60, None, &mut SysRng, at(seconds)).unwrap();
    assert_eq!(apply_at(&signed_at(31), 0), Err(Code::RotationInvalid));
    assert_eq!(apply_at(&signed_at(0), 24 * HOUR + 1), Err(Code::RotationInvalid));
    assert_eq!(apply_at(&rotation(20, ANA, 60), 0), Err(Code::RotationInvalid), "an agent does not become an authority");
    assert_eq!(apply_at(&signed_at(0), 24 * HOUR), Ok(Update::Accepted));
    assert_eq!(apply_at(&rotation(12, 13, 60), 0), Ok(Update::Accepted), "and on");
    assert_eq!(apply_at(&rotation(13, 11, 60), 0), Err(Code::RotationInvalid), "a cycle");
    assert_eq!(apply_at(&rotation(21, 12, 60), 0), Err(Code::RotationInvalid), "two keys with one successor");
    assert_eq!(code(rotate(&key(5), &key(5), 60, None, &mut SysRng, at(0))), Code::RotationInvalid);
    assert_eq!(code(rotate(&key(5), &key(6), 24 * HOUR + 1, None, &mut SysRng, at(0))), Code::ClaimInvalid);
    assert_eq!(code(rotate(&key(5), &key(6), 1, Some(""), &mut SysRng, at(0))), Code::NameInvalid);
}

#[test]
fn who_is_revoked_suspended_or_pending_does_not_slip_away_to_another_key() {
    for (listed, refused) in [
        (list(1).revoke([Target::Key(public(11))]), Code::KeyRevoked),
        (list(1).suspend(&[public(11)]), Code::AgentSuspended),
        (list(1).pending(&[public(11)]), Code::AgentPending),
    ] {
        let state = ana();
        apply(&state, listed).unwrap();
        assert_eq!(code(state.apply_rotation(&rotation(11, 12, 60), at(0))), refused);
        assert_eq!(code(state.apply_rotation(&rotation(20, 11, 60), at(0))), refused, "nor does anyone become it");
    }
}

#[test]
fn a_revoked_key_does_not_rotate_where_the_list_that_revokes_it_is_kept_away() {
    let state = ana();
    assert_eq!(code(state.apply_rotation(&rotation(11, 12, 60), at(0))), Code::RevocationStale, "no list yet");
    let own = rotate(&key(ANA), &key(10), 60, Some("ana"), &mut SysRng, at(0)).unwrap();
    assert_eq!(state.apply_rotation(&own, at(0)), Ok(Update::Accepted), "without it, its lists could not be read");
    apply(&state, list(1)).unwrap();
    assert_eq!(code(state.apply_rotation(&rotation(11, 12, 60), at(HOUR))), Code::RevocationStale);
    assert_eq!(state.apply_rotation(&rotation(11, 12, 60), at(HOUR - 1)), Ok(Update::Accepted));
    assert_eq!(state.apply_rotation(&rotation(11, 12, 60), at(HOUR)), Ok(Update::Unchanged));
    let careless = TrustState::new([Authority::new("ana", &public(ANA)).unwrap().danger_allow_stale()]).unwrap();
    assert_eq!(careless.apply_rotation(&rotation(11, 12, 60), at(0)), Ok(Update::Accepted));
}

#[test]
fn another_authority_has_no_say_about_the_key_of_one() {
    let state = TrustState::new([("ana", ANA), ("bob", 3)].map(|(name, n)| Authority::new(name, &public(n)).unwrap())).unwrap();
    let by_bob = list(1).revoke([Target::Key(public(ANA)), Target::Key(public(20))]).sign(&key(3), "bob", HOUR, at(0)).unwrap();
    state.apply_list(&by_bob, at(0)).unwrap();
    assert_eq!(state.apply_rotation(&rotation(ANA, 10, 60), at(0)), Ok(Update::Accepted));
    assert_eq!(code(state.apply_rotation(&rotation(20, 21, 60), at(0))), Code::KeyRevoked);
}

#[test]
fn an_authority_that_rotated_signs_with_either_key_and_then_with_the_new_one() {
    let state = fresh();
    state.apply_rotation(&rotate(&key(ANA), &key(10), 60, Some("ana"), &mut SysRng, at(0)).unwrap(), at(0)).unwrap();
    let by = |signer: u8, sequence, seconds| {
        let bytes = list(sequence).sign(&key(signer), "ana", HOUR, at(seconds)).unwrap();
        state.apply_list(&bytes, at(seconds)).map_err(|error| error.code())
    };
    assert_eq!(by(ANA, 2, 59), Ok(Update::Accepted));
    assert_eq!(by(10, 3, 59), Ok(Update::Accepted));
    assert_eq!(by(ANA, 4, 60), Err(Code::KeyRetired));
    assert_eq!(by(10, 4, 60), Ok(Update::Accepted));
    let keys: Vec<(VerifyingKey, bool)> = state.keys_of(&public(ANA), at(60)).into_iter().map(|of| (of.key, of.retired)).collect();
    assert_eq!(keys, [(public(ANA), true), (public(10), false)]);
}

#[test]
fn of_a_long_succession_the_newest_keys_are_tried() {
    let state = fresh();
    for n in 20..40 {
        state.apply_rotation(&rotation(n, n + 1, 0), at(0)).unwrap();
    }
    let keys = state.keys_of(&public(20), at(0));
    assert_eq!(keys.len(), limits::MAX_KEYS_TRIED);
    assert_eq!(keys.last().map(|of| (of.key.clone(), of.retired)), Some((public(40), false)));
    assert!(keys.iter().rev().skip(1).all(|of| of.retired));
}

/// The cells of the table in revocation.md: what the old key 11 holds or signed, at an instant within the overlap and at one after it.
mod rot_05 {
    use super::*;

    /// The old key revoked, when, relative to the rotation.
    #[derive(Clone, Copy, PartialEq)]
    enum Revoked {
        Never,
        After,
    }

    fn state(rotated: bool, revoked: Revoked) -> TrustState {
        let state = fresh();
        if rotated {
            state.apply_rotation(&rotation(11, 12, 60), at(0)).unwrap();
            let anchor = rotate(&key(ANA), &key(10), 60, Some("ana"), &mut SysRng, at(0)).unwrap();
            state.apply_rotation(&anchor, at(0)).unwrap();
        }
        if revoked == Revoked::After {
            let keys = [Target::Key(public(11)), Target::Key(public(ANA))];
            let signer = key(if rotated { 10 } else { ANA });
            state.apply_list(&list(2).revoke(keys).sign(&signer, "ana", HOUR, at(0)).unwrap(), at(0)).unwrap();
        }
        state
    }

    /// Held by the key, issued by the old anchor, approved by the key.
    fn cells(state: &TrustState, key: u8, anchor: u8, seconds: u64) -> [Option<Code>; 3] {
        let held = Chain { issuer_key: public(anchor_of(anchor)), ..Chain::new(1, &[key]) };
        let issued = Chain { issuer_key: public(anchor), ..Chain::new(1, &[30]) };
        let error = |result: Result<()>| result.err().map(|error| error.code());
        [
            error(held.judged(state, at(seconds))),
            error(issued.judged(state, at(seconds))),
            error(state.judge_key("ana", &public(key), at(seconds))),
        ]
    }

    /// An anchor's key that nothing is said of, so that only the holder's counts.
    fn anchor_of(_: u8) -> u8 {
        10
    }

    #[test]
    fn before_a_rotation_the_old_key_is_good() {
        assert_eq!(cells(&state(false, Revoked::Never), 11, ANA, 1000), [None; 3]);
    }

    #[test]
    fn before_a_rotation_a_revoked_key_is_good_for_nothing() {
        assert_eq!(cells(&state(false, Revoked::After), 11, ANA, 1), [Some(Code::KeyRevoked); 3]);
    }

    #[test]
    fn within_the_overlap_both_keys_are_good() {
        let state = state(true, Revoked::Never);
        assert_eq!(cells(&state, 11, ANA, 59), [None; 3]);
        assert_eq!(cells(&state, 12, 10, 59), [None; 3]);
    }

    #[test]
    fn after_the_overlap_the_old_key_is_retired_and_the_new_one_good() {
        let state = state(true, Revoked::Never);
        assert_eq!(cells(&state, 11, ANA, 60), [Some(Code::KeyRetired); 3]);
        assert_eq!(cells(&state, 12, 10, 60), [None; 3]);
    }

    #[test]
    fn a_revocation_of_the_old_key_ends_the_overlap_at_once_and_leaves_the_new_key() {
        let state = state(true, Revoked::After);
        for seconds in [1, 59, 60, 1000] {
            assert_eq!(cells(&state, 11, ANA, seconds), [Some(Code::KeyRevoked); 3]);
            assert_eq!(cells(&state, 12, 10, seconds), [None; 3]);
        }
    }

    #[test]
    fn a_revoked_key_does_not_rotate_any_more() {
        let state = state(false, Revoked::After);
        assert_eq!(code(state.apply_rotation(&rotation(11, 12, 60), at(1))), Code::KeyRevoked);
    }
}

// Observers.

#[derive(Default, Clone)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl RevocationObserver for Log {
    fn revoked(&self, event: &Revocation<'_>) {
        self.add(format!("{} {:?} by {} {}", event.target, event.standing, event.authority, event.sequence));
    }

    fn revoked_more(&self, authority: &str, sequence: u64, count: u64) {
        self.add(format!("{count} more by {authority} {sequence}"));
    }

    fn denied(&self, event: &FirstDenial<'_>) {
        self.add(format!("{} used after {}", event.target, event.after));
    }
}

#[test]
fn an_observer_is_told_once_of_each_revocation_and_of_its_first_use() {
    let log = Log::default();
    let state = ana().with_observer(log.clone());
    let revoked = Target::Token(token(100));
    apply(&state, list(1).revoke([revoked.clone()])).unwrap();
    assert_eq!(log.take(), [format!("{revoked} Revoked by ana 1")]);
    assert_eq!(chain().judged(&state, at(2)).unwrap_err().code(), Code::TokenRevoked);
    assert_eq!(log.take(), [format!("{revoked} used after 2000")]);
    assert_eq!(chain().refused(&state).0, Code::TokenRevoked);
    apply(&state, list(1).revoke([revoked.clone()])).unwrap();
    apply(&state, list(2).revoke([revoked.clone()])).unwrap();
    apply(&state, RevocationList::change(2, 3).revoke([revoked])).unwrap();
    assert_eq!(chain().refused(&state).0, Code::TokenRevoked);
    assert_eq!(log.take(), [""; 0]);
    apply(&state, RevocationList::change(3, 4).suspend(&[public(21)]).pending(&[public(22)])).unwrap();
    assert_eq!(
        log.take(),
        [format!("key:{} Suspended by ana 4", public(21).did_key()), format!("key:{} Pending by ana 4", public(22).did_key())]
    );
}

#[test]
fn an_observer_is_told_nothing_of_a_list_that_is_refused() {
    let log = Log::default();
    let state = ana().with_observer(log.clone());
    let mut loader = state.loader(at(0));
    loader.push(&signed(list(1).revoke([Target::Token(token(1))]))).unwrap();
    apply(&state, list(2)).unwrap();
    assert!(loader.finish(at(0)).is_err());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn what_an_observer_is_told_of_one_list_is_bounded() {
    let log = Log::default();
    let state = ana().with_observer(log.clone());
    let count = limits::MAX_WATCHED as u32 + 10;
    apply(&state, list(1).revoke((0..count).map(|n| Target::Token(token(n))))).unwrap();
    let told = log.take();
    assert_eq!(told.len(), limits::MAX_WATCHED + 1);
    assert_eq!(told.last().unwrap(), "10 more by ana 1");
}

struct Panics;

impl RevocationObserver for Panics {
    fn revoked(&self, _: &Revocation<'_>) {
        panic!("a fault in an observer");
    }

    fn denied(&self, _: &FirstDenial<'_>) {
        panic!("a fault in an observer");
    }
}

#[test]
fn an_observer_that_panics_breaks_no_decision() {
    let state = ana().with_observer(Panics);
    assert_eq!(apply(&state, list(1).revoke([Target::Token(token(100))])), Ok(Update::Accepted));
    for _ in 0..3 {
        assert_eq!(chain().refused(&state), (Code::TokenRevoked, Some(0)));
    }
    assert_eq!(apply(&state, list(2)), Ok(Update::Accepted));
    assert_eq!(chain().judged(&state, at(1)), Ok(()));
}
