//! A store in Redis, for verifiers in several processes and machines.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, ErrorKind, RedisError, Script, ServerErrorKind};

use crate::id::hex;
use crate::store::{COMMIT_SCRIPT, Operation, Outcome, Store, StoreKey};
use crate::time::Now;
use crate::{Code, Error, Result};

/// Connections that wait for the next commit; more are closed after use.
const MAX_IDLE: usize = 32;
/// A connection that was idle for longer may have been dropped on the way, unnoticed.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_PREFIX: usize = 64;

/// What verifiers share on one server of Redis (6.2 or later, or one that speaks as it does). Each commit is one script, which is atomic there.
/// Every error, and no answer in time, is [`Outcome::Unavailable`].
///
/// The server must not evict keys (`maxmemory-policy noeviction`); the script refuses one that says it does. What a restart loses is never
/// accepted twice: unless the store is [durable](RedisStore::durable), what is older than the server's run counts as older than the store.
pub struct RedisStore {
    client: Client,
    script: Script,
    prefix: String,
    timeout: Duration,
    durable: bool,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).field("durable", &self.durable).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// What the names of its keys begin with, unless told otherwise: `{deputize}:`.
    pub const DEFAULT_PREFIX: &str = "deputize";

    /// How long a commit waits, unless told otherwise.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

    /// A store at an address such as `redis://127.0.0.1:6379/0`. It connects when it is first asked. `config-invalid` for no such address.
    pub fn new(address: &str) -> Result<Self> {
        // The address may have a password in it, so the error does not repeat it.
        Client::open(address).map(Self::with_client).map_err(|_| Error::about(Code::ConfigInvalid, "no address of a Redis server"))
    }

    /// A store behind a client, for TLS and other settings of its own.
    #[must_use]
    pub fn with_client(client: Client) -> Self {
        let (script, prefix) = (Script::new(COMMIT_SCRIPT), Self::DEFAULT_PREFIX.to_owned());
        RedisStore { client, script, prefix, timeout: Self::DEFAULT_TIMEOUT, durable: false, idle: Mutex::default() }
    }

    /// Another prefix, for stores that share a server and nothing else: 1 to 64 letters, digits and `.:_-`, or `config-invalid`.
    pub fn prefix(mut self, prefix: &str) -> Result<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte);
        if !(1..=MAX_PREFIX).contains(&prefix.len()) || !prefix.bytes().all(known) {
            return Err(Error::about(Code::ConfigInvalid, "a prefix is 1 to 64 letters, digits and .:_-"));
        }
        prefix.clone_into(&mut self.prefix);
        Ok(self)
    }

    /// How long a commit waits for a connection and for an answer: more than nothing, and at most a minute, or `config-invalid`.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self> {
        if timeout.is_zero() || timeout > MAX_TIMEOUT {
            return Err(Error::about(Code::ConfigInvalid, "a timeout is above 0 and at most 60 seconds"));
        }
        self.timeout = timeout;
        Ok(self)
    }

    /// Says that the server loses nothing when it starts again: `appendonly yes` with `appendfsync always`, and no failover to a replica that may
    /// lag. Used proofs, spent budgets and revocations then count across restarts; where it is not so, they can be used again.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Begins the memory now, where the server has none yet. Otherwise it begins with the first decision, whose proof is older than that and so is
    /// refused. If the server does not answer, it is the first decision that begins it.
    #[must_use]
    pub fn begin(self, now: Now) -> Self {
        let _ = self.commit(&[], now);
        self
    }

    /// `{prefix}:letter:hex`: the braces keep all keys of a cluster on one server.
    fn name(&self, key: &StoreKey) -> String {
        let (letter, rest) = key.as_bytes().split_at(1);
        format!("{{{}}}:{}:{}", self.prefix, String::from_utf8_lossy(letter), hex(rest))
    }

    fn command(&self, name: &str, script: &str, transaction: &[Operation], now: Now) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(transaction.len() + 1).arg(format!("{{{}}}:began", self.prefix));
        for operation in transaction {
            command.arg(self.name(operation.key()));
        }
        command.arg(now.millis()).arg(u8::from(self.durable));
        for operation in transaction {
            match operation {
                Operation::Claim { expires, since, .. } => command.arg("claim").arg(expires.secs()).arg(since.millis()),
                Operation::Absent { since, .. } => command.arg("absent").arg(since.millis()),
                Operation::Mark { expires, .. } => command.arg("mark").arg(expires.secs()),
                Operation::Spend { amount, limit, expires, since, .. } => {
                    command.arg("spend").arg(*amount).arg(*limit).arg(expires.secs()).arg(since.millis())
                }
                Operation::Refund { amount, .. } => command.arg("refund").arg(*amount),
            };
        }
        command
    }

    fn ask(&self, transaction: &[Operation], now: Now) -> std::result::Result<String, RedisError> {
        let deadline = Instant::now() + self.timeout;
        if let Some(mut connection) = self.take_idle() {
            match self.run(&mut connection, transaction, now, deadline) {
                // The server may have been started again since. What has a claim is committed once, however often it is asked.
                Err(error) if error.is_connection_dropped() && transaction.iter().any(is_claim) => {}
                answer => return self.keep(connection, answer),
            }
        }
        let mut connection = self.client.get_connection_with_timeout(left(deadline)?)?;
        let answer = self.run(&mut connection, transaction, now, deadline);
        self.keep(connection, answer)
    }

    fn run(
        &self,
        connection: &mut Connection,
        transaction: &[Operation],
        now: Now,
        deadline: Instant,
    ) -> std::result::Result<String, RedisError> {
        let mut send = |command: Cmd| {
            let left = left(deadline)?;
            connection.set_read_timeout(Some(left))?;
            connection.set_write_timeout(Some(left))?;
            command.query::<String>(connection)
        };
        match send(self.command("EVALSHA", self.script.get_hash(), transaction, now)) {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                send(self.command("EVAL", COMMIT_SCRIPT, transaction, now))
            }
            answer => answer,
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().ok()?;
        // The last is the youngest: if it is too old, all are.
        let (connection, since) = idle.pop()?;
        if since.elapsed() < MAX_IDLE_TIME {
            return Some(connection);
        }
        idle.clear();
        None
    }

    /// A connection whose answer did not come may give it to the next who asks, so only one that answered is used again.
    fn keep(&self, connection: Connection, answer: std::result::Result<String, RedisError>) -> std::result::Result<String, RedisError> {
        if let Ok(mut idle) = self.idle.lock() {
            match &answer {
                Ok(_) if idle.len() < MAX_IDLE => idle.push((connection, Instant::now())),
                Ok(_) => {}
                Err(_) => idle.clear(),
            }
        }
        answer
    }
}

