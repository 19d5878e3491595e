//! Messages between agents: each is taken once, in order, by the one it is for.

use deputize::os::SysRng;
use deputize::*;

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

fn session(n: u8) -> SessionId {
    SessionId::from_bytes([n; 16])
}

fn outbox(n: u8) -> Outbox {
    Outbox::new(key(n).verifying_key())
}

/// The inbox of bob, who knows the senders 1 and 2 and has room for two sessions of each.
fn inbox() -> Inbox {
    let mut inbox = Inbox::new("bob", 2, now()).unwrap();
    inbox.know(key(1).verifying_key()).unwrap();
    inbox.know(key(2).verifying_key()).unwrap();
    inbox
}

fn send(outbox: &mut Outbox, sender: u8, in_session: u8, payload: &[u8]) -> Vec<u8> {
    outbox.sign(&key(sender), &Outgoing::new(payload, "bob", session(in_session)), &mut SysRng, now()).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.unwrap_err().code()
}

#[test]
fn messages_of_a_session_are_received_in_their_order() {
    let (mut inbox, mut outbox) = (inbox(), outbox(1));
    let token = Digest::from_bytes([5; 32]);
    for sequence in 0..5 {
        let payload = [sequence as u8; 10];
        let outgoing = Outgoing::new(&payload, "bob", session(1)).token(token);
        let message = outbox.sign(&key(1), &outgoing, &mut SysRng, now()).unwrap();
        let received = inbox.receive(&message, &payload, Some(session(1)), now()).unwrap();
        assert_eq!((received.sequence(), received.session(), received.payload()), (sequence, session(1), &payload[..]));
        assert_eq!((received.sender(), received.token(), received.issued().secs()), (key(1).verifying_key(), Some(token), TIME));
    }
}

#[test]
fn a_message_is_received_once_and_none_before_its_turn() {
    let (mut inbox, mut outbox) = (inbox(), outbox(1));
    let messages: Vec<_> = (0..3).map(|_| send(&mut outbox, 1, 1, b"x")).collect();
    assert_eq!(code(inbox.receive(&messages[1], b"x", None, now())), Code::MessageOutOfOrder);
    inbox.receive(&messages[0], b"x", None, now()).unwrap();
    assert_eq!(code(inbox.receive(&messages[0], b"x", None, now())), Code::MessageReplayed);
    assert_eq!(code(inbox.receive(&messages[2], b"x", None, now())), Code::MessageOutOfOrder);
    inbox.receive(&messages[1], b"x", None, now()).unwrap();
    inbox.receive(&messages[2], b"x", None, now()).unwrap();
    for message in &messages {
        assert_eq!(code(inbox.receive(message, b"x", None, now())), Code::MessageReplayed);
    }
}

#[test]
fn a_message_that_was_refused_can_be_sent_again() {
    let (mut inbox, mut outbox) = (inbox(), outbox(1));
    let message = send(&mut outbox, 1, 1, b"payload");
    assert_eq!(code(inbox.receive(&message, b"payloae", None, now())), Code::MessageMismatch);
    assert_eq!(code(inbox.receive(&message, b"", None, now())), Code::MessageMismatch);
    assert_eq!(code(inbox.receive(&message, b"payload", Some(session(2)), now())), Code::MessageMismatch);
    inbox.receive(&message, b"payload", Some(session(1)), now()).unwrap();
}

#[test]
fn a_message_for_another_recipient_is_refused() {
    let mut outbox = outbox(1);
    for recipient in ["bo", "bobb", "Bob", "carol"] {
        let message = outbox.sign(&key(1), &Outgoing::new(b"x", recipient, session(1)), &mut SysRng, now()).unwrap();
        assert_eq!(code(inbox().receive(&message, b"x", None, now())), Code::MessageMismatch);
    }
}

#[test]
fn only_known_senders_are_heard() {
    let (mut inbox, mut outbox) = (inbox(), outbox(3));
    let message = send(&mut outbox, 3, 1, b"x");
    assert_eq!(code(inbox.receive(&message, b"x", None, now())), Code::SenderUnknown);
    inbox.know(key(3).verifying_key()).unwrap();
    inbox.receive(&message, b"x", None, now()).unwrap();
    inbox.forget(key(3).verifying_key());
    let next = send(&mut outbox, 3, 1, b"x");
    assert_eq!(code(inbox.receive(&next, b"x", None, now())), Code::SenderUnknown);
    inbox.know(key(3).verifying_key()).unwrap();
    assert_eq!(code(inbox.receive(&message, b"x", None, now())), Code::MessageReplayed);
    inbox.receive(&next, b"x", None, now()).unwrap();
}

