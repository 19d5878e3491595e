//! The store in Redis, against a server that each test starts on a port of its own. Without `redis-server` on the PATH the tests say that they
//! are skipped; with `DEPUTIZE_REQUIRE_REDIS` set they fail.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deputize::*;

const T: u64 = 1_764_000_000;
const SHORT: Duration = Duration::from_millis(300);

/// A server in a folder of its own, killed when it is dropped.
struct Server {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    process: Child,
}

impl Server {
    /// None, and a line that says so, where there is no `redis-server`.
    fn start(options: &[&str]) -> Option<Server> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("deputize-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let process = match spawn(port, &folder, &options) {
            Ok(process) => process,
            Err(error) => {
                assert!(std::env::var_os("DEPUTIZE_REQUIRE_REDIS").is_none(), "redis-server is required and cannot be started: {error}");
                // Not by a macro, whose output is kept back for tests that pass.
                let _ = writeln!(std::io::stderr(), "skipped: no redis-server on the PATH");
                return None;
            }
        };
        let server = Server { port, folder, options, process };
        server.wait();
        Some(server)
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.try_run(&["PING"]).is_some_and(|answer| answer.contains("PONG")) {
            assert!(Instant::now() < end, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it, as a crash does, and starts it again in the same folder.
    fn crash_and_restart(&mut self) {
        self.kill();
        self.process = spawn(self.port, &self.folder, &self.options).unwrap();
        self.wait();
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn address(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn store(&self) -> RedisStore {
        RedisStore::new(&self.address()).unwrap()
    }

    fn try_run(&self, words: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let parts: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        write!(stream, "*{}\r\n{parts}", words.len()).ok()?;
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    fn run(&self, words: &[&str]) -> String {
        self.try_run(words).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(port: u16, folder: &PathBuf, options: &[String]) -> std::io::Result<Child> {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

macro_rules! server {
    ($($option:literal),*) => {
        match Server::start(&[$($option),*]) { Some(server) => server, None => return }
    };
}

fn key(letter: u8, n: u8) -> StoreKey {
    StoreKey::from_bytes(&[&[letter][..], &[n; 48]].concat()).unwrap()
}

fn at(secs: u64) -> Now {
    Now::from_millis(secs * 1000).unwrap()
}

fn until(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs).unwrap()
}

fn claim(n: u8) -> Operation {
    claim_since(n, T)
}

fn claim_since(n: u8, since: u64) -> Operation {
    Operation::Claim { key: key(b'p', n), expires: until(T + 60), since: at(since) }
}

fn spend(n: u8, amount: u64, limit: u64) -> Operation {
    Operation::Spend { key: key(b'b', n), amount, limit, expires: until(T + 60), since: at(T) }
}

fn mark(n: u8, expires: u64) -> Operation {
    Operation::Mark { key: key(b'd', n), expires: until(expires) }
}

fn absent(n: u8, since: u64) -> Operation {
    Operation::Absent { key: key(b'd', n), since: at(since) }
}

fn refund(n: u8, amount: u64) -> Operation {
    Operation::Refund { key: key(b'b', n), amount }
}

fn milliseconds_left(server: &Server, name: &str) -> i64 {
    server.run(&["PTTL", name]).trim().trim_start_matches(':').parse().unwrap()
}

fn name(letter: char, n: u8) -> String {
    format!("{{deputize}}:{letter}:{}", format!("{n:02x}").repeat(48))
}

#[test]
fn a_commit_is_all_or_nothing_and_judged_in_order() {
    let server = server!();
    let store = server.store();
    assert_eq!(store.commit(&[], at(T)), Outcome::Committed);
    assert_eq!(store.commit(&[absent(1, T), claim(1), spend(1, 11, 10)], at(T)), Outcome::Refused(2));
    assert_eq!(store.commit(&[absent(1, T), claim(1), spend(1, 10, 10), mark(2, T + 60)], at(T)), Outcome::Committed);
    assert_eq!(store.commit(&[spend(1, 1, 10), claim(1)], at(T)), Outcome::Refused(0));
    assert_eq!(store.commit(&[claim(2), absent(2, T), claim(1)], at(T)), Outcome::Refused(1));
    assert_eq!(store.commit(&[claim(2), refund(1, 4), refund(9, 4)], at(T)), Outcome::Committed);
    assert_eq!(store.commit(&[spend(1, 5, 10)], at(T)), Outcome::Refused(0));
    assert_eq!(store.commit(&[spend(1, 4, 10)], at(T)), Outcome::Committed);
    assert_eq!(server.run(&["EXISTS", &name('b', 9)]), ":0\r\n");
}

#[test]
fn the_script_and_the_store_in_memory_answer_alike() {
    const MOST: u64 = 1 << 53;
    let server = server!();
    let (redis, memory) = (server.store().begin(at(T)), MemoryStore::new(100_000, at(T)).unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |most: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    };
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..3000u64 {
        let now = at(T + round / 100);
        let mut names: Vec<u8> = (0..8).collect();
        let transaction: Vec<Operation> = (0..below(5))
            .map(|_| {
                let n = names.swap_remove(below(names.len() as u64) as usize);
                let amount = [0, 1, 2, MOST - 1, MOST, u64::MAX][below(6) as usize];
                match below(6) {
                    0 => claim_since(n + (round / 100) as u8, [T, T, T, T - 1][below(4) as usize]),
                    1 => Operation::Absent { key: key(b'd', n), since: at(T) },
                    2 if below(8) == 0 => mark(n, T + 60 + below(60)),
                    3 => refund(n, amount),
                    _ => spend(n, amount, [1, 5, MOST - 1, MOST][below(4) as usize]),
                }
            })
            .collect();
        let answers = [redis.commit(&transaction, now), memory.commit(&transaction, now)];
        assert_eq!(answers[0], answers[1], "{round}: {transaction:?}");
        seen.insert(format!("{:?}", answers[0]).split('(').next().unwrap().to_owned());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["Committed", "Predates", "Refused"]);
}

#[test]
fn counters_are_exact_up_to_two_to_the_53() {
    const MOST: u64 = 1 << 53;
    let server = server!();
    let store = server.store();
    for (amount, outcome) in [
        (MOST + 1, Outcome::Refused(0)),
        (u64::MAX, Outcome::Refused(0)),
        (MOST - 1, Outcome::Committed),
        (2, Outcome::Refused(0)),
        (1, Outcome::Committed),
        (1, Outcome::Refused(0)),
        (0, Outcome::Committed),
    ] {
        assert_eq!(store.commit(&[spend(1, amount, MOST)], at(T)), outcome, "{amount}");
    }
    assert_eq!(server.run(&["GET", &name('b', 1)]), "$16\r\n9007199254740992\r\n");
    assert_eq!(store.commit(&[spend(2, 1, MOST + 1)], at(T)), Outcome::Unavailable);
    assert_eq!(store.commit(&[refund(1, u64::MAX)], at(T)), Outcome::Committed);
    assert_eq!(server.run(&["GET", &name('b', 1)]), "$1\r\n0\r\n");
}

#[test]
fn entries_outlive_their_time_by_a_minute_and_never_live_shorter() {
    let server = server!();
    let store = server.store();
    let near = |name: &str, seconds: i64| {
        let left = milliseconds_left(&server, name);
        assert!((seconds * 1000 - 5000..=seconds * 1000).contains(&left), "{name}: {left}");
    };
    // The server's own date is years away from the verifier's.
    assert_eq!(store.commit(&[claim(1), mark(1, T + 600), spend(1, 1, 10)], at(T)), Outcome::Committed);
    near(&name('p', 1), 120);
    near(&name('d', 1), 660);
    near(&name('b', 1), 120);
    assert_eq!(store.commit(&[mark(1, T + 30), spend(1, 1, 10)], at(T + 50)), Outcome::Committed);
    near(&name('d', 1), 660);
    near(&name('b', 1), 120);
    assert_eq!(store.commit(&[refund(1, 1)], at(T)), Outcome::Committed);
    near(&name('b', 1), 120);
    // Already over by the verifier's clock: kept for what other clocks may differ.
    assert_eq!(store.commit(&[mark(3, T - 1000)], at(T)), Outcome::Committed);
    near(&name('d', 3), 60);
    assert_eq!(server.run(&["PTTL", "{deputize}:began"]), ":-1\r\n");
}

#[test]
fn what_is_older_than_the_memory_is_not_claimed_counted_or_taken_for_unmarked() {
    let server = server!();
    let store = server.store();
    assert_eq!(store.commit(&[claim_since(1, T - 1)], at(T)), Outcome::Predates(0));
    assert_eq!(store.commit(&[mark(1, T + 9), absent(2, T - 1)], at(T + 50)), Outcome::Predates(1));
    assert_eq!(store.commit(&[claim(1), claim_since(2, T - 1)], at(T)), Outcome::Predates(1));
    assert_eq!(store.commit(&[claim(1), absent(2, T), spend(1, 1, 1)], at(T)), Outcome::Committed);
    assert_eq!(server.run(&["FLUSHALL"]), "+OK\r\n");
    assert_eq!(store.commit(&[claim(1)], at(T + 5)), Outcome::Predates(0));
    assert_eq!(store.commit(&[claim_since(1, T + 5)], at(T + 5)), Outcome::Committed);
}

#[test]
fn of_many_threads_exactly_one_wins_each_time() {
    let server = server!();
    let store = server.store();
    for n in 0..20 {
        let won = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    if store.commit(&[claim(n), spend(n, 1, 1)], at(T)) == Outcome::Committed {
                        won.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(won.into_inner(), 1, "{n}");
    }
}

#[test]
fn stores_with_other_prefixes_share_nothing() {
    let server = server!();
    let (one, other) = (server.store(), server.store().prefix("other").unwrap());
    assert_eq!(one.commit(&[claim(1)], at(T)), Outcome::Committed);
    assert_eq!(other.commit(&[claim(1)], at(T)), Outcome::Committed);
    assert_eq!(other.commit(&[claim(1)], at(T)), Outcome::Refused(0));
}

#[test]
fn after_a_crash_without_persistence_old_proofs_predate_the_store() {
    let mut server = server!();
    let store = server.store();
    assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Committed);
    server.crash_and_restart();
    assert_eq!(store.commit(&[claim(1)], at(T + 1)), Outcome::Predates(0));
    assert_eq!(store.commit(&[claim_since(1, T + 1)], at(T + 1)), Outcome::Committed);
}

#[test]
fn a_snapshot_that_brings_back_the_beginning_but_not_the_claim_is_noticed() {
    let mut server = server!();
    let store = server.store();
    assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Committed);
    assert_eq!(server.run(&["SAVE"]), "+OK\r\n");
    assert_eq!(store.commit(&[claim(2)], at(T)), Outcome::Committed);
    server.crash_and_restart();
    assert_eq!(server.run(&["EXISTS", "{deputize}:began", &name('p', 1), &name('p', 2)]), ":2\r\n");
    assert_eq!(store.commit(&[claim(2)], at(T + 1)), Outcome::Predates(0));
}

#[test]
fn a_server_that_forgets_nothing_refuses_old_proofs_after_a_crash_as_replayed() {
    let mut server = server!("--appendonly", "yes", "--appendfsync", "always");
    let (durable, careful) = (server.store().durable(), server.store().prefix("careful").unwrap());
    assert_eq!(durable.commit(&[claim(1), spend(1, 10, 10)], at(T)), Outcome::Committed);
    assert_eq!(careful.commit(&[claim(1)], at(T)), Outcome::Committed);
    server.crash_and_restart();
    assert_eq!(durable.commit(&[claim(1)], at(T + 1)), Outcome::Refused(0));
    assert_eq!(durable.commit(&[claim(2), spend(1, 1, 10)], at(T + 1)), Outcome::Refused(1));
    assert_eq!(durable.commit(&[claim(2)], at(T + 1)), Outcome::Committed);
    // Not told that nothing is lost, it does not count on it.
    assert_eq!(careful.commit(&[claim(1)], at(T + 1)), Outcome::Predates(0));
}

#[test]
fn a_server_that_is_gone_denies_at_once_and_is_found_again() {
    let mut server = server!("--appendonly", "yes", "--appendfsync", "always");
    let store = server.store().durable();
    assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Committed);
    server.kill();
    let begin = Instant::now();
    assert_eq!(store.commit(&[claim(2)], at(T)), Outcome::Unavailable);
    assert!(begin.elapsed() < Duration::from_secs(2));
    server.process = spawn(server.port, &server.folder, &server.options).unwrap();
    server.wait();
    assert_eq!(store.commit(&[claim(2)], at(T)), Outcome::Committed);
}

#[test]
fn without_memory_for_it_nothing_is_committed() {
    let server = server!("--maxmemory-policy", "noeviction");
    let store = server.store();
    assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Committed);
    server.run(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(store.commit(&[spend(1, 1, 1), claim(2)], at(T)), Outcome::Full);
    assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Refused(0));
    server.run(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(store.commit(&[spend(1, 1, 1), claim(2)], at(T)), Outcome::Committed);
    server.run(&["CONFIG", "SET", "maxmemory", "1"]);
    server.run(&["FLUSHALL"]);
    assert_ne!(server.store().commit(&[claim_since(3, T + 9)], at(T + 9)), Outcome::Committed);
}

#[test]
fn a_server_that_evicts_keys_or_takes_no_writes_is_no_store() {
    let server = server!("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
    assert_eq!(server.store().commit(&[claim(1)], at(T)), Outcome::Unavailable);
    server.run(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert_eq!(server.store().commit(&[claim(1)], at(T)), Outcome::Committed);
    server.run(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(server.store().commit(&[claim(2)], at(T)), Outcome::Unavailable);
}

#[test]
fn something_else_at_a_key_denies() {
    let server = server!();
    let store = server.store();
    assert_eq!(store.commit(&[], at(T)), Outcome::Committed);
    for letter in ['p', 'd', 'b'] {
        server.run(&["RPUSH", &name(letter, 1), "x"]);
    }
    for value in ["x", "-1", "1.5", "1e3", "9007199254740993", "99999999999999999999"] {
        server.run(&["SET", &name('b', 2), value]);
        assert_eq!(store.commit(&[claim(9), spend(2, 1, 10)], at(T)), Outcome::Unavailable, "{value}");
        assert_eq!(store.commit(&[claim(9), refund(2, 1)], at(T)), Outcome::Unavailable, "{value}");
    }
    assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Refused(0));
    assert_eq!(store.commit(&[absent(1, T)], at(T)), Outcome::Refused(0));
    assert_eq!(store.commit(&[claim(9), spend(1, 1, 10)], at(T)), Outcome::Unavailable);
    // None of these left the claim behind.
    assert_eq!(store.commit(&[claim(9)], at(T)), Outcome::Committed);
    server.run(&["DEL", "{deputize}:began"]);
    server.run(&["RPUSH", "{deputize}:began", "x"]);
    assert_eq!(store.commit(&[claim(8)], at(T)), Outcome::Unavailable);
}

/// A server that answers each connection with these bytes, or is silent, and closes it.
fn answering(bytes: &'static [u8], patience: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("redis://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(bytes);
                std::thread::sleep(patience);
            });
        }
    });
    address
}

#[test]
fn a_server_that_is_silent_or_answers_nonsense_denies_in_time() {
    let long = Duration::from_secs(10);
    for (bytes, patience) in [
        (&b""[..], long),
        (b"", Duration::ZERO),
        (b"+OK\r\n+OK\r\n$9\r\ncommi", long),
        (b"+OK\r\n+OK\r\n$9\r\ncommi", Duration::ZERO),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Duration::ZERO),
        (b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", long),
        (b"+OK\r\n+OK\r\n:1\r\n:1\r\n:1\r\n", long),
        (b"+OK\r\n+OK\r\n$-1\r\n$-1\r\n", long),
        (b"+OK\r\n+OK\r\n*1\r\n$9\r\ncommitted\r\n", long),
        (b"+OK\r\n+OK\r\n-ERR no\r\n-ERR no\r\n", long),
        (b"+OK\r\n+OK\r\n$999999999999\r\nx", long),
        (b"\xff\xfe\x00garbage\r\n", long),
    ] {
        let store = RedisStore::new(&answering(bytes, patience)).unwrap().timeout(SHORT).unwrap();
        let begin = Instant::now();
        assert_eq!(store.commit(&[claim(1)], at(T)), Outcome::Unavailable, "{}", bytes.escape_ascii());
        assert!(begin.elapsed() < SHORT * 4, "{}: {:?}", bytes.escape_ascii(), begin.elapsed());
    }
}

/// As a decision with two approvals asks twice whether the request was denied.
#[test]
fn the_same_mark_may_be_asked_for_twice_in_one_commit() {
    let server = server!();
    let store = server.store();
    let absent = Operation::Absent { key: *claim(1).key(), since: at(T) };
    assert_eq!(store.commit(&[absent, absent, claim(2)], at(T)), Outcome::Committed);
    assert_eq!(store.commit(&[claim(3), claim(3)], at(T)), Outcome::Unavailable);
}

#[test]
fn a_proof_is_accepted_once_by_all_verifiers_that_share_the_server() {
    let server = server!();
    let ana = SigningKey::from_seed(&[1; 32]).unwrap();
    let coder = SigningKey::from_seed(&[2; 32]).unwrap();
    let verifier = |store: RedisStore| {
        Verifier::new([TrustAnchor::new("ana", ana.verifying_key()).unwrap()], "https://tools.acme.example", store).unwrap()
    };
    let (one, two) = (verifier(server.store().begin(at(T))), verifier(server.store()));
    let tools = Tools::new().allow("t", ArgumentRules::new()).unwrap();
    let chain = issue(&ana, "ana", &Grant::to(coder.verifying_key()).tools(tools), &mut os::SysRng, at(T)).unwrap();
    let arguments = Arguments::new(vec![]).unwrap();
    let call = Call::new("t", &arguments);
    let proof = || prove(&coder, &chain, &call, "https://tools.acme.example", &mut os::SysRng, at(T)).unwrap();
    let used = proof();
    assert!(one.authorize(&used, &call, at(T)).is_ok());
    assert_eq!(two.authorize(&used, &call, at(T)).unwrap_err().code(), Code::ProofReplayed);
    let late = proof();
    server.run(&["FLUSHALL"]);
    assert_eq!(two.authorize(&late, &call, at(T + 1)).unwrap_err().code(), Code::TokenPredatesStore);
}