impl Store for RedisStore {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        self.ask(transaction, now).ok().and_then(|answer| outcome(&answer)).unwrap_or(Outcome::Unavailable)
    }
}

const fn is_claim(operation: &Operation) -> bool {
    matches!(operation, Operation::Claim { .. })
}

/// What is left until then; a failure if nothing is.
fn left(deadline: Instant) -> std::result::Result<Duration, RedisError> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()) } else { Ok(left) }
}

fn outcome(answer: &str) -> Option<Outcome> {
    let index = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match answer.split_once(' ') {
        None if answer == "committed" => Some(Outcome::Committed),
        None if answer == "full" => Some(Outcome::Full),
        Some(("refused", at)) => Some(Outcome::Refused(index(at)?)),
        Some(("predates", at)) => Some(Outcome::Predates(index(at)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_of_the_script_are_an_answer() {
        assert_eq!(outcome("committed"), Some(Outcome::Committed));
        assert_eq!(outcome("full"), Some(Outcome::Full));
        assert_eq!(outcome("refused 0"), Some(Outcome::Refused(0)));
        assert_eq!(outcome("predates 12"), Some(Outcome::Predates(12)));
        for answer in [
            "",
            "OK",
            "PONG",
            "Committed",
            "committed ",
            "committed 0",
            " committed",
            "refused",
            "refused ",
            "refused -1",
            "refused +1",
            "refused 1 ",
            "full 0",
        ] {
            assert_eq!(outcome(answer), None, "{answer}");
        }
        assert_eq!(outcome("refused 99999999999999999999999"), None);
    }

    #[test]
    fn keys_are_named_by_prefix_letter_and_hex() {
        let store = RedisStore::new("redis://127.0.0.1/").unwrap().prefix("a.b").unwrap();
        assert_eq!(store.name(&StoreKey::new(b'p', &[&[0xab; 2], &[1]])), "{a.b}:p:abab01");
    }

    #[test]
    fn a_prefix_has_no_braces_and_a_timeout_has_an_end() {
        let store = || RedisStore::new("redis://127.0.0.1/").unwrap();
        for prefix in ["", "a b", "{a}", "a}b", "ä", &"x".repeat(65)] {
            assert_eq!(store().prefix(prefix).unwrap_err().code(), Code::ConfigInvalid, "{prefix}");
        }
        for timeout in [Duration::ZERO, Duration::from_millis(60_001)] {
            assert_eq!(store().timeout(timeout).unwrap_err().code(), Code::ConfigInvalid);
        }
        let refused = RedisStore::new("http://user:secret@host").unwrap_err();
        assert_eq!(refused.code(), Code::ConfigInvalid);
        assert!(!refused.to_string().contains("secret"));
    }
}