#[test]
fn senders_and_sessions_count_by_themselves() {
    let mut inbox = inbox();
    let (mut one, mut two) = (outbox(1), outbox(2));
    let messages = [send(&mut one, 1, 1, b"a"), send(&mut two, 2, 1, b"b"), send(&mut one, 1, 2, b"c"), send(&mut one, 1, 1, b"d")];
    for (message, payload) in messages.iter().zip([b"a", b"b", b"c", b"d"]) {
        inbox.receive(message, payload, None, now()).unwrap();
    }
}

#[test]
fn a_message_lives_from_half_a_minute_before_it_was_signed_until_it_expires() {
    for (seconds, expected) in [
        (-31, Some(Code::MessageNotYetValid)),
        (-30, None),
        (59, None),
        (60, Some(Code::MessageExpired)),
        (1_000_000, Some(Code::MessageExpired)),
    ] {
        let mut inbox = Inbox::new("bob", 2, at(TIME - 100)).unwrap();
        inbox.know(key(1).verifying_key()).unwrap();
        let message = send(&mut outbox(1), 1, 1, b"x");
        let received = inbox.receive(&message, b"x", None, at(TIME.saturating_add_signed(seconds)));
        assert_eq!(received.err().map(|error| error.code()), expected, "{seconds}");
    }
    let mut outbox = outbox(1);
    let mut sign = |ttl| outbox.sign(&key(1), &Outgoing::new(b"x", "bob", session(1)).ttl(ttl), &mut SysRng, now());
    sign(1).unwrap();
    sign(3600).unwrap();
    for ttl in [0, 3601, u64::MAX] {
        assert_eq!(code(sign(ttl)), Code::ClaimInvalid);
    }
}

#[test]
fn time_does_not_run_backwards() {
    let mut inbox = inbox();
    let message = send(&mut outbox(1), 1, 1, b"x");
    assert_eq!(code(inbox.receive(&message, b"x", None, at(TIME + 60))), Code::MessageExpired);
    // A small step back counts as the latest time: what expired stays so.
    assert_eq!(code(inbox.receive(&message, b"x", None, at(TIME))), Code::MessageExpired);
    assert_eq!(code(inbox.receive(&message, b"x", None, at(TIME - 1))), Code::ClockBehind);
    assert_eq!(code(inbox.close(session(1), at(TIME - 1))), Code::ClockBehind);
}

#[test]
fn a_closed_session_is_refused_for_every_sender_for_thirty_days() {
    let mut inbox = inbox();
    let (mut one, mut two) = (outbox(1), outbox(2));
    inbox.receive(&send(&mut one, 1, 1, b"x"), b"x", None, now()).unwrap();
    inbox.close(session(1), now()).unwrap();
    assert_eq!(code(inbox.receive(&send(&mut one, 1, 1, b"x"), b"x", None, now())), Code::SessionClosed);
    assert_eq!(code(inbox.receive(&send(&mut two, 2, 1, b"x"), b"x", None, now())), Code::SessionClosed);
    inbox.receive(&send(&mut two, 2, 2, b"x"), b"x", None, now()).unwrap();
    let later = at(TIME + 30 * 86_400 - 1);
    let message = outbox(2).sign(&key(2), &Outgoing::new(b"x", "bob", session(1)), &mut SysRng, later).unwrap();
    assert_eq!(code(inbox.receive(&message, b"x", None, later)), Code::SessionClosed);
}

#[test]
fn a_full_inbox_refuses_new_sessions_and_forgets_none_whose_messages_live() {
    let mut inbox = inbox();
    let (mut one, mut two) = (outbox(1), outbox(2));
    let messages: Vec<_> = (1..=3).map(|n| send(&mut one, 1, n, b"x")).collect();
    inbox.receive(&messages[0], b"x", None, now()).unwrap();
    inbox.receive(&messages[1], b"x", None, now()).unwrap();
    assert_eq!(code(inbox.receive(&messages[2], b"x", None, now())), Code::StoreFull);
    assert_eq!(code(inbox.receive(&messages[0], b"x", None, at(TIME + 59))), Code::MessageReplayed);
    // One sender does not take another's room.
    let other = two.sign(&key(2), &Outgoing::new(b"x", "bob", session(1)), &mut SysRng, at(TIME + 59)).unwrap();
    inbox.receive(&other, b"x", None, at(TIME + 59)).unwrap();
    // A session goes on while there is no room for others.
    let second = one.sign(&key(1), &Outgoing::new(b"y", "bob", session(1)).ttl(100), &mut SysRng, at(TIME + 59)).unwrap();
    inbox.receive(&second, b"y", None, at(TIME + 59)).unwrap();
    // Of session 2 nothing can be received again: it makes room. Session 1 is remembered.
    let third = outbox(1).sign(&key(1), &Outgoing::new(b"z", "bob", session(3)), &mut SysRng, at(TIME + 60)).unwrap();
    inbox.receive(&third, b"z", None, at(TIME + 60)).unwrap();
    assert_eq!(code(inbox.receive(&second, b"y", None, at(TIME + 60))), Code::MessageReplayed);
}

#[test]
fn what_was_signed_before_the_inbox_began_is_refused() {
    let message = send(&mut outbox(1), 1, 1, b"x");
    let mut after = Inbox::new("bob", 2, at(TIME + 1)).unwrap();
    after.know(key(1).verifying_key()).unwrap();
    assert_eq!(code(after.receive(&message, b"x", None, at(TIME + 1))), Code::MessageReplayed);
}

#[test]
fn an_inbox_goes_on_after_a_restart_and_receives_nothing_again() {
    let (mut before, mut outbox) = (inbox(), outbox(1));
    let first = send(&mut outbox, 1, 1, b"x");
    before.receive(&first, b"x", None, at(TIME + 30)).unwrap();
    before.close(session(2), at(TIME + 30)).unwrap();
    let state = before.encode();
    let mut outbox = Outbox::decode(&outbox.encode()).unwrap();
    let second = send(&mut outbox, 1, 1, b"x");

    let mut after = Inbox::decode(&state, "bob", 2).unwrap();
    assert_eq!(after.encode(), state);
    assert_eq!(code(after.receive(&second, b"x", None, at(TIME + 30))), Code::SenderUnknown);
    after.know(key(1).verifying_key()).unwrap();
    assert_eq!(code(after.receive(&first, b"x", None, at(TIME + 30))), Code::MessageReplayed);
    after.receive(&second, b"x", None, at(TIME + 30)).unwrap();
    assert_eq!(code(after.receive(&send(&mut outbox, 1, 2, b"x"), b"x", None, at(TIME + 30))), Code::SessionClosed);
    // The clock that it has seen is part of its memory.
    assert_eq!(code(after.receive(&second, b"x", None, at(TIME - 31))), Code::ClockBehind);
}

#[test]
fn a_state_is_read_strictly() {
    let mut inbox = inbox();
    let mut outbox = outbox(1);
    inbox.receive(&send(&mut outbox, 1, 1, b"x"), b"x", None, now()).unwrap();
    inbox.receive(&send(&mut outbox, 1, 2, b"x"), b"x", None, now()).unwrap();
    inbox.close(session(3), now()).unwrap();
    let (state, sent) = (inbox.encode(), outbox.encode());
    for length in 0..state.len() {
        Inbox::decode(&state[..length], "bob", 2).unwrap_err();
    }
    for length in 0..sent.len() {
        Outbox::decode(&sent[..length]).unwrap_err();
    }
    assert_eq!(Outbox::decode(&sent).unwrap().encode(), sent);
    assert_eq!(code(Inbox::decode(&[&state[..], &[0]].concat(), "bob", 2)), Code::Malformed);
    assert_eq!(code(Inbox::decode(&state, "bo", 2)), Code::ConfigInvalid);
    assert_eq!(code(Inbox::decode(&state, "bob", 0)), Code::ConfigInvalid);
    let mut version = state.clone();
    version[1] = 2;
    assert_eq!(code(Inbox::decode(&version, "bob", 2)), Code::VersionUnsupported);
    let mut version = sent.clone();
    version[1] = 2;
    assert_eq!(code(Outbox::decode(&version)), Code::VersionUnsupported);
    // One session twice, with different numbers, is not one memory.
    let entry = |next: u8| [&[0x83, 0x50][..], &[1; 16], b"\x63bob", &[next]].concat();
    let head = [&[0x83, 0x01, 0x58, 0x20][..], key(1).verifying_key().as_bytes(), &[0x82]].concat();
    assert_eq!(code(Outbox::decode(&[head.clone(), entry(1), entry(2)].concat())), Code::ClaimInvalid);
    assert_eq!(code(Outbox::decode(&[head, entry(2), entry(1)].concat())), Code::ClaimInvalid);
}

#[test]
fn every_prefix_and_every_changed_bit_of_a_message_is_refused() {
    let mut inbox = inbox();
    let message = send(&mut outbox(1), 1, 1, b"x");
    for length in 0..message.len() {
        inbox.receive(&message[..length], b"x", None, now()).unwrap_err();
    }
    for bit in 0..message.len() * 8 {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        inbox.receive(&changed, b"x", None, now()).unwrap_err();
    }
    inbox.receive(&message, b"x", None, now()).unwrap();
}

#[test]
fn a_changed_signature_is_refused() {
    let mut message = send(&mut outbox(1), 1, 1, b"x");
    let last = message.len() - 40;
    message[last] ^= 1;
    assert_eq!(code(inbox().receive(&message, b"x", None, now())), Code::SignatureInvalid);
}

#[test]
fn sizes_are_bounded_before_anything_is_hashed() {
    let (mut inbox, mut outbox) = (inbox(), outbox(1));
    let largest = vec![7; limits::MAX_PAYLOAD];
    let message = send(&mut outbox, 1, 1, &largest);
    assert_eq!(inbox.receive(&message, &largest, None, now()).unwrap().payload().len(), limits::MAX_PAYLOAD);
    let larger = vec![7; limits::MAX_PAYLOAD + 1];
    assert_eq!(code(outbox.sign(&key(1), &Outgoing::new(&larger, "bob", session(1)), &mut SysRng, now())), Code::TooLarge);
    assert_eq!(code(inbox.receive(&message, &larger, None, now())), Code::TooLarge);
    assert_eq!(code(inbox.receive(&vec![0; limits::MAX_MESSAGE + 1], b"", None, now())), Code::TooLarge);
    let name = "b".repeat(256);
    let longest =
        outbox.sign(&key(1), &Outgoing::new(b"", &name, session(1)).token(Digest::from_bytes([1; 32])), &mut SysRng, now()).unwrap();
    assert!(longest.len() <= limits::MAX_MESSAGE);
}

#[test]
fn an_outbox_is_for_one_key_and_counts_only_what_was_signed() {
    let mut outbox = outbox(1);
    let outgoing = Outgoing::new(b"x", "bob", session(1));
    assert_eq!(code(outbox.sign(&key(2), &outgoing, &mut SysRng, now())), Code::HolderMismatch);
    assert_eq!(code(outbox.sign(&key(1), &Outgoing::new(b"x", "", session(1)), &mut SysRng, now())), Code::NameInvalid);
    assert_eq!(code(outbox.sign(&key(1), &outgoing.ttl(0), &mut SysRng, now())), Code::ClaimInvalid);
    let message = outbox.sign(&key(1), &outgoing, &mut SysRng, now()).unwrap();
    assert_eq!(inbox().receive(&message, b"x", None, now()).unwrap().sequence(), 0);
    outbox.close(session(1));
    let message = outbox.sign(&key(1), &outgoing, &mut SysRng, now()).unwrap();
    assert_eq!(inbox().receive(&message, b"x", None, now()).unwrap().sequence(), 0);
}

#[test]
fn a_token_or_an_approval_is_no_message() {
    let chain = issue(&key(1), "ana", &Grant::to(key(2).verifying_key()), &mut SysRng, now()).unwrap();
    assert_eq!(code(inbox().receive(chain.token_bytes().unwrap()[0], b"x", None, now())), Code::KindMismatch);
    let message = send(&mut outbox(1), 1, 1, b"x");
    assert_eq!(code(Approval::decode(&message)), Code::KindMismatch);
    assert_eq!(code(Consent::decode(&message)), Code::KindMismatch);
}

#[test]
fn an_inbox_has_a_name_and_room() {
    for bad in ["", "a\n", "\u{202e}"] {
        assert_eq!(code(Inbox::new(bad, 1, now())), Code::NameInvalid);
    }
    assert_eq!(code(Inbox::new("bob", 0, now())), Code::ConfigInvalid);
}
